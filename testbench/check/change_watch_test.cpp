#include "check/change_watch.h"

#include <catch2/catch.hpp>

#include <string>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t interval = 1000;

/// Four CPUs.
struct Machine {
  explicit Machine(bool judged = true) : watch(4, interval, judged) {}
  ChangeWatch watch;

  /// For the kernels of `mask`, whose processes are told at once.
  void changed(std::uint32_t mask, unsigned peer, bool up, std::uint64_t cycle) {
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      if ((mask >> cpu & 1) == 0) continue;
      watch.changed(cpu, peer, up, cycle);
      watch.told(cpu, peer, up, cycle + 1);
    }
  }
  /// A CPU that was started again comes to its first view, with all of `mask`.
  void enters(unsigned cpu, std::uint32_t mask, std::uint64_t cycle) {
    watch.view_changed(cpu, cycle);
    for (unsigned peer = 0; peer < 4; ++peer) {
      if ((mask >> peer & 1) != 0 && peer != cpu) changed(1U << cpu, peer, true, cycle);
    }
  }
  std::string complaint(std::uint64_t end) {
    watch.finish(end);
    return watch.check().ok ? "" : watch.check().detail;
  }
};

}  // namespace

TEST_CASE("a death and a return in time pass, with their figures") {
  Machine m;
  m.watch.off(3, 10'000);
  m.changed(0x7, 3, false, 12'500);
  m.watch.restarted(3, 20'000);
  m.changed(0x7, 3, true, 21'000);
  m.enters(3, 0xf, 21'250);
  CHECK(m.complaint(30'000) == "");
  CHECK_THAT(m.watch.check().detail,
             Contains("1 deaths agreed on within 2.50 intervals, 1 returns within 1.25; processes "
                      "were told of 3 CPUs down and 6 up"));
}

TEST_CASE("a death that one survivor agrees on too late is complained about") {
  for (const bool judged : {true, false}) {
    Machine m(judged);
    m.watch.off(3, 10'000);
    m.changed(0x3, 3, false, 12'500);
    m.changed(0x4, 3, false, 13'001);
    const std::string complaint = m.complaint(30'000);
    if (judged) {
      CHECK_THAT(complaint, Contains("cycle 13001: CPU 3 fell silent at cycle 10000, and the "
                                     "others agree on that after 3.00 intervals; expected 3 at "
                                     "most"));
      CHECK(m.watch.first_complaint() == 13'001U);
    } else {
      CHECK(complaint == "");
      CHECK_THAT(m.watch.check().detail, Contains("not judged"));
    }
  }
}

TEST_CASE("a death or a return that is never agreed on is complained about") {
  Machine m;
  m.watch.off(3, 10'000);
  m.changed(0x3, 3, false, 12'500);
  CHECK_THAT(m.complaint(20'000),
             Contains("CPU 3 fell silent at cycle 10000, and CPUs 0x4 have not agreed"));
  Machine n;
  n.watch.off(3, 10'000);
  n.changed(0x7, 3, false, 12'500);
  n.watch.restarted(3, 15'000);
  n.changed(0x7, 3, true, 16'000);
  CHECK_THAT(n.complaint(20'000),
             Contains("CPU 3 was started again at cycle 15000, and CPUs 0x8 have not agreed"));
}

TEST_CASE("a return that takes more than two intervals is complained about") {
  Machine m;
  m.watch.off(3, 10'000);
  m.changed(0x7, 3, false, 12'500);
  m.watch.restarted(3, 20'000);
  m.enters(3, 0xf, 21'000);
  m.changed(0x7, 3, true, 22'001);
  CHECK_THAT(m.complaint(30'000), Contains("CPU 3 was started again at cycle 20000"));
}

TEST_CASE("the time of a change counts from the last other one meanwhile") {
  Machine m;
  m.watch.off(3, 10'000);
  m.watch.off(2, 12'000);
  m.changed(0x3, 3, false, 14'900);
  m.changed(0x3, 2, false, 14'900);
  CHECK(m.complaint(30'000) == "");
  CHECK_THAT(m.watch.check().detail, Contains("2 deaths agreed on within 2.90 intervals"));
}

TEST_CASE("the time of a return counts from the end of another, and not along with a death") {
  Machine m;
  for (const unsigned cpu : {2U, 3U}) {
    m.watch.off(cpu, 10'000);
    m.changed(0x3, cpu, false, 12'500);
    m.watch.restarted(cpu, 20'000);
  }
  SECTION("one after the other") {
    m.changed(0x3, 2, true, 21'900);
    m.enters(2, 0x7, 21'900);
    m.changed(0x7, 3, true, 23'800);
    m.enters(3, 0xf, 23'800);
    CHECK(m.complaint(30'000) == "");
    CHECK_THAT(m.watch.check().detail, Contains("2 returns within 1.90"));
  }
  SECTION("along with a death") {
    m.changed(0x3, 2, true, 21'900);
    m.enters(2, 0x7, 21'900);
    m.watch.off(1, 22'000);
    m.changed(0x5, 3, true, 24'900);
    m.enters(3, 0xd, 24'900);
    m.changed(0x5, 1, false, 24'900);
    CHECK(m.complaint(30'000) == "");
    CHECK_THAT(m.watch.check().detail, Contains("3 deaths agreed on within 2.90 intervals, 2 "
                                                "returns within 1.90"));
  }
}

TEST_CASE("nobody waits for survivors that halt, nor for a return when none is left") {
  Machine m;
  for (const unsigned cpu : {3U, 2U, 1U, 0U}) m.watch.off(cpu, 10'000 + cpu);
  m.watch.restarted(3, 20'000);
  CHECK(m.complaint(90'000) == "");
}

TEST_CASE("a process that is told of what was not, or not told of what was, is complained about") {
  Machine m;
  SECTION("what was not") {
    m.watch.told(1, 3, false, 500);
    CHECK_THAT(m.complaint(1000), Contains("cycle 500: a process on CPU 1 is told that CPU 3 is "
                                           "down, and its kernel had no such change"));
  }
  SECTION("the other way round") {
    m.watch.changed(1, 3, false, 400);
    m.watch.told(1, 3, true, 500);
    CHECK_THAT(m.complaint(1000), Contains("told that CPU 3 is up"));
  }
  SECTION("not told") {
    m.watch.changed(1, 3, false, 400);
    CHECK_THAT(m.complaint(1000),
               Contains("a process on CPU 1 was told of 0 changes of CPU 3, and its kernel had 1"));
  }
}
