// What was published of the Tandem/16's messages, beside what the profile of it predicts; see
// docs/t16.md.
#include <fmt/format.h>

#include <cmath>

#include "bench/bench.h"
#include "bench/timed_run.h"

namespace xybus {

namespace {

// What a prediction may be off by, in per cent of what was published.
constexpr double most_off = 25;
// The calibration hits its row but for the rounding of the scale.
constexpr double most_off_calibrated = 0.5;

/// The median round trip in ms, with requests and replies of so many bytes.
double round_trip(unsigned to, unsigned bytes) {
  const TimedRun run =
      timed_run("ping", {"--fabric", "rtl", "--profile", "t16", "--set", "limits.time=\"10 s\"",
                         "--set", fmt::format("workload.0.to={}", to), "--set",
                         fmt::format("workload.0.bytes={}", bytes), "--set", "workload.0.count=40"});
  return run.round_trip * run.simulated_seconds / static_cast<double>(run.cycles) * 1e3;
}

BenchRow row(const std::string& name, double value, const char* unit) {
  return {.name = name, .value = value, .unit = unit};
}

void known(BenchRows& rows, const std::string& what, double published, double predicted,
           double most) {
  rows.push_back(row(what + ", published", published, "ms"));
  rows.push_back(row(what + ", predicted", predicted, "ms"));
  const double off = 100 * std::abs(predicted / published - 1);
  rows.push_back(row(what + ", off by", off, "%").at_most(most));
}

}  // namespace

BenchRows bench_t16() {
  constexpr unsigned same_cpu = 0, other_cpu = 1;
  BenchRows rows;
  known(rows, "no data, across CPUs (calibrates)", 2.0, round_trip(other_cpu, 0),
        most_off_calibrated);
  known(rows, "2000 B each way, one CPU", 4.6, round_trip(same_cpu, 2000), most_off);
  known(rows, "2000 B each way, across CPUs", 7.0, round_trip(other_cpu, 2000), most_off);
  rows.push_back(row("no data, one CPU, predicted", round_trip(same_cpu, 0), "ms"));
  return rows;
}

}  // namespace xybus
