#include "check/operations.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "report/throughput.h"

using namespace xybus;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr double clock_hz = 1e6;  // a cycle is a microsecond

/// One each 10 cycles up to 500, and from 700 on; each waits 4 cycles, the one at 700 for 206.
ThroughputResult with_a_gap() {
  Operations operations("transactions");
  for (std::uint64_t cycle = 10; cycle < 1000; cycle += 10) {
    if (cycle > 500 && cycle < 700) continue;
    operations.done(cycle == 700 ? 494 : cycle - 4, cycle);
  }
  return operations.result(1000);
}

}  // namespace

TEST_CASE("operations are counted in the period in which they are answered") {
  const ThroughputResult result = with_a_gap();
  CHECK(result.what == "transactions");
  CHECK(result.period_cycles == 50);  // 20 periods fit, 50 of 20 cycles do not
  REQUIRE(result.periods.size() == 20);
  CHECK(result.periods[0].done == 4);  // 10, 20, 30, 40
  CHECK(result.periods[1].done == 5);
  CHECK(result.periods[10].done == 1);  // 500 itself
  CHECK(result.periods[11].done == 0);
  CHECK(result.periods[14].done == 5);
  CHECK(result.periods[14].longest_wait == 206);
  CHECK(result.periods[15].longest_wait == 4);
  CHECK(result.wait.samples == 80);
  CHECK(result.wait.p50 == 4);
  CHECK(result.wait.max == 206);
}

TEST_CASE("a run without operations, and one of no length, have a throughput of nothing") {
  const Operations none("requests");
  CHECK(none.result(100).wait.samples == 0);
  CHECK(none.result(0).periods.empty());
  CHECK(throughput_line(none.result(100), 100, clock_hz) == "0 requests/s");
}

TEST_CASE("periods are so long that there are at most thirty of them") {
  const Operations none("requests");
  using Run = std::pair<std::uint64_t, std::uint64_t>;  // its cycles, those of a period
  for (const auto& [cycles, period] :
       {Run{30, 1}, Run{31, 2}, Run{600, 20}, Run{601, 50}, Run{5'835'000, 200'000}}) {
    CHECK(none.result(cycles).period_cycles == period);
  }
}

TEST_CASE("the line has the rate, and the waits as times") {
  CHECK(throughput_line(with_a_gap(), 1000, clock_hz) ==
        "80 k transactions/s; waits: min 4 us, median 4 us, 99 % 206 us, max 206 us");
}

TEST_CASE("the chart has each period, with what befell the machine in it") {
  const std::string chart = throughput_chart(
      with_a_gap(), {{510, "CPU 2 halts"}, {549, "X down"}, {700, "X up"}, {1001, "late"}}, 1000,
      clock_hz);
  CHECK_THAT(chart,
             StartsWith("        from        /s  transactions                  longest wait\n"));
  CHECK_THAT(chart, Contains("      500 us     20000  ######                                4 us"
                             "  CPU 2 halts\n"));
  CHECK_THAT(chart, Contains(std::string(68, ' ') + "X down\n      550 us         0\n"));
  CHECK_THAT(chart, Contains("      700 us    100000  ##############################      206 us"
                             "  X up\n"));
  CHECK_THAT(chart, Contains("late\n"));
  CHECK(std::count(chart.begin(), chart.end(), '\n') == 22);
}

TEST_CASE("a period of the chart has eight lines of marks at most, and counts the others") {
  std::vector<RunMark> marks;
  for (std::uint64_t i = 0; i < 10; ++i) marks.push_back({i, std::string(1, char('a' + i))});
  const std::string ten = throughput_chart(with_a_gap(), marks, 1000, clock_hz);
  CHECK_THAT(ten, Contains("  a\n") && Contains("  g\n") && Contains("  and 3 more\n"));
  CHECK_THAT(ten, !Contains("  h\n"));
  marks.resize(8);
  CHECK_THAT(throughput_chart(with_a_gap(), marks, 1000, clock_hz), Contains("  h\n"));
}
