#include "check/replica_watch.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

/// Four CPUs in view 1, with one table each that a test may change as it likes.
struct Machine {
  ReplicaWatch watch{4};
  std::uint64_t cycle = 100;
  std::map<unsigned, std::uint64_t> digests;

  static UpdateName name(unsigned cpu, std::uint32_t number) {
    return {0, static_cast<std::uint8_t>(cpu), number};
  }
  void send(unsigned cpu, std::uint32_t number) { watch.sent(name(cpu, number), ++cycle); }
  /// On one CPU: global number n, the client's own number; its CPU's counter is one more.
  void apply(unsigned on, std::uint32_t n, unsigned client, std::uint32_t number,
             bool sound = true) {
    apply(on, n, client, number, number + 1, sound);
  }
  void apply(unsigned on, std::uint32_t n, unsigned client, std::uint32_t number,
             std::uint32_t counter, bool sound) {
    digests[on] = 31 * digests[on] + 100 * client + number + 1;
    watch.changed(on, 8, digests[on], name(client, number), sound);
    watch.applied(on, ++cycle, n, client, counter);
  }
  void apply_all(std::uint32_t mask, std::uint32_t n, unsigned client, std::uint32_t number) {
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      if ((mask >> cpu & 1) != 0) apply(cpu, n, client, number);
    }
  }
  void to_view(std::uint32_t mask, std::uint32_t view, std::uint32_t n) {
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      if ((mask >> cpu & 1) != 0) watch.view_changed(cpu, ++cycle, view, n);
    }
  }
  void load(unsigned cpu, std::uint64_t digest) { watch.loaded(cpu, 8, digests[cpu] = digest); }
  std::string complaint() {
    watch.finish();
    return watch.check().ok ? "" : watch.check().detail;
  }
};

/// Two updates everywhere, of CPUs 0 and 1, acknowledged.
Machine two_updates() {
  Machine m;
  m.send(0, 0);
  m.send(1, 0);
  m.apply_all(0xf, 1, 0, 0);
  m.apply_all(0xf, 2, 1, 0);
  m.watch.acknowledged(Machine::name(0, 0), ++m.cycle);
  m.watch.acknowledged(Machine::name(1, 0), ++m.cycle);
  return m;
}

}  // namespace

TEST_CASE("a CPU that finds its own tables to differ is a complaint") {
  Machine m = two_updates();
  m.watch.differs(2, ++m.cycle);
  CHECK_THAT(m.complaint(), Contains("CPU 2 finds its tables to differ"));
}

TEST_CASE("the same updates in one order on all CPUs pass") {
  Machine m = two_updates();
  CHECK(m.complaint() == "");
  CHECK_THAT(m.watch.check().detail, Contains("2 updates sent, 2 acknowledged, 2 applied"));
}

TEST_CASE("another update under one number in one view is complained about") {
  Machine m = two_updates();
  m.send(0, 1);
  m.send(1, 1);
  m.apply(0, 3, 0, 1);
  m.apply(2, 3, 1, 1);
  CHECK_THAT(m.complaint(), Contains("CPU 2 has update 2 of CPU 1 as number 3, and CPU 0, in the "
                                     "same view 1, has update 2 of CPU 0"));
  CHECK(m.watch.first_complaint() == m.cycle);
}

TEST_CASE("different tables after the same update are complained about") {
  Machine m = two_updates();
  m.send(0, 1);
  m.apply(0, 3, 0, 1);
  m.digests[3] ^= 1;
  m.apply(3, 3, 0, 1);
  CHECK_THAT(m.complaint(),
             Contains("CPU 3 and CPU 0, in view 1, have different tables after update 3"));
}

TEST_CASE("what a CPU did that has died, or is left out, is not compared") {
  Machine m = two_updates();
  m.send(0, 1);
  m.send(1, 1);
  m.apply(0, 3, 0, 1);  // nobody else has it
  const bool off = GENERATE(false, true);
  if (off) m.watch.off(0);
  m.to_view(0xe, 2, 2);
  m.apply_all(0xe, 3, 1, 1);
  CHECK(m.complaint() == "");
}

TEST_CASE("what a CPU did before it came to a view is compared with the others there") {
  Machine m = two_updates();
  m.send(0, 1);
  m.send(1, 1);
  m.apply(0, 3, 0, 1);
  m.to_view(0xe, 2, 2);
  m.apply_all(0xe, 3, 1, 1);
  CHECK(m.watch.check().ok);
  m.to_view(1, 2, 3);
  CHECK_THAT(m.complaint(), Contains("CPU 0 has update 2 of CPU 0 as number 3"));
}

TEST_CASE("a number that is left out, or comes again, is complained about") {
  Machine m = two_updates();
  m.send(0, 1);
  SECTION("left out") {
    m.apply(0, 4, 0, 1);
    CHECK_THAT(m.complaint(), Contains("CPU 0 applies update 4 after 2"));
  }
  SECTION("again") {
    m.apply(0, 2, 0, 1);
    CHECK_THAT(m.complaint(), Contains("CPU 0 applies update 2 after 2"));
  }
}

TEST_CASE("an update that is applied twice, or too late, is complained about") {
  Machine m = two_updates();
  SECTION("twice, under another counter of its CPU") {
    m.apply(0, 3, 1, 0, 2, true);
    CHECK_THAT(m.complaint(),
               Contains("applies update 0 of workload 0's client on CPU 1 a second"));
  }
  SECTION("late") {
    m.send(0, 1);
    m.send(0, 2);
    m.apply(0, 3, 0, 2, 2, true);
    CHECK(m.watch.check().ok);
    m.apply(0, 4, 0, 1, 3, true);
    CHECK_THAT(m.complaint(), Contains("applies update 1 of workload 0's client on CPU 0 after its "
                                       "2"));
  }
  SECTION("with a counter of its CPU left out") {
    m.send(0, 1);
    m.apply(0, 3, 0, 1, 3, true);
    CHECK_THAT(m.complaint(), Contains("applies as number 3 update 3 of CPU 0 after its 1"));
  }
}

TEST_CASE("an update that nobody sent, or with other bytes, is complained about") {
  Machine m = two_updates();
  SECTION("not sent") {
    m.apply(0, 3, 0, 1);
    CHECK_THAT(m.complaint(), Contains("on CPU 0, which was never sent"));
  }
  SECTION("other bytes") {
    m.send(0, 1);
    m.apply(0, 3, 0, 1, false);
    CHECK_THAT(m.complaint(), Contains("on CPU 0 with other bytes than were sent"));
  }
}

TEST_CASE("an acknowledged update that a CPU of the last view lacks is complained about") {
  Machine m = two_updates();
  m.send(0, 1);
  m.apply_all(0x7, 3, 0, 1);
  m.watch.acknowledged(Machine::name(0, 1), ++m.cycle);
  SECTION("it is in the last view") {
    CHECK_THAT(m.complaint(), Contains("CPU 3, in view 1 at the end, lacks update 1 of workload "
                                       "0's client on CPU 0, which was acknowledged"));
  }
  SECTION("it is off") {
    m.watch.off(3);
    CHECK(m.complaint() == "");
  }
  SECTION("it is not in the last view") {
    m.to_view(0x7, 2, 3);
    CHECK(m.complaint() == "");
  }
}

TEST_CASE("a client whose update fails is complained about") {
  Machine m = two_updates();
  m.watch.failed(Machine::name(2, 0), 400, contract::Error::bounds);
  CHECK_THAT(m.complaint(),
             Contains("is told that update 0 of workload 0's client on CPU 2 failed"));
}

TEST_CASE("a CPU that applies something while it is off or in no view is complained about") {
  Machine m = two_updates();
  m.send(0, 1);
  m.watch.off(3);
  SECTION("off") {
    m.apply(3, 3, 0, 1);
    CHECK_THAT(m.complaint(), Contains("CPU 3 applies update 3 while it is off"));
  }
  SECTION("in no view") {
    m.watch.restarted(3);
    m.load(3, m.digests[0]);
    m.apply(3, 3, 0, 1);
    CHECK_THAT(m.complaint(), Contains("CPU 3 applies update 3 while it is in no view"));
  }
}

TEST_CASE("a CPU that was started again is compared from its load on") {
  Machine m = two_updates();
  m.watch.off(3);
  m.to_view(0x7, 2, 2);
  m.send(2, 0);
  m.apply_all(0x7, 3, 2, 0);
  m.watch.acknowledged(Machine::name(2, 0), ++m.cycle);
  m.watch.restarted(3);
  SECTION("loaded with what the others have") {
    m.load(3, m.digests[0]);
    m.to_view(0xf, 3, 3);
    m.send(0, 1);
    m.apply_all(0xf, 4, 0, 1);
    CHECK(m.complaint() == "");
    CHECK_THAT(m.watch.check().detail, Contains("1 CPUs loaded"));
  }
  SECTION("loaded with less than it should, and never told the rest") {
    const std::uint64_t now = m.digests[0];
    m.load(3, 31 * (31 * 0 + 1) + 101);  // after two updates
    REQUIRE(m.digests[3] != now);
    m.to_view(0xf, 3, 2);
    CHECK_THAT(m.complaint(), Contains("CPU 3, in view 3 at the end, lacks update 0 of workload "
                                       "0's client on CPU 2"));
  }
  SECTION("loaded with something else") {
    m.load(3, 12345);
    m.to_view(0xf, 3, 3);
    CHECK_THAT(m.complaint(),
               Contains("CPU 3 was loaded with tables that no CPU had after update 3"));
  }
}

// Anything that looks at all former updates with each new one would take hours.
TEST_CASE("a million updates of three clients are checked in the time of a test") {
  ReplicaWatch watch(2);
  constexpr std::uint32_t all = 1'000'000;
  for (std::uint32_t n = 1; n <= all; ++n) {
    for (unsigned cpu = 0; cpu < 2; ++cpu) watch.applied(cpu, n, n, n % 3, (n + 2) / 3);
  }
  watch.finish();
  CHECK(watch.check().ok);
  watch.applied(0, all + 1, all + 1, 0, 7);
  CHECK_THAT(watch.check().detail,
             Contains("applies as number 1000001 update 7 of CPU 0 after its 333333"));
}
