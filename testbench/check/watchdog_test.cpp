#include "check/watchdog.h"

#include <catch2/catch.hpp>

using namespace xybus;

TEST_CASE("the watchdog fires when work rests longer than its patience") {
  Watchdog watchdog(1000);
  watchdog.moved(500);
  CHECK_FALSE(watchdog.stalled(1499, 1));
  CHECK(watchdog.stalled(1500, 1));
  CHECK(watchdog.last_moved() == 500);
}

TEST_CASE("the watchdog is quiet when there is nothing to do") {
  CHECK_FALSE(Watchdog(1000).stalled(1'000'000, 0));
}

TEST_CASE("progress calms the watchdog, also when it is reported late") {
  Watchdog watchdog(1000);
  watchdog.moved(5000);
  watchdog.moved(4000);
  CHECK(watchdog.last_moved() == 5000);
  CHECK_FALSE(watchdog.stalled(5999, 3));
}
