#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <vector>

#include "rtl/bench/random.h"
#include "rtl/module/bus_driver.h"

using namespace xybus::bench;
using xybus::contract::Offence;

TEMPLATE_TEST_CASE("bus controller: packets of every size pass whole, one lane at a time", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  Random random(choose_seed(41));
  bus.gap = random.below(4);
  std::size_t packets = 0, beats = 0;
  for (auto& queue : bus.queue) {
    for (unsigned i = 0; i < 60; ++i) {
      const unsigned range = TestType::longest - TestType::shortest + 1;
      queue.push_back({random.once_in(2), TestType::shortest + random.below(range)});
      ++packets;
      beats += queue.back().beats;
    }
  }
  bus.run_until_done();
  REQUIRE(bus.seen.size() == packets);
  CHECK(bus.starts == packets);
  for (const auto& packet : bus.seen) {
    CHECK(packet.whole);
    beats -= packet.beats;
  }
  CHECK(beats == 0);
  CHECK(bus.offences.empty());
}

TEMPLATE_TEST_CASE("bus controller: a lone request is granted in the next cycle", "", Narrow,
                   Wide) {
  for (const bool control : {false, true}) {
    Bus<TestType> bus;
    bus.run(20);
    bus.queue[9].push_back({control, 3});
    bus.run_until_done();
    REQUIRE(bus.grants.size() == 1);
    CHECK(bus.grants[0].granted - bus.grants[0].asked == 1);
    REQUIRE(bus.seen.size() == 1);
    CHECK(bus.seen[0].from == bus.grants[0].granted);
  }
}

TEMPLATE_TEST_CASE("bus controller: packets follow each other without a dead cycle", "", Narrow,
                   Wide) {
  Bus<TestType> bus;
  const unsigned beats = GENERATE(TestType::shortest, TestType::longest);
  for (auto& queue : bus.queue) {
    for (unsigned i = 0; i < 10; ++i) queue.push_back({i % 2 == 0, beats});
  }
  bus.run_until_done();
  REQUIRE(bus.seen.size() == 160);
  for (std::size_t i = 1; i < bus.seen.size(); ++i) {
    // Every lane but the one that sends asks for its next at once; so somebody asks until the end.
    if (bus.seen[i].source == bus.seen[i - 1].source) continue;
    CHECK(bus.seen[i].from == bus.seen[i - 1].to + 1);
  }
}

TEMPLATE_TEST_CASE("bus controller: control goes before data that asked at the same time", "",
                   Narrow, Wide) {
  for (unsigned lane = 1; lane < lanes; ++lane) {
    Bus<TestType> bus;
    bus.queue[0].push_back({false, 10});
    bus.queue[lane].push_back({true, 10});
    bus.run_until_done();
    REQUIRE(bus.seen.size() == 2);
    CHECK(bus.seen[0].source == lane);
  }
}

TEMPLATE_TEST_CASE("bus controller: waiting data lets one control packet a node go first", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  for (unsigned lane = 0; lane < 8; ++lane) bus.queue[lane].assign(20, {true, 5});
  bus.queue[12].assign(3, {false, 5});
  bus.queue[13].assign(2, {false, 5});
  bus.run_until_done();
  std::vector<std::size_t> data;
  for (std::size_t i = 0; i < bus.grants.size(); ++i) {
    if (!bus.grants[i].control) data.push_back(i);
  }
  REQUIRE(data.size() == 5);
  CHECK(data[0] == lanes);
  for (std::size_t i = 1; i < data.size(); ++i) CHECK(data[i] - data[i - 1] == lanes + 1);
}

// Every grant of every test here is within the bounds; see Bus::advance. These come near them.

TEMPLATE_TEST_CASE("bus controller: control that asks late among all others waits to the bound", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  constexpr unsigned longest = TestType::longest;
  for (unsigned i = 0; i < lanes; ++i) {
    if (i != 7) bus.queue[i].assign(40, {i != 8, longest});
  }
  // Lane 7 asks from time to time, at every point of the round.
  for (unsigned i = 0; i < 60; ++i) {
    bus.run(5 * longest + 61);
    if (bus.queue[7].empty()) bus.queue[7].push_back({true, longest});
  }
  bus.run_until_done();
  const auto wait = bus.longest_wait(true);
  CHECK(wait <= bus.control_wait);
  CHECK(wait >= (lanes - 1) * longest);
}

TEMPLATE_TEST_CASE("bus controller: data among data and endless control waits to the bound", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  constexpr unsigned longest = TestType::longest;
  // Two lanes are enough to ask in the control class all the time; so 14 have data.
  constexpr unsigned talkers = 2;
  for (unsigned i = 0; i < lanes; ++i) bus.queue[i].assign(2000, {i < talkers, longest});
  bus.run(3 * bus.data_wait);
  const auto wait = bus.longest_wait(false);
  CHECK(wait <= bus.data_wait);
  CHECK(wait > (lanes - talkers - 1) * (lanes + 1) * longest);
  CHECK(bus.data_wait < 32768);
}

TEMPLATE_TEST_CASE("bus controller: with random lanes and faults nobody waits too long", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  Random random(choose_seed(42));
  for (unsigned i = 0; i < 100000; ++i) {
    if (random.once_in(500)) bus.gap = random.below(6);
    if (random.once_in(3000)) bus.babble = random.once_in(2) ? 1U << random.below(lanes) : 0;
    if (random.once_in(3000)) bus.hold = random.once_in(2) ? 1U << random.below(lanes) : 0;
    if (random.once_in(3000)) bus.halted = random.once_in(2) ? 1U << random.below(lanes) : 0;
    const unsigned lane = random.below(lanes);
    if (bus.queue[lane].size() < 4) {
      Packet packet{random.once_in(2), TestType::longest};
      if (random.once_in(4)) packet.beats = TestType::shortest;
      if (random.once_in(20)) packet.stops_at = random.below(packet.beats);
      if (random.once_in(20)) packet.endless = true;
      if (random.once_in(20)) packet.named = random.below(lanes);
      bus.queue[lane].push_back(packet);
    }
    bus.step();
  }
  CHECK(bus.grants.size() > 500);
  CHECK(bus.offences.size() > 50);
  CHECK(bus.longest_wait(true) <= bus.control_wait);
  CHECK(bus.longest_wait(false) <= bus.data_wait);
}

TEMPLATE_TEST_CASE("bus controller: among lanes that all ask, each gets the same share", "", Narrow,
                   Wide) {
  Bus<TestType> bus;
  const bool control = GENERATE(false, true);
  for (auto& queue : bus.queue) queue.assign(100, {control, 7});
  bus.run(7 * 16 * 20);
  std::array<unsigned, lanes> share{};
  for (const auto& packet : bus.seen) ++share[packet.source];
  CHECK(*std::max_element(share.begin(), share.end()) -
            *std::min_element(share.begin(), share.end()) <= 1);
}

TEMPLATE_TEST_CASE("bus controller: it is idle when nothing is asked for or granted", "", Narrow,
                   Wide) {
  Bus<TestType> bus;
  CHECK(bus.idle());
  bus.queue[5].push_back({false, 3});
  for (int i = 0; i < 4; ++i) {  // asks; three beats
    CHECK_FALSE(bus.idle());
    bus.step();
  }
  bus.step();
  CHECK(bus.idle());
  // A halt takes a while to come to rest.
  bus.halted = 1U << 5;
  CHECK_FALSE(bus.idle());
  bus.run(4);
  CHECK(bus.idle());
}

TEMPLATE_TEST_CASE("bus controller: a lane that stops driving is cut and the bus is free at once",
                   "", Narrow, Wide) {
  Bus<TestType> bus;
  const unsigned beats = GENERATE(0u, 1u, 5u);
  bus.queue[3].push_back({.control = true, .beats = 10, .stops_at = beats});
  bus.queue[4].push_back({.control = true, .beats = 10});
  bus.run_until_done();
  REQUIRE(bus.seen.size() == (beats > 0 ? 2 : 1));
  if (beats > 0) {
    CHECK(bus.seen[0].beats == beats);
    CHECK_FALSE(bus.seen[0].whole);
  }
  CHECK(bus.seen.back().source == 4);
  CHECK(bus.seen.back().whole);
  CHECK(bus.grants[1].granted == bus.grants[0].granted + beats + 1);
  CHECK(bus.offences.empty());
}

TEMPLATE_TEST_CASE("bus controller: the packet of a node that is halted is cut in that cycle", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  bus.queue[3].push_back({true, 10});
  bus.queue[4].push_back({true, 10});
  bus.run(5);  // asks; four beats
  bus.halted = 1U << 3;
  bus.run_until_done();
  REQUIRE(bus.seen.size() == 2);
  CHECK(bus.seen[0].source == 3);
  CHECK(bus.seen[0].beats == 4);
  CHECK_FALSE(bus.seen[0].whole);
  CHECK(bus.seen[1].source == 4);
  CHECK(bus.seen[1].from == bus.seen[0].to + 2);
  CHECK(bus.offences.empty());
}

TEMPLATE_TEST_CASE("guardian: nothing of a packet that names another source gets to the wires", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  const unsigned named = GENERATE(0u, 2u, 15u);
  bus.queue[3].push_back({.control = true, .beats = 10, .named = named});
  bus.queue[4].push_back({.control = true, .beats = 10});
  bus.run_until_done();
  REQUIRE(bus.seen.size() == 1);
  CHECK(bus.seen[0].source == 4);
  // Its sender ends it in its own time.
  CHECK(bus.seen[0].from == bus.grants[0].granted + 10);
  REQUIRE(bus.offences.size() == 1);
  CHECK(bus.offences[0].offence == Offence::forged_source);
  CHECK(bus.offences[0].offender == 3);
  CHECK(bus.offences[0].cycle == bus.grants[0].granted + 1);
}

TEMPLATE_TEST_CASE("guardian: a packet that does not end loses the bus at the longest packet's end",
                   "", Narrow, Wide) {
  Bus<TestType> bus;
  constexpr unsigned longest = TestType::longest;
  bus.queue[3].push_back({.control = true, .endless = true});
  bus.queue[4].push_back({true, longest});
  bus.run_until_done();
  REQUIRE(bus.seen.size() == 2);
  CHECK(bus.seen[0].source == 3);
  CHECK(bus.seen[0].beats == longest - 1);
  CHECK_FALSE(bus.seen[0].whole);
  CHECK(bus.seen[1].beats == longest);
  CHECK(bus.seen[1].whole);
  CHECK(bus.seen[1].from == bus.seen[0].from + longest);
  REQUIRE(bus.offences.size() == 1);
  CHECK(bus.offences[0].offence == Offence::too_long);
  CHECK(bus.offences[0].offender == 3);
}

TEMPLATE_TEST_CASE("guardian: a packet both forged and endless is one offence and gets no longer",
                   "", Narrow, Wide) {
  Bus<TestType> bus;
  bus.queue[3].push_back({.control = true, .named = 9, .endless = true});
  bus.queue[4].push_back({true, 5});
  bus.run_until_done();
  REQUIRE(bus.seen.size() == 1);
  CHECK(bus.seen[0].from == bus.grants[0].granted + TestType::longest);
  REQUIRE(bus.offences.size() == 1);
  CHECK(bus.offences[0].offence == Offence::forged_source);
}

TEMPLATE_TEST_CASE("guardian: a halted node that asks gets no grant and is reported once", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  bus.halted = bus.asks_anyway = 1U << 6;
  const auto halt = bus.cycle();
  for (auto& queue : bus.queue) queue.assign(4, {true, 5});
  bus.run(400);
  for (const auto& grant : bus.grants) CHECK(grant.lane != 6);
  CHECK(bus.seen.size() == 15 * 4);
  REQUIRE(bus.offences.size() == 1);
  CHECK(bus.offences[0].offence == Offence::not_silent);
  CHECK(bus.offences[0].offender == 6);
  CHECK(bus.offences[0].cycle == halt + 5);  // four cycles, and the report
  // Once more for the next request.
  bus.asks_anyway = 0;
  bus.run(2);
  bus.asks_anyway = 1U << 6;
  bus.run(50);
  CHECK(bus.offences.size() == 2);
}

TEMPLATE_TEST_CASE("guardian: a node that falls silent in four cycles after its halt is honest", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  bus.run(10);
  bus.halted = bus.asks_anyway = 1U << 6;
  bus.run(4);
  bus.asks_anyway = 0;
  bus.run(20);
  CHECK(bus.offences.empty());
  CHECK(bus.seen.empty());
}

TEMPLATE_TEST_CASE("guardian: of several that are not silent each is reported", "", Narrow, Wide) {
  Bus<TestType> bus;
  bus.halted = bus.asks_anyway = 1U << 2 | 1U << 9 | 1U << 15;
  bus.run(40);
  REQUIRE(bus.offences.size() == 3);
  CHECK(bus.offences[0].offender == 2);
  CHECK(bus.offences[1].offender == 9);
  CHECK(bus.offences[2].offender == 15);
}
