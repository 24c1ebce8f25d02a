// What each fault point does to the hardware, and what becomes of the packets it meets.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <vector>

#include "engine.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::Register;
using contract::SendStatus;
using test::Engine;

struct Seen {
  BusPacket packet;
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> sent;
  std::uint64_t end() const { return packet.start_cycle + words.size(); }
};

struct Recorder : FabricObserver {
  std::vector<Seen> packets;
  std::map<unsigned, PacketFault> faults;  // by number of the packet
  std::map<unsigned, PacketFault> late;    // by number of the packet among those opened
  unsigned started = 0;
  unsigned opened = 0;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint32_t>>> openings;  // cycle, words

  bool wants_openings() const override { return true; }
  PacketFault packet_opened(BusId, std::uint64_t cycle, unsigned,
                            std::span<const std::uint32_t> words) override {
    openings.emplace_back(cycle, std::vector<std::uint32_t>{words.begin(), words.end()});
    const auto fault = late.find(opened++);
    return fault == late.end() ? PacketFault{} : fault->second;
  }
  PacketFault packet_started(BusId, std::uint64_t, unsigned) override {
    const auto fault = faults.find(started++);
    return fault == faults.end() ? PacketFault{} : fault->second;
  }
  void packet_answered(const BusPacket& p) override {
    packets.push_back(
        {p, {p.words.begin(), p.words.end()}, {p.sent.begin(), p.sent.end()}});
  }
  std::vector<const Seen*> on(BusId bus) const {
    std::vector<const Seen*> found;
    for (const Seen& seen : packets) {
      if (seen.packet.bus == bus) found.push_back(&seen);
    }
    return found;
  }
};

std::vector<std::byte> bytes(unsigned count, unsigned seed = 3) {
  std::vector<std::byte> result(count);
  for (unsigned i = 0; i < count; ++i) result[i] = static_cast<std::byte>(seed + 11 * i);
  return result;
}

/// CPUs that send each other packets: node i sends its payloads to node (i + 1) % cpus, one after
/// the other. What arrives is kept.
struct Ring {
  static constexpr std::uint64_t end = 60'000;
  using Payloads = std::vector<std::vector<std::byte>>;

  Machine machine;
  Recorder recorder;
  std::array<std::vector<SendStatus>, 4> fates;
  std::array<Payloads, 4> received;
  std::array<std::uint64_t, 4> last_event{};  // cycle
  std::array<unsigned, 4> wakeups{};
  std::function<void(hal::Hal&)> before_start = [](hal::Hal&) {};

  explicit Ring(std::vector<Payloads> payloads)
      : machine(config(static_cast<unsigned>(payloads.size()))) {
    fabric().set_observer(&recorder);
    for (unsigned cpu = 0; cpu < payloads.size(); ++cpu) {
      machine.set_firmware(cpu, [this, cpu, mine = payloads[cpu]](hal::Hal& hal) {
        run(cpu, mine, hal);
      });
    }
  }

  static FabricConfig config(unsigned cpus) {
    FabricConfig config = test::config();
    config.nodes = cpus;
    return config;
  }
  Fabric& fabric() { return machine.fabric(); }

  void run(unsigned cpu, const Payloads& payloads, hal::Hal& hal) {
    Engine engine(hal);
    before_start(hal);
    engine.start();
    hal.consume(200);
    std::size_t posted = 0;
    bool open = false;
    while (hal.now() < end) {
      if (!open && posted < payloads.size()) {
        engine.post((cpu + 1) % machine.cpus(), payloads[posted++]);
        open = true;
      }
      const auto event = engine.poll();
      if (!event) {
        hal.idle(end);
        hal.consume(1);
        ++wakeups[cpu];
        continue;
      }
      last_event[cpu] = hal.now();
      if (event->event_type() == contract::EventType::sent) {
        fates[cpu].push_back(event->status());
        open = false;
      } else {
        received[cpu].push_back(engine.payload());
      }
    }
  }

  std::uint32_t count(unsigned node, Register x, Register y) {
    return fabric().peek(x)[node].value() + fabric().peek(y)[node].value();
  }
};

constexpr std::uint64_t wire(unsigned node, Answer answer) {
  return std::uint64_t{1} << (contract::max_nodes * (static_cast<unsigned>(answer) - 1) + node);
}

const std::vector<SendStatus> ok{SendStatus::ok};

std::uint32_t after_reset(Register reg) {
  const auto found = std::ranges::find(contract::registers, reg, &contract::RegisterInfo::reg);
  return found->reset;
}

}  // namespace

TEST_CASE("an answer that a flip takes away is none: the packet comes again, and arrives once") {
  Ring ring({{bytes(20)}, {}});
  ring.recorder.faults[0].answer_flips = wire(1, Answer::accepted);
  ring.machine.run(5000);
  REQUIRE(ring.recorder.packets.size() == 2);
  CHECK(ring.recorder.packets[0].packet.answers.of(1) == Answer::none);
  CHECK(ring.recorder.packets[0].packet.faulted);
  CHECK(ring.recorder.packets[1].packet.answers.of(1) == Answer::accepted);
  CHECK(ring.fates[0] == ok);
  CHECK(ring.received[1] == Ring::Payloads{bytes(20)});
  CHECK(ring.count(1, Register::duplicate_x, Register::duplicate_y) == 1);
}

TEMPLATE_TEST_CASE_SIG("two answers of one node at once count as none", "",
                       ((Answer second), second), Answer::busy, Answer::corrupt,
                       Answer::refused) {
  Ring ring({{bytes(20)}, {}});
  ring.recorder.faults[0].answer_flips = wire(1, second);
  ring.machine.run(5000);
  REQUIRE(ring.recorder.packets.size() == 2);
  CHECK(ring.recorder.packets[0].packet.answers.contradictory() == 2);
  CHECK(ring.fates[0] == ok);
  CHECK(ring.received[1].size() == 1);
  CHECK(ring.count(0, Register::no_answer_x, Register::no_answer_y) == 1);
}

TEST_CASE("a flip on the answer wire of a silent node is taken for its answer") {
  Ring ring({{bytes(20)}, {}});
  ring.machine.at(50, [&] { ring.machine.halt(1); });
  ring.recorder.faults[0].answer_flips = wire(1, Answer::accepted);
  ring.machine.run(5000);
  CHECK(ring.fates[0] == ok);
  CHECK(ring.received[1].empty());
}

TEST_CASE("what a stuck data wire spoils goes over the other bus") {
  Ring ring({{bytes(20), bytes(21), bytes(22), bytes(23)}, {}});
  constexpr std::uint32_t wires = 1U << 5 | 1U << 9;
  ring.fabric().set_bus_fault(BusId::x, {.stuck_mask = wires, .stuck_value = 1U << 5});
  ring.machine.run(20'000);
  CHECK(ring.fates[0] == std::vector<SendStatus>(4, SendStatus::ok));
  CHECK(ring.received[1] == Ring::Payloads{bytes(20), bytes(21), bytes(22), bytes(23)});
  REQUIRE_FALSE(ring.recorder.on(BusId::x).empty());
  for (const Seen* seen : ring.recorder.on(BusId::x)) {
    for (std::size_t i = 0; i < seen->words.size(); ++i) {
      CHECK(seen->words[i] == ((seen->sent[i] & ~wires) | 1U << 5));
    }
    CHECK(seen->packet.answers.accepted == 0);
  }
}

TEST_CASE("nodes hear those of their own side of a partition, and no others") {
  Ring ring({{bytes(20)}, {bytes(21)}, {bytes(22)}, {bytes(23)}});
  for (const BusId bus : {BusId::x, BusId::y}) {
    ring.fabric().set_bus_fault(bus, {.partition = 0b0011});
  }
  ring.machine.run(30'000);
  CHECK(ring.fates[0] == ok);
  CHECK(ring.fates[2] == ok);
  CHECK(ring.fates[1] == std::vector{SendStatus::unreachable});
  CHECK(ring.fates[3] == std::vector{SendStatus::unreachable});
  CHECK(ring.received[1] == Ring::Payloads{bytes(20)});
  CHECK(ring.received[3] == Ring::Payloads{bytes(22)});
  CHECK(ring.received[0].empty());
  CHECK(ring.received[2].empty());
  for (const Seen& seen : ring.recorder.packets) {
    CHECK((seen.packet.parted & 0xf) == (seen.packet.source < 2 ? 0b1100U : 0b0011U));
  }
}

TEST_CASE("a partition of one bus costs no packet, and ends without a trace") {
  Ring ring({{bytes(20), bytes(21)}, {bytes(22), bytes(23)}});
  ring.fabric().set_bus_fault(BusId::x, {.partition = 0b10});
  ring.machine.run(10'000);
  CHECK(ring.received[1] == Ring::Payloads{bytes(20), bytes(21)});
  CHECK(ring.received[0] == Ring::Payloads{bytes(22), bytes(23)});
  for (const Seen* seen : ring.recorder.on(BusId::x)) CHECK(seen->packet.answers == Answers{});
}

TEST_CASE("a dead controller grants nothing, and its packets move when their patience ends") {
  Ring ring({{bytes(20), bytes(21), bytes(22)}, {}});
  ring.before_start = [](hal::Hal& hal) { hal.write(Register::grant_timeout, 1024); };
  ring.fabric().set_bus_fault(BusId::x, {.dead = true});
  ring.machine.run(40'000);
  CHECK(ring.recorder.on(BusId::x).empty());
  CHECK(ring.fates[0] == std::vector<SendStatus>(3, SendStatus::ok));
  CHECK(ring.received[1] == Ring::Payloads{bytes(20), bytes(21), bytes(22)});
}

TEMPLATE_TEST_CASE_SIG("a slow controller leaves its cycles between any two packets", "",
                       ((unsigned slow), slow), 1, 40, 255) {
  const Ring::Payloads many(12, bytes(100));
  Ring ring({many, many, many, many});
  ring.fabric().set_bus_fault(BusId::x, {.slow = slow});
  ring.machine.run(50'000);
  const auto x = ring.recorder.on(BusId::x);
  REQUIRE(x.size() > 10);
  std::uint64_t least = ~std::uint64_t{0};
  for (std::size_t i = 1; i < x.size(); ++i) {
    least = std::min(least, x[i]->packet.start_cycle - x[i - 1]->end());
  }
  CHECK(least == slow);
  for (unsigned i = 0; i < 4; ++i) CHECK(ring.received[i] == many);
}

TEST_CASE("of two nodes granted at once nobody is accepted, and nothing is lost") {
  const Ring::Payloads many(12, bytes(60));
  Ring ring({many, many, many, many});
  ring.fabric().set_bus_fault(BusId::x, {.double_grant = true});
  ring.machine.run(50'000);
  unsigned collided = 0;
  for (const Seen& seen : ring.recorder.packets) {
    if (!seen.packet.collided) continue;
    ++collided;
    CHECK(seen.packet.bus == BusId::x);
    CHECK(seen.packet.answers.accepted == 0);
  }
  CHECK(collided > 0);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(ring.fates[i] == std::vector<SendStatus>(12, SendStatus::ok));
    CHECK(ring.received[i] == many);
  }
}

TEST_CASE("a packet that the bus repeats is answered again, and delivered once") {
  Ring ring({{bytes(20), bytes(21)}, {}});
  ring.recorder.faults[0].duplicate = true;
  ring.machine.run(5000);
  REQUIRE(ring.recorder.packets.size() == 3);
  const Seen& original = ring.recorder.packets[0];
  const Seen& copy = ring.recorder.packets[1];
  CHECK_FALSE(original.packet.replayed);
  CHECK(copy.packet.replayed);
  CHECK(copy.words == original.words);
  CHECK(copy.packet.bus == original.packet.bus);
  CHECK(copy.packet.start_cycle == original.packet.answer_cycle + 1);
  CHECK(copy.packet.answers == Answers::only(1, Answer::accepted));
  CHECK_FALSE(ring.recorder.packets[2].packet.replayed);
  CHECK(ring.fates[0] == std::vector<SendStatus>(2, SendStatus::ok));
  CHECK(ring.received[1] == Ring::Payloads{bytes(20), bytes(21)});
  CHECK(ring.count(1, Register::duplicate_x, Register::duplicate_y) == 1);
}

TEST_CASE("every packet repeated, from all sides: each is delivered once") {
  const Ring::Payloads many{bytes(0), bytes(1), bytes(64), bytes(200), bytes(224)};
  Ring ring({many, many, many, many});
  for (unsigned i = 0; i < 200; ++i) ring.recorder.faults[i].duplicate = true;
  ring.machine.run(20'000);
  unsigned copies = 0;
  for (const Seen& seen : ring.recorder.packets) copies += seen.packet.replayed ? 1 : 0;
  CHECK(copies >= 20);
  for (unsigned i = 0; i < 4; ++i) CHECK(ring.received[i] == many);
}

TEST_CASE("an interrupt that is lost leaves its CPU asleep until the fault ends") {
  Ring ring({{bytes(20)}, {}});
  ring.machine.at(100, [&] { ring.fabric().set_node_fault(1, {.interrupt_lost = true}); });
  ring.machine.at(9000, [&] { ring.fabric().set_node_fault(1, {}); });
  ring.machine.run(12'000);
  CHECK(ring.fates[0] == ok);
  CHECK(ring.last_event[0] < 2000);
  CHECK(ring.received[1].size() == 1);
  CHECK(ring.last_event[1] >= 9000);
  CHECK(ring.last_event[1] < 9050);
}

TEST_CASE("a spurious interrupt wakes a CPU that then finds no event") {
  Ring ring({{}, {}});
  ring.machine.at(1000, [&] { ring.fabric().set_node_fault(1, {.interrupt_stuck = true}); });
  ring.machine.at(1100, [&] { ring.fabric().set_node_fault(1, {}); });
  ring.machine.run(5000);
  CHECK(ring.wakeups[0] == 0);
  CHECK(ring.wakeups[1] > 10);
  CHECK(ring.wakeups[1] <= 101);
  CHECK(ring.last_event[1] == 0);
}

TEST_CASE("events that are held come when the hold ends, in order, and none is missing") {
  Ring ring({{bytes(20), bytes(21), bytes(22)}, {}});
  ring.machine.at(100, [&] { ring.fabric().set_node_fault(0, {.events_held = true}); });
  ring.machine.at(7000, [&] { ring.fabric().set_node_fault(0, {}); });
  ring.machine.run(6900);
  CHECK(ring.fates[0].empty());
  CHECK(ring.received[1].size() == 1);  // the next is only posted when the first is known
  ring.machine.run(12'000);
  CHECK(ring.fates[0] == std::vector<SendStatus>(3, SendStatus::ok));
  CHECK(ring.received[1] == Ring::Payloads{bytes(20), bytes(21), bytes(22)});
}

TEST_CASE("an upset inverts bits of a register, and of that node's alone") {
  Ring ring({{}, {}});
  ring.machine.at(2000, [&] {
    ring.fabric().upset_register(1, Register::path_limits, 0x00000100);
    ring.fabric().upset_register(1, Register::busy_limit, 0x0003);
  });
  ring.machine.run(3000);
  const std::uint32_t limits = after_reset(Register::path_limits);
  const std::uint32_t busy = after_reset(Register::busy_limit);
  CHECK(ring.fabric().peek(Register::path_limits) ==
        std::vector<std::optional<std::uint32_t>>{limits, limits ^ 0x100});
  CHECK(ring.fabric().peek(Register::busy_limit) ==
        std::vector<std::optional<std::uint32_t>>{busy, busy ^ 3});
  CHECK_THROWS_AS(ring.fabric().upset_register(1, Register::id, 1), std::invalid_argument);
}

TEST_CASE("an upset in the cycle of a write inverts bits of what is written") {
  constexpr std::uint32_t bits = 0x3000;
  constexpr unsigned rounds = 12;
  constexpr std::uint64_t first = 1000;
  constexpr std::uint64_t apart = 100;
  Ring ring({{}, {}});
  std::vector<std::uint32_t> inverted;  // by round, in each of which the upset is a cycle later
  ring.machine.set_firmware(0, [&](hal::Hal& hal) {
    for (unsigned round = 0; round < rounds; ++round) {
      hal.consume(static_cast<std::uint32_t>(first + round * apart - hal.now()));
      hal.write(Register::busy_limit, 0x0800 + round);
      hal.consume(apart / 2);
      inverted.push_back(hal.read(Register::busy_limit) ^ (0x0800 + round));
    }
  });
  for (unsigned round = 0; round < rounds; ++round) {
    ring.machine.at(first + round * apart + round - 3, [&] {
      ring.fabric().upset_register(0, Register::busy_limit, bits);
    });
  }
  ring.machine.run(first + rounds * apart);
  REQUIRE(inverted.size() == rounds);
  CHECK(inverted.front() == 0);
  CHECK(inverted.back() == bits);
  CHECK(std::is_sorted(inverted.begin(), inverted.end()));
  CHECK(std::all_of(inverted.begin(), inverted.end(),
                    [&](std::uint32_t value) { return value == 0 || value == bits; }));
}

TEST_CASE("an upset of the enable bit silences a node that nothing has woken") {
  Ring ring({{}, {}});
  ring.machine.at(2000, [&] {
    ring.fabric().upset_register(1, Register::control, contract::ControlRegister{}
                                                           .set_enable(1).value);
  });
  ring.machine.run(3000);
  CHECK(contract::ControlRegister{*ring.fabric().peek(Register::control)[1]}.enable() == 0);
  CHECK(contract::ControlRegister{*ring.fabric().peek(Register::control)[0]}.enable() == 1);
}

TEST_CASE("a bit of node RAM flips where it is told to") {
  Ring ring({{}, {}});
  std::uint32_t read = 0;
  ring.machine.set_firmware(0, [&](hal::Hal& hal) {
    hal.ram()[4097] = std::byte{0x0f};
    hal.consume(100);
    read = std::to_integer<std::uint32_t>(hal.ram()[4097]);
  });
  ring.machine.at(50, [&] { ring.fabric().flip_ram(0, 4097, 0x81); });
  ring.machine.run(500);
  CHECK(read == 0x8e);
  CHECK_THROWS_AS(ring.fabric().flip_ram(0, ring.fabric().ram_bytes(0), 1), std::out_of_range);
}

TEST_CASE("a packet is told of in the cycle of its third word, with what was sent of it") {
  Ring ring({{bytes(40), bytes(8)}, {}});
  ring.recorder.faults[0].flips = {5, 70};  // does not matter
  ring.machine.run(Ring::end);
  REQUIRE(ring.recorder.openings.size() == ring.recorder.packets.size());
  for (std::size_t i = 0; i < ring.recorder.packets.size(); ++i) {
    const Seen& seen = ring.recorder.packets[i];
    const auto& [cycle, words] = ring.recorder.openings[i];
    CHECK(cycle == seen.packet.start_cycle + 2);
    CHECK(words == std::vector(seen.sent.begin(), seen.sent.begin() + 3));
  }
}

TEST_CASE("a packet with no word behind the third is not told of") {
  Ring ring({{bytes(0), bytes(4)}, {}});  // header and CRC: three words
  ring.machine.run(Ring::end);
  REQUIRE(ring.recorder.packets.size() == 2);
  REQUIRE(ring.recorder.openings.size() == 1);
  CHECK(ring.recorder.openings[0].first == ring.recorder.packets[1].packet.start_cycle + 2);
}

// Header 2, payload 10, CRC 1: bits past 13 words are taken modulo the ten behind the third.
TEMPLATE_TEST_CASE_SIG("a late flip inverts the bit it names, of that packet alone", "",
                       ((unsigned bit, unsigned place), bit, place), (96, 96), (127, 127),
                       (415, 415), (416, 96), (416 + 320 + 7, 103)) {
  Ring ring({{bytes(40), bytes(40, 9), bytes(40, 5)}, {}});
  ring.recorder.late[1].flips = {bit};
  ring.machine.run(Ring::end);
  REQUIRE(ring.recorder.packets.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    auto words = ring.recorder.packets[i].sent;
    if (i == 1) words[place / 32] ^= 1u << place % 32;
    CHECK(ring.recorder.packets[i].words == words);
    CHECK(ring.recorder.packets[i].packet.faulted == (i == 1));
  }
  CHECK(ring.recorder.packets[1].packet.answers.corrupt == 2);
  CHECK(ring.received[1] == Ring::Payloads{bytes(40), bytes(40, 9), bytes(40, 5)});
}

TEST_CASE("a packet that is dropped late breaks off for its receivers and comes again") {
  Ring ring({{bytes(40), bytes(40, 9), bytes(40, 5)}, {}});
  ring.recorder.late[1].drop = true;
  ring.machine.run(Ring::end);
  REQUIRE(ring.recorder.packets.size() == 4);
  CHECK(ring.recorder.packets[1].packet.answers == Answers{});
  CHECK(ring.recorder.packets[1].packet.faulted);
  CHECK_FALSE(ring.recorder.packets[1].packet.cut);
  CHECK(ring.received[1] == Ring::Payloads{bytes(40), bytes(40, 9), bytes(40, 5)});
  CHECK(ring.count(1, Register::broken_off_x, Register::broken_off_y) == 1);
  CHECK(ring.count(0, Register::no_answer_x, Register::no_answer_y) == 1);
}

TEMPLATE_TEST_CASE_SIG("answers that are harmed late are none, and the packet comes again", "",
                       ((bool flipped), flipped), false, true) {
  Ring ring({{bytes(40), bytes(40, 9)}, {}});
  // Node 1 answers accepted and, by the flip, corrupt: two answers are none.
  if (flipped) ring.recorder.late[0].answer_flips = std::uint64_t{1} << (2 * 16 + 1);
  else ring.recorder.late[0].answer_drop = true;
  ring.machine.run(Ring::end);
  REQUIRE(ring.recorder.packets.size() == 3);
  CHECK(ring.received[1] == Ring::Payloads{bytes(40), bytes(40, 9)});
  CHECK(ring.count(1, Register::duplicate_x, Register::duplicate_y) == 1);
}

TEMPLATE_TEST_CASE_SIG("a packet is repeated alike by a fault from its start and by a late one",
                       "", ((bool late), late), false, true) {
  Ring ring({{bytes(40), bytes(40, 9)}, {bytes(20), bytes(20, 9)}});
  (late ? ring.recorder.late : ring.recorder.faults)[1].duplicate = true;
  ring.machine.run(Ring::end);
  const auto copies = std::ranges::count_if(ring.recorder.packets,
                                            [](const Seen& s) { return s.packet.replayed; });
  CHECK(copies == 1);
  CHECK(ring.recorder.openings.size() + 1 == ring.recorder.packets.size());
  CHECK(ring.received[1] == Ring::Payloads{bytes(40), bytes(40, 9)});
  CHECK(ring.received[0] == Ring::Payloads{bytes(20), bytes(20, 9)});
}
