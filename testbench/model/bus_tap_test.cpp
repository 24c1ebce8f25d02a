// The tap on one bus, without any hardware behind it.
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
  std::uint32_t answers;
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
                       p.answers, p.down, p.faulted});
  }
};

/// A bus with a sender and perfect fault points: what the tap drives acts in the next cycle.
struct Bus {
  BusTap tap{contract::BusId::x};
  Recorder recorder;
  std::uint64_t cycle = 0;
  BusTap::Drive drive;
  std::vector<BusTap::Drive> driven;  // by cycle

  void tick(bool start, unsigned source, bool valid, bool first, bool last, std::uint32_t data,
            std::uint32_t answers) {
    driven.push_back(drive);
    tap.see(cycle,
            {.start = start,
             .start_source = source,
             .valid = valid,
             .first = first,
             .last = last,
             .data = data ^ drive.flip,
             .answers = drive.answer_drop ? 0 : answers},
            &recorder);
    drive = tap.next();
    ++cycle;
  }

  void quiet(std::uint32_t answers = 0) { tick(false, 0, false, false, false, 0, answers); }

  /// Packets back to back, each answered 1 by node 0 in its slot.
  void send(const std::vector<std::vector<std::uint32_t>>& packets) {
    tick(true, 0, false, false, false, 0, 0);
    std::uint32_t answer = 0;
    for (std::size_t p = 0; p < packets.size(); ++p) {
      const auto& words = packets[p];
      for (std::size_t i = 0; i < words.size(); ++i) {
        const bool last = i + 1 == words.size();
        const bool more = last && p + 1 < packets.size();
        tick(more, static_cast<unsigned>(p + 1), true, i == 0, last, words[i], answer);
        answer = last ? 1 : 0;
      }
    }
    quiet(answer);
  }
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
  CHECK(seen.answer_cycle == 1 + 5);  // header 2, payload 2, CRC 1, then the answer slot
  CHECK(seen.answers == 1);
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
  for (const Seen& seen : bus.recorder.packets) CHECK(seen.answers == 1);
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
  // Words of the packets: cycles 1 to 3, 4 to 7, 8 to 10; answers in 4, 8 and 11.
  for (std::uint64_t cycle = 0; cycle < bus.driven.size(); ++cycle) {
    INFO("cycle " << cycle);
    CHECK(bus.driven[cycle].drop == (cycle >= 4 && cycle <= 7));
    CHECK(bus.driven[cycle].answer_drop == (cycle == 8));
  }
  CHECK(bus.recorder.packets.at(0).answers == 1);
  CHECK(bus.recorder.packets.at(1).answers == 0);
  CHECK(bus.recorder.packets.at(2).answers == 1);
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
  CHECK(bus.recorder.packets[1].answers == 0);
  CHECK_FALSE(bus.recorder.packets[2].down);
  CHECK(bus.recorder.packets[2].answers == 1);
}

TEST_CASE("without an observer injected faults still hit") {
  BusTap tap(contract::BusId::y);
  tap.inject({.drop = true});
  tap.see(0, {.start = true, .start_source = 0, .valid = false, .first = false, .last = false,
              .data = 0, .answers = 0}, nullptr);
  CHECK(tap.next().drop);
}
