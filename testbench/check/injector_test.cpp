#include "fault/injector.h"

#include <catch2/catch.hpp>
#include <map>

using namespace xybus;
using contract::Answer;
using contract::BusId;

namespace {

// A machine made of a calendar and a list of what was done to it.
struct Points : FaultPoints {
  std::multimap<std::uint64_t, std::function<void()>> calendar;
  std::vector<std::string> log;

  void at(std::uint64_t cycle, std::function<void()> action) override {
    calendar.emplace(cycle, std::move(action));
  }
  void set_bus_down(BusId bus, bool down, std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " " + name(bus) + (down ? " down" : " up"));
  }
  void halt(unsigned cpu, std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " halt " + std::to_string(cpu));
  }
  void restart(unsigned cpu, std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " restart " + std::to_string(cpu));
  }
  void set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " " + name(misdeed) + " " + std::to_string(cpu) +
                  (on ? " on" : " off"));
  }
  void set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " " + name(fault.kind) + (on ? " on" : " off"));
  }
  void run_to(std::uint64_t cycle) {
    while (!calendar.empty() && calendar.begin()->first <= cycle) {
      const auto action = calendar.begin()->second;
      calendar.erase(calendar.begin());
      action();
    }
  }
};

FaultSpec fault(FaultKind kind, std::optional<BusId> bus,
                std::variant<AtCycle, AtPacket, EachPacket> when,
                std::optional<std::uint64_t> until = {}) {
  FaultSpec spec;
  spec.kind = kind;
  spec.bus = bus;
  spec.when = when;
  spec.until_cycle = until;
  return spec;
}

struct Bench {
  Points points;
  Injector injector;
  explicit Bench(const std::vector<FaultSpec>& faults, std::uint64_t seed = 1)
      : injector(faults, seed, points) {
    injector.arm();
  }
  PacketHit packet(BusId bus, std::uint64_t cycle, unsigned source = 0,
                   Answer answer = Answer::none, bool down = false) {
    const PacketHit hit = injector.packet_started(bus, cycle, source);
    injector.packet_answered(bus, cycle, answer, down);
    return hit;
  }
};

}  // namespace

TEST_CASE("the third packet from a CPU on a bus is hit, and no other") {
  Bench bench({fault(FaultKind::packet_drop, BusId::x, AtPacket{3, 1, BusId::x})});
  int cycle = 0;
  for (int i = 1; i <= 6; ++i) {
    CHECK_FALSE(bench.packet(BusId::x, ++cycle, 0).any());
    CHECK_FALSE(bench.packet(BusId::y, ++cycle, 1).any());
    CHECK(bench.packet(BusId::x, ++cycle, 1).drop == (i == 3));
  }
}

TEST_CASE("without a sender every packet on the bus counts") {
  Bench bench({fault(FaultKind::answer_drop, BusId::y, AtPacket{2, {}, BusId::y})});
  CHECK_FALSE(bench.packet(BusId::x, 1, 3).any());
  CHECK_FALSE(bench.packet(BusId::y, 2, 3).any());
  CHECK(bench.packet(BusId::y, 3, 0).answer_drop);
  CHECK_FALSE(bench.packet(BusId::y, 4, 0).any());
}

TEST_CASE("a packet fault at a cycle takes the one next packet on its bus") {
  Bench bench({fault(FaultKind::packet_corrupt, BusId::x, AtCycle{100})});
  CHECK_FALSE(bench.packet(BusId::x, 99).any());
  CHECK_FALSE(bench.packet(BusId::y, 100).any());
  CHECK(bench.packet(BusId::x, 130).flips.size() % 2 == 1);
  CHECK_FALSE(bench.packet(BusId::x, 160).any());
}

TEST_CASE("a packet fault with an end takes every packet up to it, on any bus if none is named") {
  Bench bench({fault(FaultKind::packet_drop, {}, AtCycle{100}, 200)});
  CHECK_FALSE(bench.packet(BusId::x, 99).any());
  CHECK(bench.packet(BusId::x, 100).drop);
  CHECK(bench.packet(BusId::y, 199).drop);
  CHECK_FALSE(bench.packet(BusId::y, 200).any());
}

TEST_CASE("a probability hits its share of packets, the same ones for the same seed") {
  const std::vector faults{fault(FaultKind::packet_corrupt, {}, EachPacket{0.02})};
  Bench one(faults, 11), same(faults, 11), other(faults, 12);
  int hits = 0, differences = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const auto hit = one.packet(BusId::x, i).flips;
    CHECK(same.packet(BusId::x, i).flips == hit);
    differences += other.packet(BusId::x, i).flips != hit;
    hits += !hit.empty();
  }
  CHECK((hits > 140 && hits < 260));
  CHECK(differences > 100);
}

TEST_CASE("packets before a probability begins are spared and draw no chance") {
  Bench late({fault(FaultKind::packet_drop, {}, EachPacket{0.5, 1000}, 1100)});
  Bench from_start({fault(FaultKind::packet_drop, {}, EachPacket{0.5})});
  for (std::uint64_t i = 0; i < 1000; ++i) CHECK_FALSE(late.packet(BusId::x, i).any());
  int hits = 0;
  for (std::uint64_t i = 1000; i < 1100; ++i) {
    const bool hit = late.packet(BusId::x, i).drop;
    CHECK(hit == from_start.packet(BusId::x, i).drop);
    hits += hit;
  }
  CHECK(hits > 20);
  CHECK_FALSE(late.packet(BusId::x, 1100).any());
}

TEST_CASE("a fault that borrows a chance hits what the fault of that place would") {
  const FaultSpec plain = fault(FaultKind::packet_corrupt, {}, EachPacket{0.1});
  FaultSpec third = plain;
  third.chance = 2;
  const FaultSpec never = fault(FaultKind::packet_corrupt, {}, EachPacket{0.0});
  Bench whole({never, never, plain}), alone({third}), first({plain});
  int differences = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto flips = whole.packet(BusId::y, i).flips;
    CHECK(alone.packet(BusId::y, i).flips == flips);
    differences += first.packet(BusId::y, i).flips != flips;
  }
  CHECK(differences > 10);
}

TEST_CASE("traffic on one bus does not move the hits on the other") {
  const std::vector faults{fault(FaultKind::packet_corrupt, {}, EachPacket{0.1})};
  Bench alone(faults), busy(faults);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    busy.packet(BusId::y, i);
    CHECK(busy.packet(BusId::x, i).flips == alone.packet(BusId::x, i).flips);
  }
}

TEST_CASE("flipped bits lie in the packet") {
  Bench bench({fault(FaultKind::packet_corrupt, BusId::x, EachPacket{1.0})});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    for (const unsigned bit : bench.packet(BusId::x, i).flips) CHECK(bit < 68 * 32);
  }
}

TEST_CASE("two packets may be on their way, the one granted behind the one on the wires") {
  Bench bench({fault(FaultKind::packet_drop, BusId::x, AtPacket{2, {}, BusId::x})});
  bench.injector.packet_started(BusId::x, 10, 0);
  bench.injector.packet_started(BusId::x, 20, 0);
  CHECK_FALSE(bench.injector.on_wires(BusId::x).any());
  bench.injector.packet_answered(BusId::x, 10, Answer::accepted, false);
  CHECK(bench.injector.on_wires(BusId::x).drop);
  bench.injector.packet_answered(BusId::x, 20, Answer::none, false);
  CHECK(bench.injector.results()[0].effect == "from cycle 20: 1 packet hit, 1 not answered");
}

TEST_CASE("a bus goes down at its cycle and comes up again at the end") {
  Bench bench({fault(FaultKind::bus_down, BusId::x, AtCycle{50}, 80)});
  bench.points.run_to(49);
  CHECK(bench.points.log.empty());
  bench.points.run_to(100);
  CHECK(bench.points.log == std::vector<std::string>{"50 x down", "80 x up"});
}

TEST_CASE("a bus held down by two faults comes up when the second ends") {
  Bench bench({fault(FaultKind::bus_down, BusId::x, AtCycle{50}, 80),
               fault(FaultKind::bus_down, {}, AtCycle{60}, 90)});
  bench.points.run_to(1000);
  CHECK(bench.points.log ==
        std::vector<std::string>{"50 x down", "60 y down", "90 x up", "90 y up"});
}

TEST_CASE("a bus goes down with the first word of a named packet") {
  Bench bench({fault(FaultKind::bus_down, BusId::y, AtPacket{2, 1, BusId::x}, 500)});
  bench.packet(BusId::x, 10, 1);
  bench.packet(BusId::x, 30, 1);
  bench.points.run_to(30);
  CHECK(bench.points.log == std::vector<std::string>{"30 y down"});
  bench.points.run_to(500);
  CHECK(bench.points.log.back() == "500 y up");
}

TEST_CASE("a fault whose packet comes only after its end never comes") {
  Bench bench({fault(FaultKind::bus_down, BusId::y, AtPacket{1, {}, BusId::x}, 500)});
  bench.points.run_to(500);
  bench.packet(BusId::x, 600);
  bench.points.run_to(700);
  CHECK(bench.points.log.empty());
  CHECK(bench.injector.results()[0].effect == "never came");
}

TEST_CASE("a CPU is halted at a cycle or at a packet") {
  FaultSpec at_cycle = fault(FaultKind::cpu_halt, {}, AtCycle{70});
  at_cycle.cpu = 2;
  FaultSpec at_packet = fault(FaultKind::cpu_halt, {}, AtPacket{1, 3, BusId::y});
  at_packet.cpu = 3;
  Bench bench({at_cycle, at_packet});
  bench.packet(BusId::y, 40, 3);
  bench.points.run_to(100);
  CHECK(bench.points.log == std::vector<std::string>{"40 halt 3", "70 halt 2"});
  CHECK(bench.injector.results()[0].what == "cpu-halt 2");
  CHECK(bench.injector.results()[0].effect == "silent from cycle 70");
}

TEST_CASE("a CPU is off for its time from a cycle, or from a packet, and starts again") {
  FaultSpec at_cycle = fault(FaultKind::cpu_restart, {}, AtCycle{70}, 270);
  at_cycle.cpu = 2;
  FaultSpec at_packet = fault(FaultKind::cpu_restart, {}, AtPacket{1, 3, BusId::y});
  at_packet.cpu = 3;
  at_packet.for_cycles = 100;
  Bench bench({at_cycle, at_packet});
  bench.packet(BusId::y, 40, 3);
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{"40 halt 3", "70 halt 2", "140 restart 3",
                                                     "270 restart 2"});
  const auto results = bench.injector.results();
  CHECK(results[0].what == "cpu-restart 2");
  CHECK(results[0].effect == "silent from cycle 70, to start again at cycle 270");
  CHECK(results[1].effect == "silent from cycle 40, to start again at cycle 140");
}

TEST_CASE("a CPU that two restarts hold off starts again with the end of the last") {
  FaultSpec one = fault(FaultKind::cpu_restart, {}, AtCycle{100}, 400);
  FaultSpec two = fault(FaultKind::cpu_restart, {}, AtCycle{200}, 300);
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, AtCycle{50});
  for (FaultSpec* spec : {&one, &two, &halt}) spec->cpu = 1;
  Bench bench({one, two, halt});
  bench.points.run_to(1000);
  CHECK(bench.points.log ==
        std::vector<std::string>{"50 halt 1", "100 halt 1", "400 restart 1"});
}

TEST_CASE("a node misbehaves from its cycle to its end, and what it was caught at is counted") {
  FaultSpec babble = fault(FaultKind::babbling_node, {}, AtCycle{70}, 100);
  babble.cpu = 2;
  FaultSpec again = fault(FaultKind::babbling_node, {}, AtCycle{90}, 120);
  again.cpu = 2;
  FaultSpec forge = fault(FaultKind::forged_source, {}, AtPacket{1, 3, BusId::y});
  forge.cpu = 3;
  Bench bench({babble, again, forge});
  bench.packet(BusId::y, 40, 3);
  bench.points.run_to(95);
  bench.injector.offence(2, 95);
  bench.injector.offence(3, 96);
  bench.points.run_to(1000);
  bench.injector.offence(2, 5000);
  bench.injector.offence(3, 5000);
  CHECK(bench.points.log == std::vector<std::string>{"40 forged-source 3 on",
                                                     "70 babbling-node 2 on",
                                                     "120 babbling-node 2 off"});
  const auto results = bench.injector.results();
  CHECK(results[0].what == "babbling-node 2");
  CHECK(results[0].effect == "from cycle 70: caught 1 time");
  CHECK(results[2].effect == "from cycle 40: caught 2 times");
}

TEST_CASE("a halted node that is caught is told") {
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, AtCycle{70});
  halt.cpu = 2;
  Bench bench({halt});
  bench.points.run_to(100);
  bench.injector.offence(2, 200);
  CHECK(bench.injector.results()[0].effect == "silent from cycle 70: caught 1 time");
}

TEST_CASE("the account says what, when, and what became of the packets") {
  Bench bench({fault(FaultKind::packet_corrupt, BusId::x, AtCycle{100}, 200),
               fault(FaultKind::bus_down, BusId::x, AtCycle{300}, 400)});
  bench.packet(BusId::x, 110, 0, Answer::corrupt);
  bench.packet(BusId::x, 150, 0, Answer::corrupt);
  bench.packet(BusId::x, 170, 0, Answer::none);
  bench.points.run_to(300);
  bench.packet(BusId::x, 310, 0, Answer::none, true);
  const auto results = bench.injector.results();
  REQUIRE(results.size() == 2);
  CHECK(results[0].what == "packet-corrupt x");
  CHECK(results[0].when == "cycle 100, until cycle 200");
  CHECK(results[0].effect ==
        "from cycle 110: 3 packets hit, 1 not answered, 2 answered corrupt");
  CHECK(results[1].effect == "from cycle 300: 1 packet hit, 1 not answered");
}
