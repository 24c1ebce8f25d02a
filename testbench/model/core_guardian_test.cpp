// Nodes that misbehave, and arbitration, on the core of the tlm fabric.
#include <catch2/catch.hpp>

#include "core_bench.h"

namespace {

using namespace xybus;
using contract::BusId;
using contract::Offence;
using contract::Register;
using contract::SendStatus;
using test::CoreBench;

void misbehave(CoreBench& bench, unsigned node, Misdeed misdeed, bool on = true) {
  for (const BusId bus : {BusId::x, BusId::y}) {
    bench.core.bus(bus).set_rogue(node, misdeed, on, bench.now + 1);
  }
}

contract::GuardianXRegister guardian(CoreBench& bench, unsigned node) {
  return {bench.read(node, Register::guardian_x)};
}

}  // namespace

TEST_CASE("a forged packet is kept away, counted at every node, and its sender unanswered") {
  CoreBench bench;
  misbehave(bench, 0, Misdeed::forge);
  bench.post(0, CoreBench::message(2).set_route(contract::Route::x));
  bench.run(300);
  REQUIRE(bench.packets.size() == 2);
  for (const auto& packet : bench.packets) CHECK((packet.cut && packet.words.empty()));
  CHECK(bench.offences == std::vector<std::string>(2, "x 0 forged_source"));
  CHECK(bench.events(0).at(0).status() == SendStatus::unreachable);
  CHECK(bench.events(1).empty());
  CHECK(guardian(bench, 3).offences() == 2);
  CHECK(guardian(bench, 3).offender() == 0);
  CHECK(guardian(bench, 3).offence() == Offence::forged_source);
  CHECK(bench.read(1, Register::broken_off_x) == 0);
}

TEST_CASE("a packet without an end is cut before its 68th word, and the bus goes on") {
  CoreBench bench;
  misbehave(bench, 0, Misdeed::hold);
  bench.post(0, CoreBench::message(2).set_route(contract::Route::x));
  bench.run(20);
  bench.post(2, CoreBench::message(2).set_route(contract::Route::x));
  bench.run(400);
  REQUIRE(bench.packets.size() == 3);
  CHECK((bench.packets[0].cut && bench.packets[0].words.size() == 67));
  CHECK(bench.offences.at(0) == "x 0 too_long");
  CHECK(bench.read(1, Register::broken_off_x) == 2);
  CHECK(bench.events(1).size() == 1);
  CHECK(bench.events(2).at(0).status() == SendStatus::ok);
}

TEST_CASE("noise is answered corrupt or not at all, and does not keep others from the bus") {
  CoreBench bench;
  misbehave(bench, 3, Misdeed::babble);
  for (unsigned i = 0; i < 5; ++i) bench.post(0, CoreBench::message(2));
  bench.run(3000);
  CHECK(bench.events(1).size() == 5);
  CHECK(bench.events(0).size() == 5);
  unsigned noise = 0;
  for (const auto& packet : bench.packets) {
    if (packet.source != 3) continue;
    ++noise;
    CHECK(packet.answers.accepted == 0);
  }
  CHECK(noise > 20);
  misbehave(bench, 3, Misdeed::babble, false);
  bench.run(200);
  bench.packets.clear();
  bench.run(1000);
  CHECK(bench.packets.empty());
}

TEST_CASE("a halted node that asks for the bus is never granted, and reported once a bus") {
  CoreBench bench;
  bench.core.halt(3, bench.now + 1);
  misbehave(bench, 3, Misdeed::babble);
  bench.run(1000);
  CHECK(bench.packets.empty());
  CHECK(bench.offences == std::vector<std::string>{"x 3 not_silent", "y 3 not_silent"});
}

TEST_CASE("a node halted in the middle of a packet breaks it off, and the next follows") {
  CoreBench bench;
  bench.post(0, CoreBench::message(2, 256).set_route(contract::Route::x));
  bench.post(2, CoreBench::message(2, 0).set_route(contract::Route::x));
  bench.run(20);
  bench.core.halt(0, bench.now + 1);
  const auto halted_at = bench.now + 1;
  bench.run(100);
  REQUIRE(bench.packets.size() == 2);
  CHECK(bench.packets[0].cut);
  CHECK(bench.packets[0].words.size() == halted_at - bench.packets[0].start);
  CHECK(bench.packets[1].start == halted_at + 1);
  CHECK(bench.read(1, Register::broken_off_x) == 1);
  CHECK(bench.events(1).size() == 1);
}

TEST_CASE("packets of different nodes follow each other without a dead cycle, in turn") {
  CoreBench bench;
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned k = 0; k < 3; ++k) {
      bench.post(i, CoreBench::message(8, 64).set_route(contract::Route::x), 0);
    }
  }
  bench.run(600);
  REQUIRE(bench.packets.size() == 9);
  for (unsigned i = 1; i < 9; ++i) {
    CHECK(bench.packets[i].start == bench.packets[i - 1].start + 19);
    CHECK(bench.packets[i].source == i % 3);
  }
}

TEST_CASE("while data waits, so many control packets go in a row as there are nodes") {
  CoreBench bench;
  for (unsigned node = 0; node < 3; ++node) {
    for (unsigned k = 0; k < 5; ++k) {
      bench.post(node, CoreBench::message(8, 200).set_route(contract::Route::x), 1);
    }
  }
  bench.post(3, CoreBench::message(1, 0).set_route(contract::Route::x), 0);
  const auto posted = bench.now;
  bench.run(2000);
  unsigned before = 0;
  for (const auto& packet : bench.packets) {
    if (packet.source == 3) break;
    if (packet.start > posted + 10) ++before;
  }
  CHECK(before == 4);
}
