// The tap on one bus, without any hardware behind it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "model/bus_tap.h"

namespace {

using namespace xybus;

struct Seen {
  std::uint64_t start_cycle;
  unsigned source;
  std::vector<std::uint32_t> words;
  std::uint64_t answer_cycle;
  Answers answers;
  bool cut;
  bool down;
  bool faulted;
};

struct Recorder : FabricObserver {
  std::vector<Seen> packets;
  std::vector<std::uint64_t> announced;
  std::vector<PacketFault> faults;  // for the packets to come, in order

  PacketFault packet_started(contract::BusId, std::uint64_t cycle, unsigned) override {
    announced.push_back(cycle);
    const std::size_t n = announced.size() - 1;
    return n < faults.size() ? faults[n] : PacketFault{};
  }
  void packet_answered(const BusPacket& p) override {
    packets.push_back({p.start_cycle, p.source, {p.words.begin(), p.words.end()}, p.answer_cycle,
                       p.answers, p.cut, p.down, p.faulted});
  }
};

/// A bus with a sender and perfect fault points: what the tap drives acts in the next cycle. Every
/// packet is answered by node 0 in its slot.
struct Bus {
  BusTap tap{contract::BusId::x};
  Recorder recorder;
  std::uint64_t cycle = 0;
  BusTap::Drive drive;
  std::vector<BusTap::Drive> driven;  // by cycle
  std::vector<std::uint64_t> slots;   // cycles in which answers are due

  void tick(bool start, unsigned source, bool valid, bool first, bool last, std::uint32_t data) {
    driven.push_back(drive);
    const bool answered = !drive.answer_drop && std::ranges::count(slots, cycle) > 0;
    if (last) slots.push_back(cycle + contract::answer_delay);
    tap.see(cycle,
            {.start = start,
             .start_source = source,
             .valid = valid,
             .first = first,
             .last = last,
             .data = data ^ drive.flip,
             .answers = answered ? accepted : Answers{},
             .sent = data},
            &recorder);
    drive = tap.next();
    ++cycle;
  }

  void quiet() { tick(false, 0, false, false, false, 0); }

  /// A packet to be sent; cut after so many words, if it is.
  struct Packet {
    std::vector<std::uint32_t> words;
    std::size_t cut = ~std::size_t{0};
  };

  /// Packets back to back, from nodes 0, 1, 2 and so on.
  void send(const std::vector<Packet>& packets) {
    tick(true, 0, false, false, false, 0);
    for (std::size_t p = 0; p < packets.size(); ++p) {
      const auto& [words, cut] = packets[p];
      const auto next = static_cast<unsigned>(p + 1);
      const bool more = next < packets.size();
      const std::size_t count = std::min(words.size(), cut);
      for (std::size_t i = 0; i < count; ++i) {
        const bool last = i + 1 == words.size();
        tick(last && more, next, true, i == 0, last, words[i]);
      }
      if (count < words.size()) tick(more, next, false, false, false, 0);
    }
    for (unsigned i = 0; i < contract::answer_delay; ++i) quiet();
  }
  void send(const std::vector<std::vector<std::uint32_t>>& packets) {
    std::vector<Packet> whole;
    for (const auto& words : packets) whole.push_back({.words = words});
    send(whole);
  }

  static constexpr Answers accepted = Answers::only(0, contract::Answer::accepted);
};

std::vector<std::uint32_t> packet(unsigned payload_words) {
  std::vector<std::uint32_t> words{0x0110'0001, payload_words * contract::word_bytes};
  for (unsigned i = 0; i <= payload_words; ++i) words.push_back(0x1000 + i);
  return words;
}

}  // namespace

TEST_CASE("a packet is reported with its words, cycles, source and answers") {
  Bus bus;
  bus.send({packet(2)});
  REQUIRE(bus.recorder.announced == std::vector<std::uint64_t>{1});
  REQUIRE(bus.recorder.packets.size() == 1);
  const Seen& seen = bus.recorder.packets[0];
  CHECK(seen.start_cycle == 1);
  CHECK(seen.words == packet(2));
  // Header 2, payload 2, CRC 1: the last word is in cycle 5.
  CHECK(seen.answer_cycle == 5 + contract::answer_delay);
  CHECK(seen.answers == Bus::accepted);
  CHECK_FALSE(seen.cut);
  CHECK_FALSE(seen.down);
  CHECK_FALSE(seen.faulted);
}

TEST_CASE("packets back to back are told apart, with their sources") {
  Bus bus;
  bus.send({packet(0), packet(1), packet(0)});
  REQUIRE(bus.recorder.packets.size() == 3);
  CHECK(bus.recorder.packets[0].words == packet(0));
  CHECK(bus.recorder.packets[1].words == packet(1));
  CHECK(bus.recorder.packets[2].words == packet(0));
  CHECK(bus.recorder.packets[1].start_cycle == 4);
  CHECK(bus.recorder.packets[1].source == 1);
  CHECK(bus.recorder.packets[2].source == 2);
  for (const Seen& seen : bus.recorder.packets) CHECK(seen.answers == Bus::accepted);
}

TEST_CASE("a flip inverts the bit it names, in the packet it names, and no other") {
  const unsigned bit = GENERATE(0u, 31u, 32u, 63u, 64u, 95u, 96u, 127u);
  Bus bus;
  bus.recorder.faults = {{}, {.flips = {bit}}, {}};
  bus.send({packet(1), packet(1), packet(1)});
  auto expected = packet(1);
  expected[bit / 32] ^= 1u << bit % 32;
  REQUIRE(bus.recorder.packets.size() == 3);
  CHECK(bus.recorder.packets[0].words == packet(1));
  CHECK(bus.recorder.packets[1].words == expected);
  CHECK(bus.recorder.packets[2].words == packet(1));
  CHECK_FALSE(bus.recorder.packets[0].faulted);
  CHECK(bus.recorder.packets[1].faulted);
  CHECK_FALSE(bus.recorder.packets[2].faulted);
}

TEST_CASE("a flip past the end of the packet wraps around behind the header") {
  Bus bus;
  // Behind the header lie 64 bits: one payload word and the CRC. The length is the one sent,
  // though its own field is flipped too.
  bus.recorder.faults = {{.flips = {34, 64 + 64 + 5, 64 + 640 + 33}}};
  bus.send({packet(1)});
  auto expected = packet(1);
  expected[1] ^= 1u << 2;
  expected[2] ^= 1u << 5;
  expected[3] ^= 1u << 1;
  REQUIRE(bus.recorder.packets.size() == 1);
  CHECK(bus.recorder.packets[0].words == expected);
}

TEST_CASE("the window word of a write packet is behind the header too") {
  Bus bus;
  auto words = packet(2);  // one of them is the window word
  words[0] = contract::PacketHeader{{words[0], 0}}.set_kind(contract::PacketKind::write).words[0];
  words[1] = contract::word_bytes;
  bus.recorder.faults = {{.flips = {64 + 96 + 7}}};  // 96 bits lie behind the header
  bus.send({words});
  words[2] ^= 1u << 7;
  CHECK(bus.recorder.packets.at(0).words == words);
}

TEST_CASE("the longest packet is taken in whole") {
  Bus bus;
  const auto words = packet(BusTap::max_words - contract::header_words - contract::crc_words);
  bus.send({words, packet(0)});
  REQUIRE(bus.recorder.packets.size() == 2);
  CHECK(bus.recorder.packets[0].words == words);
  CHECK(bus.recorder.packets[0].answers == Bus::accepted);
  CHECK_FALSE(bus.recorder.packets[0].cut);
}

TEST_CASE("a packet that breaks off is reported as cut, with what there was, without answers") {
  const std::size_t cut = GENERATE(0u, 1u, 3u);
  CAPTURE(cut);
  Bus bus;
  bus.send(std::vector<Bus::Packet>{{packet(0)}, {packet(2), cut}, {packet(1)}});
  REQUIRE(bus.recorder.packets.size() == 3);
  for (const std::size_t p : {0, 2}) {
    const Seen& whole = bus.recorder.packets[p];
    CHECK_FALSE(whole.cut);
    CHECK(whole.answers == Bus::accepted);
    CHECK(whole.source == p);
  }
  const Seen& seen = bus.recorder.packets[1];
  auto expected = packet(2);
  expected.resize(cut);
  CHECK(seen.cut);
  CHECK(seen.source == 1);
  CHECK(seen.words == expected);
  CHECK(seen.start_cycle == 4);
  CHECK(seen.answer_cycle == 4 + cut);
  CHECK(seen.answers == Answers{});
}

TEST_CASE("a packet is also cut by the start of the next one") {
  Bus bus;
  bus.tick(true, 3, false, false, false, 0);
  bus.tick(true, 4, true, true, false, 0x0110'0001);
  bus.tick(false, 0, true, true, false, 0x0110'0001);
  bus.tick(false, 0, true, false, false, 0);
  bus.tick(false, 0, true, false, true, 0x1000);
  for (unsigned i = 0; i < contract::answer_delay; ++i) bus.quiet();
  REQUIRE(bus.recorder.packets.size() == 2);
  CHECK(bus.recorder.packets[0].cut);
  CHECK(bus.recorder.packets[0].source == 3);
  CHECK(bus.recorder.packets[0].words.size() == 1);
  CHECK_FALSE(bus.recorder.packets[1].cut);
  CHECK(bus.recorder.packets[1].source == 4);
  CHECK(bus.recorder.packets[1].words.size() == 3);
}

TEST_CASE("packets that are all kept away, one a cycle, are each reported") {
  Bus bus;
  bus.send({packet(0)});
  for (unsigned i = 0; i < 20; ++i) bus.tick(true, i % 16, false, false, false, 0);
  bus.quiet();
  REQUIRE(bus.recorder.packets.size() == 21);
  for (unsigned i = 0; i < 20; ++i) {
    const Seen& seen = bus.recorder.packets[i + 1];
    CHECK(seen.cut);
    CHECK(seen.words.empty());
    CHECK(seen.source == i % 16);
  }
  CHECK_FALSE(bus.tap.waiting());
}

TEST_CASE("a packet that holds the bus too long is reported with the time it took") {
  Bus bus;
  bus.tick(true, 0, false, false, false, 0);
  for (unsigned i = 0; i < 500; ++i) bus.tick(false, 0, true, i == 0, false, i);
  bus.quiet();
  REQUIRE(bus.recorder.packets.size() == 1);
  CHECK(bus.recorder.packets[0].cut);
  CHECK(bus.recorder.packets[0].words.size() == BusTap::max_words);
  CHECK(bus.recorder.packets[0].answer_cycle == 1 + 500);
}

TEST_CASE("a fault aimed at a packet that breaks off does not reach the next") {
  Bus bus;
  bus.recorder.faults = {{.drop = true, .answer_drop = true, .flips = {64, 96}}, {}};
  bus.send(std::vector<Bus::Packet>{{packet(2), 2}, {packet(2)}});
  REQUIRE(bus.recorder.packets.size() == 2);
  CHECK(bus.recorder.packets[1].words == packet(2));
  CHECK_FALSE(bus.recorder.packets[1].faulted);
  CHECK(bus.recorder.packets[1].answers == Bus::accepted);
}

TEST_CASE("the answers of all nodes come in planes, a bit for each node") {
  const auto answers = Answers::from_wires(0x8000'0004'0002'0001);
  CHECK(answers.of(0) == contract::Answer::accepted);
  CHECK(answers.of(1) == contract::Answer::busy);
  CHECK(answers.of(2) == contract::Answer::corrupt);
  CHECK(answers.of(15) == contract::Answer::refused);
  CHECK(answers.of(3) == contract::Answer::none);
  CHECK(answers.any() == 0x8007);
  CHECK(answers.contradictory() == 0);
  CHECK(Answers{.accepted = 3, .busy = 2}.contradictory() == 2);
  CHECK(Answers::only(4, contract::Answer::busy) == Answers{.busy = 0x10});
}

TEST_CASE("two flips of one bit cancel") {
  Bus bus;
  bus.recorder.faults = {{.flips = {70, 70}}};
  bus.send({packet(1)});
  CHECK(bus.recorder.packets.at(0).words == packet(1));
}

TEST_CASE("a drop covers all words of its packet, an answer drop exactly its answer slot") {
  Bus bus;
  bus.recorder.faults = {{}, {.drop = true, .answer_drop = true}, {}};
  bus.send({packet(0), packet(1), packet(0)});
  // Words of the packets: cycles 1 to 3, 4 to 7, 8 to 10; the second one's answers in 9.
  const std::uint64_t slot = 7 + contract::answer_delay;
  for (std::uint64_t cycle = 0; cycle < bus.driven.size(); ++cycle) {
    INFO("cycle " << cycle);
    CHECK(bus.driven[cycle].drop == (cycle >= 4 && cycle <= 7));
    CHECK(bus.driven[cycle].answer_drop == (cycle == slot));
  }
  CHECK(bus.recorder.packets.at(0).answers == Bus::accepted);
  CHECK(bus.recorder.packets.at(1).answers == Answers{});
  CHECK(bus.recorder.packets.at(2).answers == Bus::accepted);
}

TEST_CASE("an injected fault hits the next packet only, beside the observer's") {
  Bus bus;
  bus.recorder.faults = {{.flips = {64}}};
  bus.tap.inject({.flips = {65}});
  bus.send({packet(1), packet(1)});
  auto expected = packet(1);
  expected[2] ^= 3;
  CHECK(bus.recorder.packets.at(0).words == expected);
  CHECK(bus.recorder.packets.at(1).words == packet(1));
}

TEST_CASE("a bus that is down drops words and answers, and says so of the packets it harms") {
  Bus bus;
  bus.send({packet(0)});
  bus.tap.set_down(true);
  bus.drive = bus.tap.next();
  bus.send({packet(0)});
  bus.tap.set_down(false);
  bus.drive = bus.tap.next();
  bus.send({packet(0)});
  REQUIRE(bus.recorder.packets.size() == 3);
  CHECK_FALSE(bus.recorder.packets[0].down);
  CHECK(bus.recorder.packets[1].down);
  CHECK(bus.recorder.packets[1].faulted);
  CHECK(bus.recorder.packets[1].answers == Answers{});
  CHECK_FALSE(bus.recorder.packets[2].down);
  CHECK(bus.recorder.packets[2].answers == Bus::accepted);
}

TEST_CASE("without an observer injected faults still hit") {
  BusTap tap(contract::BusId::y);
  tap.inject({.drop = true});
  tap.see(0, {.start = true, .start_source = 0, .valid = false, .first = false, .last = false,
              .data = 0, .answers = {}}, nullptr);
  CHECK(tap.next().drop);
}
