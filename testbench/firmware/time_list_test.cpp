#include "firmware/dispatcher/time_list.h"

#include <catch2/catch.hpp>
#include <string>

using xybus::TimeList;
using xybus::TimerId;

namespace {

/// A time list whose actions write letters.
struct Letters {
  TimeList list;
  std::string written;

  TimerId put(std::uint64_t now, std::uint64_t cycles, char letter) {
    return list.insert(now, cycles, [this, letter] { written += letter; });
  }
  void pass(std::uint64_t now) {
    while (const auto action = list.take_due(now)) (*action)();
  }
};

}  // namespace

TEST_CASE("timers go off in order of time, whatever the order of insertion") {
  Letters t;
  t.put(0, 30, 'c');
  t.put(0, 10, 'a');
  t.put(5, 15, 'b');
  t.put(5, 95, 'd');
  CHECK(t.list.next() == 10);
  t.pass(9);
  CHECK(t.written.empty());
  t.pass(10);
  CHECK(t.written == "a");
  CHECK(t.list.next() == 20);
  t.pass(1000);
  CHECK(t.written == "abcd");
  CHECK(t.list.next() == xybus::hal::never);
}

TEST_CASE("timers due in the same cycle go off in the order in which they were set") {
  Letters t;
  t.put(0, 100, 'a');
  t.put(50, 50, 'b');
  t.put(99, 1, 'c');
  t.pass(100);
  CHECK(t.written == "abc");
}

TEST_CASE("a timer that is called off leaves the others where they were") {
  Letters t;
  const TimerId first = t.put(0, 10, 'a');
  t.put(0, 20, 'b');
  const TimerId middle = t.put(0, 30, 'c');
  t.put(0, 40, 'd');
  t.list.cancel(middle);
  t.list.cancel(first);
  CHECK(t.list.next() == 20);
  t.pass(39);
  CHECK(t.written == "b");
  t.pass(40);
  CHECK(t.written == "bd");
}

TEST_CASE("calling off a timer that went off does not hit the one that took its place") {
  Letters t;
  const TimerId old = t.put(0, 10, 'a');
  t.pass(10);
  t.put(10, 10, 'b');
  t.list.cancel(old);
  t.list.cancel({});
  t.pass(20);
  CHECK(t.written == "ab");
}

TEST_CASE("a timer for never, or beyond the end of time, does not exist") {
  Letters t;
  CHECK_FALSE(t.put(0, xybus::hal::never, 'a'));
  CHECK_FALSE(t.put(100, xybus::hal::never - 50, 'b'));
  CHECK(t.list.next() == xybus::hal::never);
}

TEST_CASE("a timer for now goes off one cycle later") {
  Letters t;
  t.put(7, 0, 'a');
  CHECK(t.list.next() == 8);
}
