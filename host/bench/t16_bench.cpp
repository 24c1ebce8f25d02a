// What was published of the Tandem/16's messages, beside what the profile of it predicts; see
// docs/t16.md.
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "bench/timed_run.h"

namespace xybus {

namespace {

// What a prediction may be off by, in per cent of what was published.
constexpr double most_off = 25;
// The calibration hits its row but for the rounding of the scale.
constexpr double most_off_calibrated = 0.5;

// The profile's scale would be this if the 2 ms were of a message on one CPU; nobody says.
constexpr double other_scale = 9.26;

constexpr unsigned same_cpu = 0, other_cpu = 1;

/// The median round trip in ms, with requests and replies of so many bytes.
double round_trip(unsigned to, unsigned bytes, std::optional<double> scale = {}) {
  std::vector<std::string> arguments{"--fabric", "rtl", "--profile", "t16"};
  const auto set = [&](const std::string& value) {
    arguments.insert(arguments.end(), {"--set", value});
  };
  set("limits.time=\"10 s\"");
  set(fmt::format("workload.0.to={}", to));
  set(fmt::format("workload.0.bytes={}", bytes));
  set("workload.0.count=40");
  if (scale) set(fmt::format("system.cost_scale={}", *scale));
  const TimedRun run = timed_run("ping", arguments);
  return run.round_trip * run.simulated_seconds / static_cast<double>(run.cycles) * 1e3;
}

BenchRow row(const std::string& name, double value, const char* unit) {
  return {.name = name, .value = value, .unit = unit};
}

/// `most`: what it may be off by.
void known(BenchRows& rows, const std::string& what, double published, double predicted,
           double most) {
  rows.push_back(row(what + ", published", published, "ms"));
  rows.push_back(row(what + ", predicted", predicted, "ms"));
  const double off = 100 * std::abs(predicted / published - 1);
  rows.push_back(row(what + ", off by", off, "%").at_most(most));
}

}  // namespace

BenchRows bench_t16() {
  BenchRows rows;
  known(rows, "no data, across CPUs (calibrates)", 2.0, round_trip(other_cpu, 0),
        most_off_calibrated);
  known(rows, "2000 B each way, one CPU", 4.6, round_trip(same_cpu, 2000), most_off);
  known(rows, "2000 B each way, across CPUs", 7.0, round_trip(other_cpu, 2000), most_off);
  rows.push_back(row("no data, one CPU, predicted", round_trip(same_cpu, 0), "ms"));
  const std::string other = "calibrated on one CPU instead: ";
  const auto without_bound = [&](const std::string& what, unsigned to, unsigned bytes) {
    rows.push_back(row(other + what, round_trip(to, bytes, other_scale), "ms"));
  };
  without_bound("no data, one CPU", same_cpu, 0);
  without_bound("2000 B each way, one CPU", same_cpu, 2000);
  without_bound("2000 B each way, across CPUs", other_cpu, 2000);
  return rows;
}

}  // namespace xybus
