#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

#include "Vpath_table_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

/// A path table of four nodes.
struct Paths {
  explicit Paths(const PathLimits& limits = {}) {
    table->limits_i = limits.packed();
    table->good_i = table->missing_i = table->corrupt_i = table->restore_i = 0;
    table->index_i = 0;
    table.reset();
  }
  void show(unsigned good, unsigned missing, unsigned corrupt, unsigned restore = 0) {
    table->good_i = good;
    table->missing_i = missing;
    table->corrupt_i = corrupt;
    table->restore_i = restore;
    table.tick();
    table->good_i = table->missing_i = table->corrupt_i = table->restore_i = 0;
    table.settle();
  }
  unsigned entry(unsigned node) {
    table->index_i = node;
    table.settle();
    return table->entry_o;
  }
  unsigned failures(unsigned node) { return entry(node) & 0xffff; }
  unsigned points(unsigned node) { return entry(node) >> 16; }

  Clocked<Vpath_table_bench> table;
};

}  // namespace

TEST_CASE("path table: points make a path suspect, then down, and restoring it makes it up") {
  Paths paths({.missing = 3, .corrupt = 1, .suspect = 4, .down = 8});
  paths.show(0, 2, 0);
  CHECK(paths.table->suspect_o == 0);
  paths.show(0, 0, 2);
  CHECK(paths.table->suspect_o == 2);
  CHECK(paths.points(1) == 4);
  paths.show(0, 2, 0);
  CHECK(paths.table->down_o == 0);
  paths.show(0, 2, 0);
  CHECK(paths.table->down_o == 2);
  CHECK(paths.table->suspect_o == 0);
  paths.show(0, 0, 0, 2);
  CHECK(paths.table->down_o == 0);
  CHECK(paths.table->suspect_o == 0);
  CHECK(paths.points(1) == 0);
  CHECK(paths.failures(1) == 4);
}

TEST_CASE("path table: an answer takes the points away but does not raise a path that is down") {
  Paths paths({.missing = 8, .suspect = 8, .down = 16});
  paths.show(0, 1, 0);
  paths.show(1, 0, 0);
  CHECK(paths.table->suspect_o == 0);
  CHECK(paths.points(0) == 0);
  paths.show(0, 1, 0);
  paths.show(0, 1, 0);
  paths.show(1, 0, 0);
  CHECK(paths.table->down_o == 1);
  CHECK(paths.points(0) == 0);
}

TEST_CASE("path table: points stop at 255, failures at 65535, and limits of 0 mean 1 point") {
  Paths paths({.missing = 0, .corrupt = 0, .suspect = 1, .down = 255});
  paths.show(0, 1, 2);
  CHECK(paths.points(0) == 1);
  CHECK(paths.points(1) == 1);
  for (unsigned i = 0; i < 253; ++i) paths.show(0, 1, 0);
  CHECK(paths.table->down_o == 0);
  for (unsigned i = 0; i < 66000; ++i) paths.show(0, 1, 0);
  CHECK(paths.table->down_o == 1);
  CHECK(paths.points(0) == 255);
  CHECK(paths.failures(0) == 65535);
  CHECK(paths.entry(7) == 0);
}

TEST_CASE("path table: it is what its contract says, whatever happens") {
  Random random(choose_seed(11));
  const PathLimits limits{.missing = 5, .corrupt = 2, .suspect = 9, .down = 20};
  Paths paths(limits);
  std::array<unsigned, 4> points{}, failures{};
  std::array<bool, 4> down{};
  for (unsigned i = 0; i < 20000; ++i) {
    unsigned shown[3] = {}, restore = 0;
    for (unsigned d = 0; d < 4; ++d) {
      const unsigned what = random.below(6);
      if (what < 3) shown[what] |= 1U << d;
      if (random.once_in(10)) restore |= 1U << d;
      if (what == 1 || what == 2) {
        ++failures[d];
        points[d] = std::min(255U, points[d] + (what == 1 ? limits.missing : limits.corrupt));
        if (points[d] >= limits.down && (restore >> d & 1) == 0) down[d] = true;
      }
      if (what == 0 || (restore >> d & 1) != 0) points[d] = 0;
      if ((restore >> d & 1) != 0) down[d] = false;
    }
    paths.show(shown[0], shown[1], shown[2], restore);
    for (unsigned d = 0; d < 4; ++d) {
      REQUIRE(paths.points(d) == points[d]);
      REQUIRE(paths.failures(d) == std::min(65535U, failures[d]));
      REQUIRE((paths.table->down_o >> d & 1) == down[d]);
      REQUIRE((paths.table->suspect_o >> d & 1) == (!down[d] && points[d] >= limits.suspect));
    }
  }
}

TEST_CASE("path table: its rules break when its lane breaks them") {
  Paths paths;
  SECTION("two results of one destination") {
    CHECK_THAT(broken_rule([&] { paths.show(1, 1, 0); }), Contains("ResultIsOne"));
  }
  SECTION("a node that is not there") {
    CHECK_THAT(broken_rule([&] { paths.show(0x10, 0, 0); }), Contains("ResultsAreOfNodes"));
  }
}
