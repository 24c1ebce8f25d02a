// The fabric's sockets, faults and observation, on the real hardware.
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <sstream>
#include <vector>

#include <tlm_utils/simple_initiator_socket.h>

#include "engine.h"
#include "in_child.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::Register;
using test::Engine;

struct Initiator : sc_core::sc_module {
  tlm_utils::simple_initiator_socket<Initiator, 32> socket{"socket"};
  std::function<void(Initiator&)> body;

  explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(Initiator);
    SC_THREAD(run);
  }
  void run() { body(*this); }

  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address,
                                  unsigned length = 4, unsigned streaming = 4,
                                  unsigned char* byte_enable = nullptr) {
    std::array<unsigned char, 64> data{};
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(length);
    payload.set_streaming_width(streaming);
    payload.set_byte_enable_ptr(byte_enable);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    return payload.get_response_status();
  }
};

/// One node, and a bare initiator in the place of its CPU.
struct Bare {
  std::unique_ptr<Fabric> fabric;
  Initiator initiator{"initiator"};
  sc_core::sc_signal<bool> interrupt{"interrupt"};

  explicit Bare(std::function<void(Initiator&)> body) {
    FabricConfig config = test::config();
    config.nodes = 1;
    fabric = make_fabric(config);
    initiator.body = std::move(body);
    initiator.socket.bind(fabric->cpu_port[0]);
    fabric->interrupt[0].bind(interrupt);
  }
  void run() { sc_core::sc_start(1, sc_core::SC_US); }
};

struct Seen {
  BusId bus;
  std::uint64_t start_cycle;
  unsigned source;
  std::vector<std::uint32_t> words;
  std::uint64_t answer_cycle;
  Answers answers;
  bool cut;
  bool down;
  bool faulted;

  contract::PacketHeader header() const { return {{words.at(0), words.at(1)}}; }
  Answer answer(unsigned node) const { return answers.of(node); }
};

/// Remembers all packets, and aims a fault at some.
struct Recorder : FabricObserver {
  std::vector<Seen> packets;
  std::map<unsigned, PacketFault> faults;  // by number of the packet, on both buses together
  unsigned started = 0;

  PacketFault packet_started(BusId, std::uint64_t, unsigned) override {
    const auto fault = faults.find(started++);
    return fault == faults.end() ? PacketFault{} : fault->second;
  }
  void packet_answered(const BusPacket& p) override {
    packets.push_back({p.bus, p.start_cycle, p.source, {p.words.begin(), p.words.end()},
                       p.answer_cycle, p.answers, p.cut, p.down, p.faulted});
  }
};

// CRC-32C bit by bit, from its definition (Castagnoli, reflected 0x82f63b78).
std::uint32_t crc32c(std::span<const std::uint32_t> words) {
  std::uint32_t crc = ~0u;
  for (const std::uint32_t word : words) {
    for (unsigned bit = 0; bit < 32; ++bit) {
      const bool out = ((crc ^ word >> bit) & 1) != 0;
      crc = crc >> 1 ^ (out ? 0x82f63b78u : 0u);
    }
  }
  return ~crc;
}

std::vector<std::byte> bytes(unsigned count, unsigned seed = 3) {
  std::vector<std::byte> result(count);
  for (unsigned i = 0; i < count; ++i) result[i] = static_cast<std::byte>(seed + 11 * i);
  return result;
}

/// CPU 0 sends payloads to CPU 1, one after the other; CPU 1 counts what arrives.
struct Pair {
  Machine machine{test::config()};
  Recorder recorder;
  std::vector<contract::SendStatus> fates;
  std::vector<std::vector<std::byte>> received;
  std::map<Register, std::uint32_t> counters;

  explicit Pair(std::vector<std::vector<std::byte>> payloads) {
    machine.fabric().set_observer(&recorder);
    machine.set_firmware(0, [this, payloads](hal::Hal& hal) {
      Engine engine(hal);
      engine.start();
      hal.consume(200);
      for (const auto& payload : payloads) {
        engine.post(1, payload);
        fates.push_back(engine.next().status());
      }
    });
    machine.set_firmware(1, [this](hal::Hal& hal) {
      Engine engine(hal);
      engine.start();
      while (hal.now() < 4000) {
        if (engine.poll()) {
          received.push_back(engine.payload());
        } else {
          hal.idle(4000);
        }
      }
      for (const Register reg : {Register::crc_error_x, Register::crc_error_y,
                                 Register::duplicate_x, Register::duplicate_y}) {
        counters[reg] = hal.read(reg);
      }
    });
  }

  std::uint32_t both(Register x, Register y) { return counters.at(x) + counters.at(y); }
};

}  // namespace

TEST_CASE("a malformed access is answered with the TLM error that fits, and does nothing") {
  std::vector<tlm::tlm_response_status> got;
  std::uint64_t time = 1;
  Bare bare([&](Initiator& i) {
    unsigned char enable = 0xff;
    const std::uint64_t ram = 1u << contract::ram_address_bit;
    got.push_back(i.access(tlm::TLM_READ_COMMAND, 0, 8, 8));
    got.push_back(i.access(tlm::TLM_WRITE_COMMAND, 4, 2, 2));
    got.push_back(i.access(tlm::TLM_READ_COMMAND, ram, 1, 1));
    got.push_back(i.access(tlm::TLM_READ_COMMAND, 0, 4, 2));
    got.push_back(i.access(tlm::TLM_WRITE_COMMAND, 6));
    got.push_back(i.access(tlm::TLM_READ_COMMAND, 2 * ram));
    got.push_back(i.access(tlm::TLM_IGNORE_COMMAND, 0));
    got.push_back(i.access(tlm::TLM_READ_COMMAND, 0, 4, 4, &enable));
    time = sc_core::sc_time_stamp().value();
    got.push_back(i.access(tlm::TLM_READ_COMMAND, 0));
  });
  bare.run();
  CHECK(got == std::vector<tlm::tlm_response_status>{
                   tlm::TLM_BURST_ERROR_RESPONSE, tlm::TLM_BURST_ERROR_RESPONSE,
                   tlm::TLM_BURST_ERROR_RESPONSE, tlm::TLM_BURST_ERROR_RESPONSE,
                   tlm::TLM_ADDRESS_ERROR_RESPONSE, tlm::TLM_ADDRESS_ERROR_RESPONSE,
                   tlm::TLM_COMMAND_ERROR_RESPONSE, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE,
                   tlm::TLM_OK_RESPONSE});
  CHECK(time == 0);
}

TEST_CASE("direct memory is given for node RAM and refused for registers") {
  bool registers = true;
  bool past_end = true;
  bool ram = false;
  tlm::tlm_dmi dmi;
  Bare bare([&](Initiator& i) {
    tlm::tlm_generic_payload payload;
    payload.set_address(0);
    registers = i.socket->get_direct_mem_ptr(payload, dmi);
    payload.set_address(2u << contract::ram_address_bit);
    past_end = i.socket->get_direct_mem_ptr(payload, dmi);
    payload.set_address((1u << contract::ram_address_bit) + 0x100);
    ram = i.socket->get_direct_mem_ptr(payload, dmi);
  });
  bare.run();
  CHECK_FALSE(registers);
  CHECK_FALSE(past_end);
  REQUIRE(ram);
  CHECK(dmi.get_start_address() == 1u << contract::ram_address_bit);
  CHECK(dmi.get_end_address() + 1 - dmi.get_start_address() == 256 * 1024);
  CHECK(dmi.is_read_write_allowed());
}

TEST_CASE("an access between two cycles waits for the next one, and a second one for the first") {
  std::vector<std::uint64_t> done;
  Bare bare([&](Initiator& i) {
    const auto access = [&] {
      i.access(tlm::TLM_READ_COMMAND, 0);
      done.push_back(sc_core::sc_time_stamp().value());
    };
    sc_core::wait(13, sc_core::SC_NS);
    sc_core::sc_process_handle second = sc_core::sc_spawn(access);
    access();
    sc_core::wait(second.terminated_event());
  });
  bare.run();
  // The clock is 10 ns and an access takes three cycles: from 20 ns, and from 50 ns.
  CHECK(done == std::vector<std::uint64_t>{50'000, 80'000});
}

TEST_CASE("the observer sees each packet with header, payload, CRC and answer") {
  Pair pair({bytes(0), bytes(5), bytes(256)});
  pair.machine.run(5000);
  REQUIRE(pair.recorder.packets.size() == 3);
  for (const Seen& seen : pair.recorder.packets) {
    const unsigned length = seen.header().length();
    CHECK(seen.source == 0);
    CHECK(seen.header().source() == 0);
    CHECK(seen.header().dst_mask() == 2);
    CHECK(seen.header().kind() == contract::PacketKind::message);
    REQUIRE(seen.words.size() == 2 + (length + 3) / 4 + 1);
    std::vector<std::byte> payload(length);
    std::memcpy(payload.data(), &seen.words[2], length);
    CHECK(payload == bytes(length));
    CHECK(seen.words.back() == crc32c(std::span(seen.words).first(seen.words.size() - 1)));
    CHECK(seen.answer_cycle ==
          seen.start_cycle + seen.words.size() - 1 + contract::answer_delay);
    CHECK(seen.answers == Answers::only(1, Answer::accepted));
    CHECK_FALSE((seen.cut || seen.down || seen.faulted));
  }
  CHECK(pair.received == std::vector<std::vector<std::byte>>{bytes(0), bytes(5), bytes(256)});
}

TEST_CASE("a flipped bit is on the wires as aimed, answered corrupt, and sent again") {
  for (const unsigned bit : {64u + 3, 64u + 32 * 4 + 31, 64u + 32 * 5 + 7}) {  // the last: CRC
    const std::string result = test::in_child([bit] {
      Pair pair({bytes(20), bytes(20, 9)});
      pair.recorder.faults[0] = {.flips = {bit}};
      pair.machine.run(5000);
      const auto& packets = pair.recorder.packets;
      auto expected = packets.at(1).words;  // the same packet again
      expected.at(bit / 32) ^= 1u << bit % 32;
      std::ostringstream text;
      text << packets.size() << " packets, " << (packets[0].words == expected ? "hit" : "missed")
           << (packets[0].faulted ? " faulted" : "");
      for (const Seen& seen : packets) text << ' ' << name(seen.answer(1));
      text << (pair.received == std::vector{bytes(20), bytes(20, 9)} ? ", delivered" : ", lost")
           << ", errors " << pair.both(Register::crc_error_x, Register::crc_error_y);
      return text.str();
    });
    CHECK(result == "3 packets, hit faulted corrupt accepted accepted, delivered, errors 1");
  }
}

TEST_CASE("a dropped packet is answered by nobody, and sent again") {
  Pair pair({bytes(20), bytes(21)});
  pair.recorder.faults[1] = {.drop = true};
  pair.machine.run(5000);
  REQUIRE(pair.recorder.packets.size() == 3);
  CHECK(pair.recorder.packets[0].answer(1) == Answer::accepted);
  CHECK(pair.recorder.packets[1].answer(1) == Answer::none);
  CHECK(pair.recorder.packets[1].faulted);
  CHECK(pair.recorder.packets[2].answer(1) == Answer::accepted);
  CHECK(pair.received == std::vector<std::vector<std::byte>>{bytes(20), bytes(21)});
  CHECK(pair.both(Register::duplicate_x, Register::duplicate_y) == 0);
}

TEST_CASE("a packet whose answer was dropped is sent again, and delivered once") {
  Pair pair({bytes(20), bytes(21)});
  pair.recorder.faults[0] = {.answer_drop = true};
  pair.machine.run(5000);
  REQUIRE(pair.recorder.packets.size() == 3);
  CHECK(pair.recorder.packets[0].answer(1) == Answer::none);
  CHECK(pair.recorder.packets[1].answer(1) == Answer::accepted);
  CHECK(pair.received == std::vector<std::vector<std::byte>>{bytes(20), bytes(21)});
  CHECK(pair.both(Register::duplicate_x, Register::duplicate_y) == 1);
}

TEST_CASE("a bus that goes down carries nothing from that cycle on") {
  Pair pair({bytes(20), bytes(21), bytes(22), bytes(23)});
  pair.machine.at(100, [&] { pair.machine.fabric().set_bus_down(BusId::x, true); });
  pair.machine.run(5000);
  CHECK(pair.fates == std::vector<contract::SendStatus>(4, contract::SendStatus::ok));
  CHECK(pair.received.size() == 4);
  unsigned tried = 0;
  for (const Seen& seen : pair.recorder.packets) {
    CHECK(seen.down == (seen.bus == BusId::x));
    CHECK(seen.answer(1) == (seen.bus == BusId::x ? Answer::none : Answer::accepted));
    tried += seen.bus == BusId::x ? 1 : 0;
  }
  CHECK(tried > 0);
}

namespace {

/// Takes the bus of the first packet down, so many cycles into the packet.
struct Cut : Recorder {
  Machine& machine;
  unsigned offset;
  BusId bus{};

  Cut(Machine& m, unsigned o) : machine(m), offset(o) {}
  PacketFault packet_started(BusId b, std::uint64_t cycle, unsigned source) override {
    if (started == 0) {
      bus = b;
      machine.at(cycle + offset, [this] { machine.fabric().set_bus_down(bus, true); });
    }
    return Recorder::packet_started(b, cycle, source);
  }
};

std::string cut_at(unsigned offset) {
  return test::in_child([offset] {
    Pair pair({bytes(224), bytes(21)});
    Cut cut(pair.machine, offset);
    pair.machine.fabric().set_observer(&cut);
    pair.machine.run(5000);
    const Seen& hit = cut.packets.at(0);
    std::ostringstream text;
    text << hit.words.size() << " words, " << (hit.down ? "down, " : "up, ")
         << name(hit.answer(1)) << ", duplicates "
         << pair.both(Register::duplicate_x, Register::duplicate_y)
         << (pair.received == std::vector{bytes(224), bytes(21)} ? ", delivered" : ", lost");
    return text.str();
  });
}

}  // namespace

// Words in cycles 0 to 58, the answer in 60.
TEST_CASE("what the observer says of a packet is what became of it, whenever the bus goes down") {
  for (const unsigned offset : {0u, 1u, 2u, 30u, 57u, 58u}) {
    CHECK(cut_at(offset) == "59 words, down, none, duplicates 0, delivered");
  }
  // The packet has been taken, but its sender cannot know.
  for (const unsigned offset : {59u, 60u}) {
    CHECK(cut_at(offset) == "59 words, down, none, duplicates 1, delivered");
  }
  CHECK(cut_at(61) == "59 words, up, accepted, duplicates 0, delivered");
}

namespace {

/// Remembers what the guardians caught, and packets that were cut.
struct Guarded : Recorder {
  std::map<std::pair<unsigned, contract::Offence>, unsigned> offences;
  unsigned cut = 0;
  std::map<unsigned, unsigned> from;  // packets by sender

  void offence(BusId, std::uint64_t, unsigned node, contract::Offence offence) override {
    ++offences[{node, offence}];
  }
  void packet_answered(const BusPacket& p) override {
    if (p.cut) ++cut;
    if (!p.words.empty()) ++from[p.source];
    if (!p.cut && p.source == 0) Recorder::packet_answered(p);
  }
};

}  // namespace

TEST_CASE("a node that babbles is told by the observer, and harms nobody until it ends") {
  Pair pair({bytes(20), bytes(200), bytes(21)});
  Guarded guarded;
  pair.machine.fabric().set_observer(&guarded);
  pair.machine.at(50, [&] { pair.machine.fabric().set_rogue(1, Misdeed::babble, true); });
  pair.machine.at(3000, [&] { pair.machine.fabric().set_rogue(1, Misdeed::babble, false); });
  pair.machine.run(3100);
  const unsigned noise = guarded.from[1];
  CHECK(noise > 10);
  CHECK(guarded.cut > 0);
  CHECK(guarded.offences[{1, contract::Offence::too_long}] > 0);
  CHECK(guarded.offences.size() == 1);
  CHECK(pair.received == std::vector<std::vector<std::byte>>{bytes(20), bytes(200), bytes(21)});
  pair.machine.run(5000);
  CHECK(guarded.from[1] == noise);
}

TEST_CASE("a node that forges or holds gets nothing through, and is told by the observer") {
  const auto misdeed = GENERATE(Misdeed::forge, Misdeed::hold);
  const auto expected = misdeed == Misdeed::forge ? contract::Offence::forged_source
                                                  : contract::Offence::too_long;
  const std::string result = test::in_child([&] {
    Pair pair({bytes(20)});
    Guarded guarded;
    pair.machine.fabric().set_observer(&guarded);
    pair.machine.at(50, [&] { pair.machine.fabric().set_rogue(0, misdeed, true); });
    pair.machine.run(5000);
    std::ostringstream text;
    text << pair.received.size() << " received, " << name(pair.fates.at(0)) << ", cut "
         << guarded.cut << ", caught " << guarded.offences[{0, expected}] << " of "
         << guarded.offences.size();
    return text.str();
  });
  CHECK(result == "0 received, unreachable, cut 4, caught 4 of 1");
}

TEST_CASE("registers are read at the end of a run, but not those of a halted node") {
  Pair pair({bytes(20), bytes(21)});
  pair.machine.run(4500);
  pair.machine.halt(1);
  const std::uint64_t cycle = pair.machine.cycle();
  Fabric& fabric = pair.machine.fabric();
  const auto id = fabric.peek(Register::id);
  REQUIRE(id.size() == 2);
  CHECK(contract::IdRegister{id[0].value_or(99)}.node() == 0);
  CHECK_FALSE(id[1].has_value());
  CHECK(*fabric.peek(Register::sent_x)[0] + *fabric.peek(Register::sent_y)[0] == 2);
  CHECK(pair.machine.cycle() == cycle);
}

TEST_CASE("a halted node answers nothing, and packets to it end as unreachable") {
  Pair pair({bytes(20), bytes(21)});
  pair.machine.at(150, [&] { pair.machine.halt(1); });
  pair.machine.run(100'000);
  CHECK(pair.fates == std::vector<contract::SendStatus>(2, contract::SendStatus::unreachable));
  for (const Seen& seen : pair.recorder.packets) CHECK(seen.answers == Answers{});
  CHECK(pair.received.empty());
}
