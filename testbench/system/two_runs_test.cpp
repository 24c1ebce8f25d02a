// Two runs of one scenario: the same again, on another fabric or with other times, or with a
// waveform after a failure.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace fs = std::filesystem;

namespace {

/// A hardware that is as right, and has other times.
PlainRun compare_times(const std::string& scenario, const std::string& more = "") {
  return run_plain(fmt::format("compare '{}' --out '{}' --fabrics rtl rtl {}", shipped(scenario),
                               fresh_directory(), more));
}

}  // namespace

TEST_CASE("a run with --check-determinism has the same digest twice, whatever its hooks") {
  for (const char* scenario : {"ping", "noisy-bus"}) {
    const std::string out = fresh_directory();
    const PlainRun run = run_plain(fmt::format("run '{}' --check-determinism --out '{}'",
                                             shipped(scenario), out));
    INFO(run.errors);
    CHECK(run.status == 0);
    CHECK_THAT(run.output, Contains("a second run has the same digest"));
    CHECK_FALSE(fs::exists(out + "/second-run"));
  }
}

TEST_CASE("a planted nondeterminism is found, at the event where it is") {
  const std::string out = fresh_directory();
  const std::string run = fmt::format("run '{}' --check-determinism --quiet --out '{}' ",
                                      shipped("ping"), out);
  const PlainRun found = run_plain(run + "--plant-nondeterminism 2500");
  CHECK(found.status == 1);
  CHECK_THAT(found.errors, Contains("not deterministic: digest "));
  CHECK_THAT(found.errors, Contains("first run: event ") && Contains(", cycle ") &&
                               Contains(", CPU ") && Contains(", process "));
  // Of the fields only the disturbed one is marked: its tag.
  std::size_t marked = 0;
  for (std::size_t at = 0; (at = found.errors.find("  *\n", at)) != std::string::npos; ++at) {
    ++marked;
    const std::size_t line = found.errors.rfind('\n', at) + 1;
    CHECK(found.errors.compare(line, 5, "  tag") == 0);
  }
  CHECK(marked == 1);
  // The same difference, and the 2500th kernel event, is found between the directories.
  const PlainRun diff = run_plain(fmt::format("diff '{0}' '{0}/second-run'", out));
  CHECK(diff.status == 1);
  const std::string events = file_text(out + "/events.jsonl");
  std::size_t kernel_events = 0;
  std::size_t number = 0;
  std::size_t of_2500th = 0;
  for (std::size_t at = 0; at < events.size(); at = events.find('\n', at) + 1) {
    const std::string line = events.substr(at, events.find('\n', at) - at);
    if (line.find("\"at\":\"log\"") != std::string::npos) continue;
    ++number;
    if (line.find("\"at\":\"cpu") == std::string::npos) continue;
    if (++kernel_events == 2500) of_2500th = number;
  }
  REQUIRE(of_2500th > 0);
  // The log has the events of one cycle by source; they were counted as they came.
  const auto prefix = std::string("the first ");
  const std::size_t at = diff.output.find(prefix);
  REQUIRE(at != std::string::npos);
  const auto same = std::stoull(diff.output.substr(at + prefix.size()));
  CHECK(same + 1 >= of_2500th - 10);
  CHECK(same + 1 <= of_2500th + 10);
}

TEST_CASE("compare: processes observe the same on hardware with other times") {
  for (const char* scenario : {"ping", "stream", "all-to-all", "bus-x-dies", "noisy-bus"}) {
    for (const char* times : {"--set-second system.costs=zero",
                              "--set-second 'system.clock=50 MHz' --seed 3"}) {
      INFO(scenario << ' ' << times);
      const PlainRun run = compare_times(scenario, times);
      INFO(run.output << run.errors);
      CHECK(run.status == 0);
      CHECK_THAT(run.output, Contains("rtl 1 and rtl 2 agree"));
      CHECK_THAT(run.output, !Contains("left out   1"));
    }
  }
}

TEST_CASE("compare: where a CPU dies what failed by timing is left out, counted and told") {
  const PlainRun run = compare_times("cpu-dies", "--set-second 'system.clock=50 MHz'");
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.output, Contains("links that failed in a run"));
  CHECK_THAT(run.output, Contains("who thinks whom to be down"));
  // The ping that does not notice is compared whole.
  CHECK_THAT(run.output, !Contains("compared   0 links"));
}

TEST_CASE("compare: where CPUs talk for a time, messages of one run alone are left out") {
  const std::string scenario = scenario_file(R"(
[system]
cpus = 3
[[workload]]
kind = "membership"
rounds = 0
until = "5 ms"
pause = "20 us"
)");
  const std::string command = fmt::format("compare '{}' --fabrics rtl tlm --out '{}'", scenario,
                                          fresh_directory());
  const PlainRun slower = run_plain(command + " --set-second system.costs=zero");
  INFO(slower.output << slower.errors);
  CHECK(slower.status == 0);
  CHECK_THAT(slower.output, Contains("links made in one run only"));
  CHECK_THAT(slower.output, !Contains("compared   0 links"));
  const PlainRun other = run_plain(command + " --set-second workload.0.bytes=40");
  CHECK(other.status == 1);
}

TEST_CASE("compare: under a load that refuses requests what can be compared agrees") {
  const PlainRun run = compare_times("all-to-all",
                                   "--set workload.0.pattern=hotspot --set workload.0.window=64 "
                                   "--set workload.0.count=60 --set-second system.costs=zero");
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.output, Contains("at or behind a refusal"));
}

TEST_CASE("compare: another request in the second run is the first difference, shown in both") {
  const PlainRun run = compare_times("ping", "--set-second workload.0.bytes=40");
  CHECK(run.status == 1);
  CHECK_THAT(run.output, Contains("DIFFER"));
  CHECK_THAT(run.output, Contains("first difference: what happened to the link CPU 0 process 3 -> "
                                  "CPU 1 process 3, tag 0"));
  CHECK_THAT(run.output, Contains("rtl 1: event ") && Contains("rtl 2: event "));
  const PlainRun fewer = compare_times("ping", "--quiet --set-second workload.0.count=499");
  CHECK(fewer.status == 1);
  CHECK_THAT(fewer.output, Contains("sent") && Contains("DIFFERS"));
  CHECK_THAT(fewer.output, Contains("rtl 2: nothing"));
}

TEST_CASE("compare: a bad scenario and a fabric that is none end with status 2") {
  const PlainRun none = compare_times("ping", "--set-second workload.0.bites=40");
  CHECK(none.status == 2);
  CHECK_THAT(none.errors, Contains("workload.0.bites"));
  const PlainRun lan = run_plain(fmt::format("compare '{}' --fabrics rtl lan --out '{}'",
                                           shipped("ping"), fresh_directory()));
  CHECK(lan.status == 2);
}

TEST_CASE("compare: runs that agree in failing end with the status of a failure") {
  const PlainRun run = compare_times("ping", "--set 'limits.time=30 us'");
  CHECK(run.status == 3);
  CHECK_THAT(run.output, Contains("rtl 1 and rtl 2 agree"));
  CHECK_THAT(run.errors, Contains("they agree, but not both runs are good"));
}

TEST_CASE("a failed run leaves a trace whose window holds the failure, and its own outputs") {
  const std::string out = fresh_directory();
  const PlainRun run = run_plain(fmt::format("run '{}' --quiet --sabotage 100 --out '{}'",
                                           shipped("ping"), out));
  CHECK(run.status == 1);
  const auto summary = file_json(out + "/summary.json");
  const std::uint64_t failure = summary["failure_cycle"];
  CHECK(run.errors.find(fmt::format("cycle {}: CPU 0 -> CPU 1", failure)) != std::string::npos);
  CHECK_THAT(run.errors, Contains(fmt::format("waveform of cycles {} to {}, around cycle {}\n",
                                              failure - 20'000, failure + 2000, failure)));
  CHECK_THAT(run.errors, Contains(fmt::format("to look: gtkwave {}/trace.gtkw\n", out)));
  CHECK(fs::file_size(out + "/trace.fst") > 1000);
  CHECK(summary["cycles"] == 583'470);  // of the whole run
  CHECK(fs::exists(out + "/events.jsonl"));
  // 10 ns a cycle, in ps.
  const std::string view = file_text(out + "/trace.gtkw");
  CHECK_THAT(view, Contains("[markername] Afailure\n"));
  CHECK_THAT(view, Contains(fmt::format(" {} ", failure * 10'000)));
  CHECK_THAT(view, Contains(fmt::format("[timestart] {}\n", (failure - 600) * 10'000)));
}

TEST_CASE("the trace of a run that hangs is around its last movement") {
  const std::string out = fresh_directory();
  const PlainRun run = run_plain(fmt::format("run '{}' --quiet --wave-on-failure=1000 --out '{}'",
                                           hanging_scenario(), out));
  CHECK(run.status == 3);
  const auto summary = file_json(out + "/summary.json");
  const std::uint64_t last = summary["failure_cycle"];
  CHECK_THAT(run.errors, Contains(fmt::format("nothing has moved since cycle {}:", last)));
  CHECK_THAT(run.errors, Contains(fmt::format("waveform of cycles {} to {}, around cycle {}\n",
                                              last - 1000, last + 2000, last)));
  CHECK(fs::exists(out + "/trace.fst"));
}
