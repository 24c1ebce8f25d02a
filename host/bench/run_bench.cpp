#include "bench/run_bench.h"

#include <fmt/format.h>

#include "bench/timed_run.h"

namespace xybus {

namespace {

using Arguments = std::vector<std::string>;

// The best of three where a ratio is asked for; what only tells its speed runs once.
constexpr unsigned runs_for_a_ratio = 3;

Arguments operator+(Arguments left, const Arguments& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Arguments set(const std::string& value) { return {"--set", value}; }

const Arguments rtl{"--fabric", "rtl"};
const Arguments tlm{"--fabric", "tlm"};
/// Neither skips nor bursts: every cycle goes by way of the kernel.
const Arguments off{"--no-skip", "--no-bursts"};
const Arguments wave{"--wave"};

BenchRow row(const std::string& name, double value, const char* unit) {
  return {.name = name, .value = value, .unit = unit, .machine_dependent = true};
}

BenchRow cycles(const std::string& name, const TimedRun& run) {
  return row(name, run.cycles_per_second(), "cycles/s");
}

BenchRow messages(const std::string& name, const TimedRun& run) {
  return row(name + ", messages", run.messages_per_second(), "msgs/s");
}

/// Both buses more than 96 % busy, with messages of so many bytes.
void saturated(BenchRows& rows, unsigned bytes, unsigned rtl_count, unsigned tlm_count,
               double required) {
  const std::string what = fmt::format("16 CPUs saturated, {} B", bytes);
  const Arguments size = set(fmt::format("workload.0.bytes={}", bytes));
  const auto count = [](unsigned n) { return set(fmt::format("workload.0.count={}", n)); };
  const TimedRun on_rtl =
      timed_run("saturated", rtl + size + count(rtl_count), runs_for_a_ratio);
  const TimedRun on_tlm =
      timed_run("saturated", tlm + size + count(tlm_count), runs_for_a_ratio);
  rows.push_back(row(what + ", bus use on rtl", 100 * on_rtl.bus_use, "%"));
  rows.push_back(row(what + ", bus use on tlm", 100 * on_tlm.bus_use, "%"));
  rows.push_back(cycles(what + ", rtl", on_rtl));
  rows.push_back(messages(what + ", rtl", on_rtl));
  rows.push_back(cycles(what + ", tlm", on_tlm));
  rows.push_back(messages(what + ", tlm", on_tlm));
  const BenchRow ratio = row(what + ", tlm to rtl",
                             on_tlm.cycles_per_second() / on_rtl.cycles_per_second(), "times");
  rows.push_back(required > 0 ? ratio.at_least(required) : ratio);
}

void saturated_off(BenchRows& rows) {
  const std::string what = "16 CPUs saturated, 32768 B, ";
  const auto until = [](const char* time) { return set(fmt::format("limits.time=\"{}\"", time)); };
  rows.push_back(cycles(what + "rtl, no skips, no bursts",
                        timed_run("saturated", rtl + off + until("2 ms"))));
  rows.push_back(cycles(what + "tlm, no skips, no bursts, 10 ms",
                        timed_run("saturated", tlm + off + until("10 ms"))));
  rows.push_back(cycles(what + "rtl, FST, 0.3 ms",
                        timed_run("saturated", rtl + wave + until("300 us"))));
}

void lightly_loaded(BenchRows& rows) {
  const std::string what = "16 CPUs at 1 % load, ";
  const TimedRun skipping = timed_run("light-load", rtl, runs_for_a_ratio);
  const TimedRun plodding = timed_run("light-load", rtl + off);
  const TimedRun on_tlm = timed_run("light-load", tlm);
  rows.push_back(row(what + "bus use", 100 * skipping.bus_use, "%"));
  rows.push_back(cycles(what + "rtl", skipping));
  rows.push_back(messages(what + "rtl", skipping));
  rows.push_back(cycles(what + "rtl, no skips, no bursts", plodding));
  rows.push_back(cycles(what + "tlm", on_tlm));
  rows.push_back(messages(what + "tlm", on_tlm));
  rows.push_back(cycles(what + "tlm, no skips, no bursts", timed_run("light-load", tlm + off)));
  rows.push_back(cycles(what + "rtl, FST, 20 ms",
                        timed_run("light-load", rtl + wave + set("limits.time=\"20 ms\""))));
  rows.push_back(row(what + "rtl, skipping to not",
                     skipping.cycles_per_second() / plodding.cycles_per_second(), "times")
                     .at_least(20));
}

void heartbeats(BenchRows& rows) {
  const std::string what = "4 CPUs with 1 s heartbeats, ";
  const auto until = [](const char* time) { return set(fmt::format("limits.time=\"{}\"", time)); };
  const TimedRun minute = timed_run("heartbeats", rtl + until("60 s"));
  const TimedRun tlm_minute = timed_run("heartbeats", tlm + until("60 s"));
  rows.push_back(cycles(what + "rtl", minute));
  rows.push_back(cycles(what + "tlm", tlm_minute));
  rows.push_back(cycles(what + "rtl, no skips, no bursts, 30 ms",
                        timed_run("heartbeats", rtl + off + until("30 ms"))));
  rows.push_back(cycles(what + "tlm, no skips, no bursts, 30 ms",
                        timed_run("heartbeats", tlm + off + until("30 ms"))));
  rows.push_back(cycles(what + "rtl, FST", timed_run("heartbeats", rtl + wave + until("60 s"))));
  rows.push_back(row(what + "60 s on rtl", minute.wall_seconds, "s").at_most(10));
}

}  // namespace

void bench_runs(BenchRows& rows) {
  saturated(rows, 32768, 5, 200, 50);
  saturated(rows, 256, 200, 2000, 0);
  saturated_off(rows);
  lightly_loaded(rows);
  heartbeats(rows);
}

}  // namespace xybus
