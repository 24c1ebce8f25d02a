#include "check/outages.h"

#include <catch2/catch.hpp>

using namespace xybus;

TEST_CASE("a halted CPU explains what fails to it and from it, and nothing else") {
  Outages outages;
  CHECK_FALSE(outages.excuse(0, 3, 10));
  outages.halted(3);
  CHECK(outages.is_halted(3));
  CHECK(outages.excuse(0, 3, 10));
  CHECK(outages.excuse(3, 0, 10));
  CHECK_FALSE(outages.excuse(0, 1, 10));
}

TEST_CASE("a CPU that is back explains failures until the other one has readmitted it") {
  Outages outages;
  outages.halted(3);
  outages.restarted(3);
  CHECK_FALSE(outages.is_halted(3));
  CHECK(outages.excuse(0, 3, 500));
  CHECK(outages.readmitted(0, 3, 600));
  CHECK(outages.excuse(0, 3, 600));
  CHECK_FALSE(outages.excuse(0, 3, 601));
  CHECK(outages.excuse(1, 3, 601));  // it has not
  CHECK(outages.excuse(3, 1, 601));
}

TEST_CASE("only so many readmissions count as there were restarts") {
  Outages outages;
  CHECK_FALSE(outages.readmitted(0, 3, 50));
  outages.halted(3);
  outages.restarted(3);
  CHECK(outages.readmitted(0, 3, 600));
  CHECK_FALSE(outages.readmitted(0, 3, 900));
  CHECK_FALSE(outages.excuse(0, 3, 800));
  outages.halted(3);
  outages.restarted(3);
  CHECK(outages.excuse(0, 3, 2000));
  CHECK(outages.readmitted(0, 3, 2100));
  CHECK_FALSE(outages.excuse(0, 3, 2101));
}
