#include "check/view_watch.h"

#include <catch2/catch.hpp>

#include <string>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

/// Four CPUs; what was done to those of `disturbed` excuses anything.
struct Machine {
  std::uint32_t disturbed = 0;
  ViewWatch watch{4, [this](unsigned cpu, std::uint64_t) { return (disturbed >> cpu & 1) != 0; }};

  void all_to(std::uint32_t mask, std::uint64_t cycle, std::uint32_t number) {
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      if ((mask >> cpu & 1) != 0) watch.view_changed(cpu, cycle, number, mask);
    }
  }
};

}  // namespace

TEST_CASE("the machine is divided while CPUs that are on are in different views") {
  Machine m;
  m.disturbed = 8;
  m.watch.off(3);
  CHECK_FALSE(m.watch.divided());
  m.watch.view_changed(0, 100, 2, 7);
  CHECK(m.watch.divided());
  m.watch.view_changed(1, 110, 2, 7);
  m.watch.view_changed(2, 110, 2, 7);
  CHECK_FALSE(m.watch.divided());
}

TEST_CASE("one view after the other on all CPUs passes") {
  Machine m;
  m.disturbed = 8;
  m.watch.off(3);
  m.all_to(7, 100, 2);
  m.watch.look(101, 7);
  m.all_to(15, 200, 3);
  m.watch.look(201, 15);
  CHECK(m.watch.check().ok);
  CHECK(m.watch.changes() == 2);
  CHECK(m.watch.left() == 8);
}

TEST_CASE("two different views of one number are complained about") {
  Machine m;
  m.disturbed = 15;
  m.watch.view_changed(0, 100, 2, 7);
  m.watch.view_changed(3, 120, 2, 9);
  CHECK_FALSE(m.watch.check().ok);
  CHECK_THAT(m.watch.check().detail, Contains("view 2 is 0x9 on CPU 3, but 0x7 on another"));
  CHECK(m.watch.first_complaint() == 120U);
}

TEST_CASE("a CPU in a view that it is no member of is complained about") {
  Machine m;
  m.disturbed = 15;
  m.watch.view_changed(3, 100, 2, 7);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 3 is in view 2 that it is not in"));
}

TEST_CASE("a view that comes back is complained about") {
  Machine m;
  m.disturbed = 15;
  m.watch.view_changed(0, 100, 3, 7);
  m.watch.view_changed(0, 200, 2, 15);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 0 goes from view 3 back to 2"));
}

TEST_CASE("two CPUs that act for the machine in different views are complained about") {
  Machine m;
  m.disturbed = 8;
  m.all_to(7, 100, 2);
  m.watch.look(110, 0b0111);
  CHECK(m.watch.check().ok);
  m.watch.look(120, 0b1001);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 0 acts in view 2 and CPU 3 in view 1"));
}

TEST_CASE("one that is off acts for nobody") {
  Machine m;
  m.disturbed = 8;
  m.watch.off(3);
  m.all_to(7, 100, 2);
  m.watch.look(120, 0b1001);
  CHECK(m.watch.check().ok);
}

TEST_CASE("a CPU that leaves the view without a reason is complained about") {
  Machine m;
  m.disturbed = 4;
  m.all_to(3, 100, 2);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 3 has left the view (number 2, 0x3)"));
  CHECK_THAT(m.watch.check().detail, !Contains("CPU 2"));
}

TEST_CASE("a CPU that was off shortly leaves the view in its former life, not in the new one") {
  Machine m;
  m.watch.off(3);
  m.watch.restarted(3);
  m.all_to(7, 100, 2);
  CHECK(m.watch.check().ok);
  CHECK(m.watch.left() == 0);
  m.all_to(15, 200, 3);
  CHECK(m.watch.check().ok);
  m.all_to(7, 300, 4);
  CHECK(m.watch.left() == 8);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 3 has left the view (number 4, 0x7)"));
}

TEST_CASE("a CPU that was taken in, and left again before it knew, has left in its new life") {
  for (const bool excused : {false, true}) {
    Machine m;
    m.watch.off(3);
    m.watch.restarted(3);
    m.all_to(7, 100, 2);
    for (unsigned cpu = 0; cpu < 3; ++cpu) m.watch.view_changed(cpu, 200, 3, 15);
    CHECK(m.watch.left() == 0);
    if (excused) m.disturbed = 8;
    m.all_to(7, 300, 4);
    CHECK(m.watch.left() == 8);
    CHECK(m.watch.check().ok == excused);
  }
}

TEST_CASE("a CPU that halts by itself without a reason is complained about") {
  Machine m;
  m.disturbed = 8;
  m.watch.gave_up(1, 100);
  CHECK_THAT(m.watch.check().detail, Contains("CPU 1 has halted by itself in view 1 (0xf)"));
}

TEST_CASE("a CPU may halt by itself when half of its view was disturbed, or it was itself") {
  Machine m;
  m.disturbed = 8;
  m.watch.gave_up(3, 100);
  m.disturbed = 12;
  m.watch.gave_up(1, 100);
  CHECK(m.watch.check().ok);
}
