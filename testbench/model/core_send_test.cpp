// Sending on the core of the tlm fabric: fates, paths, multicasts, full rings. Expected values come
// from docs/contract.md.
#include <catch2/catch.hpp>

#include "core_bench.h"

namespace {

using namespace xybus;
using contract::Answer;
using contract::BusId;
using contract::EventType;
using contract::PathState;
using contract::Register;
using contract::Route;
using contract::SendStatus;
using test::CoreBench;

PathState state_to(CoreBench& bench, Register reg, unsigned to) {
  return static_cast<PathState>(bench.read(0, reg) >> 2 * to & 3);
}

}  // namespace

TEST_CASE("a message arrives with its bytes, and both sides are told") {
  CoreBench bench;
  bench.put(0, CoreBench::buffer, 0x01234567);
  bench.post(0, CoreBench::message(2, 4));
  bench.run(100);
  const auto sent = bench.events(0);
  const auto received = bench.events(1);
  REQUIRE((sent.size() == 1 && received.size() == 1));
  CHECK(sent[0].event_type() == EventType::sent);
  CHECK(sent[0].status() == SendStatus::ok);
  CHECK(sent[0].missed() == 0);
  CHECK(received[0].event_type() == EventType::received);
  CHECK(received[0].header_0() == sent[0].header_0());
  CHECK(received[0].header_1() == sent[0].header_1());
  CHECK(bench.word(1, 0x4000) == 0x01234567);
}

TEST_CASE("a malformed descriptor is refused and not sent") {
  CoreBench bench;
  const auto bad = GENERATE(CoreBench::message(0), CoreBench::message(2, 257),
                            CoreBench::message(2).set_address(CoreBench::buffer + 4),
                            CoreBench::message(2).set_route(static_cast<Route>(3)),
                            CoreBench::message(1u << 4),
                            CoreBench::message(2).set_kind(static_cast<contract::PacketKind>(7)),
                            CoreBench::transfer(contract::PacketKind::write, 1, 0, 16));
  bench.post(0, bad);  // in the control ring, where a transfer is malformed too
  bench.run(100);
  const auto sent = bench.events(0);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].status() == SendStatus::refused);
  CHECK(bench.packets.empty());
}

TEST_CASE("a path without answers turns suspect, then down, and the packet moves") {
  CoreBench bench;
  bench.core.bus(BusId::x).set_down(true, bench.now + 1);
  bench.post(0, CoreBench::message(2).set_route(Route::x));
  bench.run(200);
  // A missing answer gives 8 points; 8 are suspect, 16 are down; a probe stays on its bus.
  CHECK(bench.packets.size() == 2);
  const auto probe = bench.events(0);
  REQUIRE(probe.size() == 1);
  CHECK(probe[0].status() == SendStatus::unreachable);
  CHECK(probe[0].missed() == 2);
  CHECK(state_to(bench, Register::path_state_x, 1) == PathState::down);
  CHECK(contract::PathXRegister{bench.read(0, contract::element(Register::path_x, 1))}.failures() ==
        2);

  bench.packets.clear();
  bench.post(0, CoreBench::message(2));
  bench.run(200);
  REQUIRE(bench.packets.size() == 1);
  CHECK(bench.packets[0].bus == BusId::y);
  CHECK(bench.events(0).at(0).status() == SendStatus::ok);

  bench.core.bus(BusId::x).set_down(false, bench.now + 1);
  bench.write(0, Register::path_down_x, 2);
  CHECK(state_to(bench, Register::path_state_x, 1) == PathState::up);
  CHECK(bench.read(0, Register::path_down_x) == 0);
}

TEST_CASE("a packet leaves a suspect path for a better one with its number") {
  CoreBench bench;
  bench.faults = {{.drop = true}};
  bench.post(0, CoreBench::message(2));
  bench.run(200);
  REQUIRE(bench.packets.size() == 2);
  CHECK(bench.packets[0].bus != bench.packets[1].bus);
  CHECK(bench.packets[0].words == bench.packets[1].words);
  CHECK(bench.both(0, Register::moved_x, Register::moved_y) == 1);
  CHECK(bench.both(0, Register::no_answer_x, Register::no_answer_y) == 1);
  CHECK(bench.events(1).size() == 1);
}

TEST_CASE("with both paths down the end is an error, never a hang") {
  CoreBench bench;
  for (const BusId bus : {BusId::x, BusId::y}) bench.core.bus(bus).set_down(true, bench.now + 1);
  bench.post(0, CoreBench::message(2));
  bench.run(1000);
  CHECK(bench.events(0).at(0).status() == SendStatus::unreachable);
  const auto tried = bench.packets.size();
  bench.post(0, CoreBench::message(2));
  bench.run(1000);
  CHECK(bench.events(0).at(0).status() == SendStatus::unreachable);
  CHECK(bench.packets.size() == tried);  // not sent at all
}

TEST_CASE("a multicast is sent again only to who has not accepted it") {
  CoreBench bench;
  bench.start(2, 1, 64, 1);
  bench.post(1, CoreBench::message(4).set_route(Route::x));
  bench.run(100);  // the one slot of X at node 2 is taken
  bench.packets.clear();
  bench.write(0, Register::busy_limit, 3);
  bench.post(0, CoreBench::message(0b1110).set_route(Route::x));
  bench.run(2000);
  REQUIRE(bench.packets.size() == 3);
  CHECK(bench.packets[0].header().dst_mask() == 0b1110);
  CHECK(bench.packets[0].answers.accepted == 0b1010);
  CHECK(bench.packets[0].answers.busy == 0b0100);
  CHECK(bench.packets[1].header().dst_mask() == 0b0100);
  const auto sent = bench.events(0);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].status() == SendStatus::busy);
  CHECK(sent[0].missed() == 0b0100);
  CHECK((sent[0].header_0() & 0xffff) == 0b1110);  // the destinations first asked for
}

TEST_CASE("a busy destination is asked after pauses that double, up to the limit") {
  CoreBench bench;
  bench.start(1, 1, 64, 1);
  bench.write(0, Register::busy_limit, 6);
  bench.post(0, CoreBench::message(2, 0).set_route(Route::x));
  bench.run(100);
  bench.packets.clear();
  bench.post(0, CoreBench::message(2, 0).set_route(Route::x));
  bench.run(3000);
  REQUIRE(bench.packets.size() == 6);
  for (unsigned i = 1; i + 1 < 6; ++i) {
    const auto gap = bench.packets[i].start - bench.packets[i - 1].start;
    CHECK(bench.packets[i + 1].start - bench.packets[i].start - gap == 16u << (i - 1));
  }
  CHECK(bench.read(1, Register::refused_x) == 6);
  CHECK(bench.read(0, Register::busy_x) == 6);
}

TEST_CASE("a full event ring holds the sender off, and loses nothing") {
  CoreBench bench;
  bench.start(1, 1, 8);
  for (unsigned i = 0; i < 12; ++i) bench.post(0, CoreBench::message(2));
  bench.run(2000);
  // Three may claim an entry in the same cycle, so two stay free.
  CHECK(bench.events(1, false).size() == 6);
  CHECK(bench.both(1, Register::refused_x, Register::refused_y) > 0);
  CHECK(bench.events(0).size() == 6);
  bench.write(1, Register::event_head, 6);
  bench.run(5000);
  CHECK(bench.events(1).size() == 6);
  CHECK(bench.events(0).size() == 6);
}

TEST_CASE("packets of one flow keep their order over both buses, whatever becomes of them") {
  CoreBench bench;
  for (unsigned i = 0; i < 10; ++i) {
    bench.faults.push_back({.drop = i % 4 == 0, .answer_drop = i % 4 == 2});
  }
  for (unsigned i = 0; i < 8; ++i) bench.post(0, CoreBench::message(2));
  bench.run(3000);
  std::vector<std::uint32_t> numbers;
  for (const auto& event : bench.events(1)) {
    numbers.push_back(contract::PacketHeader{{event.header_0(), event.header_1()}}
                          .sequence_number());
  }
  CHECK(numbers == std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("control does not wait behind a data packet of its own node that waits for the bus") {
  CoreBench bench;
  // Node 1 has both buses for a long packet; node 0's data, then its control wait.
  for (unsigned i = 0; i < 2; ++i) bench.post(1, CoreBench::message(i == 0 ? 4u : 8u, 256));
  for (unsigned i = 0; i < 2; ++i) bench.post(0, CoreBench::message(i == 0 ? 4u : 8u, 256), 0);
  bench.run(10);
  bench.post(0, CoreBench::message(2, 0), 1);
  bench.run(1000);
  std::vector<unsigned> order;
  for (const auto& p : bench.packets) {
    if (p.source == 0) order.push_back(static_cast<unsigned>(p.header().traffic_class()));
  }
  CHECK(order == std::vector<unsigned>{1, 0, 0});
  CHECK(bench.events(0).size() == 3);
}

TEST_CASE("a data packet that made way in a pause moves at once if its path is down meanwhile") {
  CoreBench bench;
  bench.start(1, 1, 64, 1);
  bench.write(0, Register::path_limits, contract::PathLimitsRegister{}
                                            .set_missing(8)
                                            .set_corrupt(1)
                                            .set_suspect(8)
                                            .set_down(8)
                                            .value);
  for (const Route route : {Route::x, Route::y}) {  // the slots of node 1 are taken
    bench.post(2, CoreBench::message(2, 0).set_route(route));
  }
  bench.run(100);
  bench.packets.clear();
  bench.post(0, CoreBench::message(2, 0), 0);
  // It pauses for 16 cycles and twice as many after each time it is refused.
  while (bench.packets.size() < 9) bench.run(10);
  const BusId bus = bench.packets.back().bus;
  const auto route = bus == BusId::x ? Route::x : Route::y;
  const std::size_t tried = bench.packets.size();
  bench.faults = {{.drop = true}};  // of the next packet
  bench.post(0, CoreBench::message(2, 0).set_route(route));
  bench.run(300);  // of 1024 cycles of pause
  REQUIRE(bench.packets.size() == tried + 2);
  CHECK(bench.packets[tried].header().traffic_class() == contract::TrafficClass::control);
  CHECK(bench.packets[tried].bus == bus);
  CHECK(bench.packets[tried + 1].header().traffic_class() == contract::TrafficClass::data);
  CHECK(bench.packets[tried + 1].bus != bus);
}
