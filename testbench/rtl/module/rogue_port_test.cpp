#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "rtl/module/bus_driver.h"

using namespace xybus::bench;
using xybus::contract::Offence;

namespace {

template <class Bus>
std::size_t count(const Bus& bus, Offence offence, unsigned offender) {
  return static_cast<std::size_t>(
      std::count_if(bus.offences.begin(), bus.offences.end(), [&](const auto& found) {
        return found.offence == offence && found.offender == offender;
      }));
}

}  // namespace

TEMPLATE_TEST_CASE("rogue port: a babbler fills the bus with noise of many lengths, some endless",
                   "", Narrow, Wide) {
  Bus<TestType> bus;
  bus.queue[5].assign(10, {true, 6});
  bus.babble = 1U << 5;
  bus.run(20000);
  std::set<unsigned> lengths;
  unsigned cut = 0;
  for (const auto& packet : bus.seen) {
    CHECK(packet.source == 5);
    lengths.insert(packet.beats);
    cut += !packet.whole;
  }
  CHECK(lengths.size() > 10);
  CHECK(cut > 5);
  CHECK(bus.grants.empty());  // its own lane gets nothing
  CHECK(count(bus, Offence::too_long, 5) == bus.offences.size());
  CHECK(bus.offences.size() >= cut - 1);
}

TEMPLATE_TEST_CASE("rogue port: with a babbler the others still get the bus within the bounds", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  bus.babble = 1U << 5;
  bus.run(100);
  for (unsigned i = 0; i < lanes; ++i) {
    if (i != 5) bus.queue[i].assign(6, {i % 2 == 0, TestType::longest});
  }
  bus.run(2 * bus.data_wait);
  CHECK(bus.grants.size() == 15 * 6);
}

TEMPLATE_TEST_CASE("rogue port: a babbler that stops lets its lane send again", "", Narrow, Wide) {
  Bus<TestType> bus;
  bus.queue[5].assign(10, {true, 6});
  const unsigned before = GENERATE(0u, 3u, 7u);
  bus.run(before);
  bus.babble = 1U << 5;
  bus.run(1000);
  bus.babble = 0;
  bus.run_until_done();
  CHECK(bus.grants.size() == 10);
  CHECK(bus.seen.back().whole);
  CHECK(bus.seen.back().beats == 6);
}

TEMPLATE_TEST_CASE("rogue port: a babbler that is halted is caught and nobody hears it", "", Narrow,
                   Wide) {
  Bus<TestType> bus;
  bus.halted = bus.babble = 1U << 5;
  bus.run(1000);
  CHECK(bus.seen.empty());
  CHECK(bus.starts == 0);
  CHECK(bus.offences.size() == 1);
  CHECK(count(bus, Offence::not_silent, 5) == 1);
}

TEMPLATE_TEST_CASE("rogue port: of a forger nothing gets through, packet by packet", "", Narrow,
                   Wide) {
  Bus<TestType> bus;
  bus.queue[5].assign(10, {true, 6});
  bus.queue[6].assign(10, {true, 6});
  bus.forge = 1U << 5;
  bus.run_until_done();
  CHECK(bus.grants.size() == 20);
  CHECK(bus.seen.size() == 10);
  for (const auto& packet : bus.seen) CHECK(packet.source == 6);
  CHECK(bus.offences.size() == 10);
  CHECK(count(bus, Offence::forged_source, 5) == 10);
  // It is honest again as soon as it is left alone.
  bus.forge = 0;
  bus.queue[5].assign(3, {false, 6});
  bus.run_until_done();
  CHECK(bus.seen.size() == 13);
}

TEMPLATE_TEST_CASE("rogue port: a node that holds the bus loses it, and its lane sees an end", "",
                   Narrow, Wide) {
  Bus<TestType> bus;
  bus.queue[5].assign(10, {true, 6});
  bus.queue[6].assign(10, {true, 6});
  bus.hold = 1U << 5;
  bus.run_until_done();
  CHECK(bus.grants.size() == 20);
  CHECK(bus.seen.size() == 20);
  for (const auto& packet : bus.seen) {
    CHECK(packet.whole == (packet.source == 6));
    CHECK(packet.beats == (packet.source == 6 ? 6 : TestType::longest - 1));
  }
  CHECK(bus.offences.size() == 10);
  CHECK(count(bus, Offence::too_long, 5) == 10);
}
