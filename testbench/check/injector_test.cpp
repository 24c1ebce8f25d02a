#include "fault/injector.h"

#include <catch2/catch.hpp>
#include <map>

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::LinkOperation;

namespace {

// A machine made of a calendar and a list of what was done to it.
struct Points : FaultPoints {
  std::multimap<std::uint64_t, std::function<void()>> calendar;
  std::vector<std::string> log;
  std::optional<ProcessAddress> holder;  // of every name
  mutable unsigned asked_for_name = 0;   // times

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
  void power_failure(std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " power fails");
  }
  std::optional<ProcessAddress> stop_process(const FaultSpec& fault,
                                             std::uint64_t cycle) override {
    log.push_back(std::to_string(cycle) + " stop " + fault.detail.process);
    return holder;
  }
  bool has_name(const ProcessAddress& process, const ProcessName& name) const override {
    ++asked_for_name;
    return name.text() == "$A" && holder && process == *holder;
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
                FaultTime when,
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
    injector.packet_answered(bus, cycle, source, answer, down);
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
  bench.injector.packet_answered(BusId::x, 10, 0, Answer::accepted, false);
  CHECK(bench.injector.on_wires(BusId::x).drop);
  bench.injector.packet_answered(BusId::x, 20, 0, Answer::none, false);
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

TEST_CASE("what else befalls a CPU ends the hostile firmware that it runs, once") {
  const auto on_cpu = [](FaultKind kind, std::uint64_t from, std::uint64_t until) {
    FaultSpec spec = fault(kind, {}, AtCycle{from}, until);
    spec.cpu = 3;
    return spec;
  };
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, AtCycle{900});
  halt.cpu = 3;
  Bench bench({on_cpu(FaultKind::hostile_cpu, 100, 5000),
               on_cpu(FaultKind::cpu_restart, 200, 400),
               on_cpu(FaultKind::hostile_cpu, 300, 5000),
               on_cpu(FaultKind::hostile_cpu, 500, 5000),
               on_cpu(FaultKind::hostile_cpu, 600, 700),
               on_cpu(FaultKind::hostile_cpu, 800, 5000), halt});
  bench.points.run_to(10'000);
  CHECK(bench.points.log ==
        std::vector<std::string>{"100 hostile-cpu on", "200 hostile-cpu off", "200 halt 3",
                                 "300 hostile-cpu on", "400 hostile-cpu off", "400 restart 3",
                                 "500 hostile-cpu on", "600 hostile-cpu off", "600 hostile-cpu on",
                                 "700 hostile-cpu off", "800 hostile-cpu on",
                                 "900 hostile-cpu off", "900 halt 3"});
  const auto results = bench.injector.results();
  CHECK(results[0].effect == "from cycle 100 to cycle 200: 0 packets from it meanwhile");
  CHECK(results[2].effect == "from cycle 300 to cycle 400: 0 packets from it meanwhile");
  CHECK(results[4].effect == "from cycle 600 to cycle 700: 0 packets from it meanwhile");
  CHECK(results[5].effect == "from cycle 800 to cycle 900: 0 packets from it meanwhile");
}

TEST_CASE("hostile firmware that nothing has ended has no end in its result, planned or not") {
  FaultSpec spec = fault(FaultKind::hostile_cpu, {}, AtCycle{100}, 5000);
  spec.cpu = 3;
  Bench bench({spec});
  bench.points.run_to(4000);
  CHECK(bench.injector.results()[0].effect == "from cycle 100: 0 packets from it meanwhile");
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

namespace {

// The first words of a message packet.
std::array<std::uint32_t, 3> opening(unsigned source, LinkOperation operation, std::uint32_t number,
                                     unsigned to = 0) {
  contract::PacketHeader header;
  header.set_dst_mask(1U << to).set_source(source).set_kind(contract::PacketKind::message);
  header.set_traffic_class(contract::TrafficClass::control);
  header.set_length(contract::link_words * contract::word_bytes).set_sequence_number(number);
  contract::LinkHeader link;
  link.set_operation(operation);
  return {header.words[0], header.words[1], link.words[0]};
}

// A packet from start to answer; gives what was done to it once it was open.
PacketHit open(Bench& bench, BusId bus, std::uint64_t cycle, unsigned source,
               LinkOperation operation, std::uint32_t number, unsigned to = 0) {
  CHECK_FALSE(bench.injector.packet_started(bus, cycle, source).any());
  const PacketHit hit = bench.injector.packet_opened(bus, cycle + 2, source,
                                                     opening(source, operation, number, to));
  CHECK(bench.injector.on_wires(bus).any() == hit.any());
  bench.injector.packet_answered(bus, cycle, source, Answer::accepted, false);
  return hit;
}

KernelEvent event(KernelEvent::Kind kind, std::uint64_t cycle, unsigned peer = 0) {
  KernelEvent event;
  event.kind = kind;
  event.cycle = cycle;
  event.peer.cpu = static_cast<decltype(event.peer.cpu)>(peer);
  return event;
}

}  // namespace

TEST_CASE("the third reply packet from a CPU on a bus is hit, and no other") {
  Bench bench({fault(FaultKind::packet_drop, BusId::x,
                     AtPacket{3, 1, BusId::x, LinkOperation::reply})});
  CHECK(bench.injector.wants_openings());
  std::uint32_t number = 0;
  for (unsigned i = 1; i <= 5; ++i) {
    const std::uint64_t cycle = 1000 * i;
    CHECK_FALSE(open(bench, BusId::x, cycle, 0, LinkOperation::reply, ++number).any());
    CHECK_FALSE(open(bench, BusId::y, cycle, 1, LinkOperation::reply, ++number).any());
    CHECK_FALSE(open(bench, BusId::x, cycle + 100, 1, LinkOperation::link, ++number).any());
    CHECK(open(bench, BusId::x, cycle + 200, 1, LinkOperation::reply, ++number).drop == (i == 3));
  }
  CHECK(bench.injector.results()[0].when == "reply packet 3 from 1 on x");
  CHECK(bench.injector.results()[0].effect == "from cycle 3203: 1 packet hit, 1 answered accepted");
}

TEST_CASE("attempts count, or only the first of them") {
  const bool first = GENERATE(false, true);
  AtPacket point{2, 1, BusId::x, LinkOperation::reply};
  point.first_attempts = first;
  Bench bench({fault(FaultKind::answer_drop, BusId::x, point)});
  CHECK_FALSE(open(bench, BusId::x, 10, 1, LinkOperation::reply, 7).any());
  CHECK(open(bench, BusId::x, 100, 1, LinkOperation::reply, 7).answer_drop == !first);
  // To another CPU the same number is another packet.
  CHECK(open(bench, BusId::x, 200, 1, LinkOperation::reply, 7, 2).answer_drop == first);
}

TEST_CASE("an attempt on one bus makes that on the other one an attempt again") {
  AtPacket point{1, 1, BusId::x};
  point.first_attempts = true;
  Bench bench({fault(FaultKind::answer_drop, BusId::x, point)});
  CHECK_FALSE(open(bench, BusId::y, 10, 1, LinkOperation::reply, 7).any());
  CHECK_FALSE(open(bench, BusId::x, 100, 1, LinkOperation::reply, 7).any());
  CHECK(open(bench, BusId::x, 200, 1, LinkOperation::reply, 8).answer_drop);
}

TEST_CASE("a number that is used again for something else is no other attempt") {
  AtPacket point{2, 1, BusId::x};
  point.first_attempts = true;
  Bench bench({fault(FaultKind::answer_drop, BusId::x, point)});
  CHECK_FALSE(open(bench, BusId::x, 10, 1, LinkOperation::reply, 7).any());
  CHECK(open(bench, BusId::x, 100, 1, LinkOperation::link, 7).answer_drop);
}

TEST_CASE("noise is no packet of an operation") {
  Bench bench({fault(FaultKind::packet_drop, BusId::x,
                     AtPacket{1, {}, BusId::x, LinkOperation::reply})});
  auto words = opening(1, LinkOperation::reply, 1);
  bench.injector.packet_started(BusId::x, 10, 2);  // under another's number
  CHECK_FALSE(bench.injector.packet_opened(BusId::x, 12, 2, words).any());
  bench.injector.packet_answered(BusId::x, 10, 2, Answer::none, false);
  words[1] = contract::PacketHeader{{words[0], words[1]}}.set_length(4).words[1];
  bench.injector.packet_started(BusId::x, 50, 1);  // shorter than a link header
  CHECK_FALSE(bench.injector.packet_opened(BusId::x, 52, 1, words).any());
}

TEST_CASE("bits of a packet that is known late flip behind the words that have gone by") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Bench bench({fault(FaultKind::packet_corrupt, BusId::x,
                       AtPacket{1, {}, BusId::x, LinkOperation::reply})}, seed);
    const PacketHit hit = open(bench, BusId::x, 10, 1, LinkOperation::reply, 7);
    CHECK(hit.flips.empty());
    CHECK(hit.late_flips.size() % 2 == 1);
    for (const unsigned bit : hit.late_flips) {
      CHECK(bit >= 3 * 32);
      CHECK(bit < packet_bits);
    }
  }
}

TEST_CASE("a CPU is halted in the cycle after a packet's operation is on the wires, or later") {
  const std::uint64_t delay = GENERATE(0u, 25u);
  AtPacket point{1, {}, BusId::y, LinkOperation::pull};
  point.delay_cycles = delay;
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, point);
  halt.cpu = 2;
  Bench bench({halt});
  open(bench, BusId::y, 40, 1, LinkOperation::pull, 7);
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{std::to_string(43 + delay) + " halt 2"});
}

TEST_CASE("a CPU is halted in the cycle after the n-th event of a kind, and at no other") {
  AtEvent at{.kind = KernelEvent::link_replied, .cpu = 1, .peer = 3, .n = 2};
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, at);
  halt.cpu = 0;
  Bench bench({halt});
  bench.injector.kernel_event(1, event(KernelEvent::link_replied, 10, 3));
  bench.injector.kernel_event(1, event(KernelEvent::link_replied, 20, 2));   // another peer
  bench.injector.kernel_event(2, event(KernelEvent::link_replied, 30, 3));   // another CPU
  bench.injector.kernel_event(1, event(KernelEvent::link_listened, 40, 3));  // another kind
  bench.points.run_to(45);
  CHECK(bench.points.log.empty());
  bench.injector.kernel_event(1, event(KernelEvent::link_replied, 50, 3));
  bench.injector.kernel_event(1, event(KernelEvent::link_replied, 60, 3));
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{"51 halt 0"});
  CHECK(bench.injector.results()[0].when == "link_replied 2 of CPU 1 with CPU 3");
}

TEST_CASE("an event counts that is of the process with a name, on whatever CPU") {
  const AtEvent at{.kind = KernelEvent::link_replied, .process = "$A", .n = 2};
  FaultSpec halt = fault(FaultKind::cpu_halt, {}, at);
  halt.cpu = 0;
  Bench bench({halt});
  KernelEvent its = event(KernelEvent::link_replied, 10);
  its.pin = 7;
  bench.injector.kernel_event(1, its);  // nobody has the name
  bench.points.holder = ProcessAddress{1, 7};
  bench.injector.kernel_event(1, its);
  bench.injector.kernel_event(2, its);  // another CPU
  its.pin = 8;
  bench.injector.kernel_event(1, its);  // another process
  bench.points.holder = ProcessAddress{2, 8};
  its.cycle = 20;
  bench.injector.kernel_event(2, its);
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{"21 halt 0"});
  CHECK(bench.injector.results()[0].when == "link_replied 2 of $A");
}

TEST_CASE("an injector asks who has a name no more once the fault at its event has come") {
  FaultSpec halt = fault(FaultKind::cpu_halt, {},
                         AtEvent{.kind = KernelEvent::link_replied, .process = "$A"});
  halt.cpu = 0;
  Bench bench({halt});
  bench.points.holder = ProcessAddress{1, 7};
  KernelEvent its = event(KernelEvent::link_replied, 10);
  its.pin = 7;
  for (int i = 0; i < 3; ++i) bench.injector.kernel_event(1, its);
  CHECK(bench.points.asked_for_name == 1);
}

TEST_CASE("a fault at an event comes later by its delay, for its time, and not behind its end") {
  FaultSpec slow = fault(FaultKind::bus_slow, BusId::x,
                         AtEvent{.kind = KernelEvent::link_done, .cpu = 0, .delay_cycles = 100});
  slow.for_cycles = 30;
  const FaultSpec over = fault(FaultKind::bus_down, BusId::x,
                               AtEvent{.kind = KernelEvent::link_done,
                                       .cpu = 0,
                                       .delay_cycles = 100},
                               151);
  Bench bench({slow, over});
  bench.injector.kernel_event(0, event(KernelEvent::link_done, 50));
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{"151 bus-slow on", "181 bus-slow off"});
  CHECK(bench.injector.results()[1].effect == "never came");
}

TEST_CASE("a packet fault at an event takes the next packet that starts two cycles after") {
  Bench bench({fault(FaultKind::packet_drop, {},
                     AtEvent{.kind = KernelEvent::link_done, .cpu = 0})});
  CHECK_FALSE(bench.packet(BusId::x, 49).any());
  bench.injector.kernel_event(0, event(KernelEvent::link_done, 50));
  CHECK_FALSE(bench.packet(BusId::x, 51).any());
  CHECK(bench.packet(BusId::y, 52).drop);
  CHECK_FALSE(bench.packet(BusId::x, 60).any());
}

TEST_CASE("a packet fault at an event takes every packet for its time") {
  FaultSpec drop =
      fault(FaultKind::packet_drop, BusId::x, AtEvent{.kind = KernelEvent::link_done, .cpu = 0});
  drop.for_cycles = 10;
  Bench bench({drop});
  bench.injector.kernel_event(0, event(KernelEvent::link_done, 50));
  for (const std::uint64_t cycle : {52, 57, 61}) CHECK(bench.packet(BusId::x, cycle).drop);
  CHECK_FALSE(bench.packet(BusId::x, 62).any());
}

TEST_CASE("faults that hold for a time count the packets that went meanwhile") {
  FaultSpec slow = fault(FaultKind::cpu_slow, {}, AtCycle{50}, 100);
  slow.cpu = 2;
  Bench bench({fault(FaultKind::bus_slow, BusId::x, AtCycle{50}, 100), slow});
  bench.packet(BusId::x, 49, 2, Answer::accepted);
  bench.points.run_to(50);
  bench.packet(BusId::x, 50, 1, Answer::accepted);
  bench.packet(BusId::y, 60, 2, Answer::none);
  bench.packet(BusId::x, 99, 2, Answer::busy);
  bench.points.run_to(100);
  bench.packet(BusId::x, 100, 2, Answer::accepted);
  CHECK(bench.injector.results()[0].effect ==
        "from cycle 50: 2 packets meanwhile, 1 answered accepted, 1 answered busy");
  CHECK(bench.injector.results()[1].effect ==
        "from cycle 50: 2 packets from it meanwhile, 1 not answered, 1 answered busy");
}

namespace {

FaultSpec drive_fault(FaultKind kind, FaultTime when, std::optional<std::uint32_t> block = {},
                      std::optional<std::uint64_t> until = {}) {
  FaultSpec spec = fault(kind, {}, when, until);
  spec.detail.disk = "$DATA1";
  spec.detail.drive = spec.detail.drive_number = 1;
  spec.detail.block = block;
  return spec;
}

bool read_fails(Bench& bench, std::uint64_t cycle, std::uint32_t block, std::uint32_t count = 1,
                unsigned drive = 1) {
  bench.points.run_to(cycle);
  return bench.injector.drive_fails({drive, 0, false, block, count, cycle});
}

bool write_fails(Bench& bench, std::uint64_t cycle, std::uint32_t block, std::uint32_t count = 1) {
  bench.points.run_to(cycle);
  return bench.injector.drive_fails({1, 0, true, block, count, cycle});
}

}  // namespace

TEST_CASE("a bad block fails each read that touches it, on its drive, until it is written anew") {
  Bench bench({drive_fault(FaultKind::disk_read_error, AtCycle{100}, 7)});
  CHECK_FALSE(read_fails(bench, 99, 7));
  CHECK(read_fails(bench, 100, 7));
  CHECK(read_fails(bench, 101, 4, 4));
  CHECK_FALSE(read_fails(bench, 102, 4, 3));
  CHECK_FALSE(read_fails(bench, 103, 8));
  CHECK_FALSE(read_fails(bench, 104, 7, 1, 0));
  CHECK_FALSE(write_fails(bench, 105, 8));
  CHECK(read_fails(bench, 106, 7));
  CHECK_FALSE(write_fails(bench, 107, 6, 2));
  CHECK_FALSE(read_fails(bench, 108, 7));
  CHECK(bench.injector.results()[0].what == "disk-read-error $DATA1-1 block 7");
  CHECK(bench.injector.results()[0].effect ==
        "from cycle 100: 3 commands failed, then written anew");
}

TEST_CASE("a drive that cannot be read at all is not mended by writing, but by the fault's end") {
  Bench bench({drive_fault(FaultKind::disk_read_error, AtCycle{100}, {}, 200)});
  CHECK(read_fails(bench, 100, 0));
  CHECK_FALSE(write_fails(bench, 110, 0));
  CHECK(read_fails(bench, 199, 0));
  CHECK_FALSE(read_fails(bench, 200, 0));
}

TEST_CASE("a write that fails mends nothing") {
  Bench bench({drive_fault(FaultKind::disk_read_error, AtCycle{1}, 7),
               drive_fault(FaultKind::disk_write_error, AtCycle{1}, 7, 50)});
  CHECK(write_fails(bench, 10, 7));
  CHECK(read_fails(bench, 20, 7));
  CHECK_FALSE(write_fails(bench, 60, 7));
  CHECK_FALSE(read_fails(bench, 70, 7));
}

TEST_CASE("commands of a drive fail by chance, from and up to a cycle, the same for a seed") {
  const auto count = [](std::uint64_t seed) {
    Bench bench({drive_fault(FaultKind::disk_write_error, EachPacket{0.25, 1000}, {}, 3000)}, seed);
    std::vector<std::uint64_t> failed;
    for (std::uint64_t cycle = 0; cycle < 4000; ++cycle) {
      CHECK_FALSE(read_fails(bench, cycle, 0));
      if (write_fails(bench, cycle, 0)) failed.push_back(cycle);
    }
    return failed;
  };
  const auto failed = count(1);
  CHECK(failed.front() >= 1000);
  CHECK(failed.back() < 3000);
  CHECK(failed.size() > 400);
  CHECK(failed.size() < 600);
  CHECK(count(1) == failed);
  CHECK(count(2) != failed);
}

TEST_CASE("power fails once, at its cycle") {
  Bench bench({fault(FaultKind::power_failure, {}, AtCycle{50})});
  bench.points.run_to(49);
  CHECK(bench.points.log.empty());
  bench.points.run_to(1000);
  CHECK(bench.points.log == std::vector<std::string>{"50 power fails"});
}

TEST_CASE("process-stop happens once, and the account says whom it met") {
  FaultSpec stop = fault(FaultKind::process_stop, {}, AtCycle{40});
  stop.detail.process = "$BANK";
  FaultSpec backup = stop;
  backup.detail.backup = true;
  Bench bench({stop, backup});
  bench.points.holder = ProcessAddress{3, 7};
  bench.points.run_to(40);
  CHECK(bench.points.log == std::vector<std::string>{"40 stop $BANK", "40 stop $BANK"});
  const auto results = bench.injector.results();
  CHECK(results[0].what == "process-stop $BANK");
  CHECK(results[1].what == "process-stop $BANK backup");
  CHECK(results[0].effect == "at cycle 40: pin 7 of CPU 3");
}
