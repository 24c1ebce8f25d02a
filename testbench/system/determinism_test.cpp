// A run is (scenario, seed, fabric, build) and nothing else.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;

namespace {

// Short versions: what they touch is the same.
struct Short {
  const char* scenario;
  const char* arguments;
};
const Short shorts[] = {
    {"ping", "--set workload.0.count=50"},
    {"stream", "--set workload.0.count=10"},
    {"one-bus", "--set workload.0.count=10"},
    {"all-to-all", "--set workload.0.count=5"},
    {"bus-x-dies", "--set workload.0.count=20 --set 'fault.0.at=20 us'"},
    {"noisy-bus", "--set workload.0.count=10"},
    {"cpu-dies", ""},
    {"cpu-restarts", ""},
    {"rogue-node", ""},
};

CommandRun run_short(const Short& run, const std::string& more = "") {
  CommandRun result = run_command(run.scenario, run.arguments + (" " + more));
  INFO(result.errors);
  REQUIRE(result.status == 0);
  return result;
}

}  // namespace

TEST_CASE("a second run, with a waveform, has the same digest and the same events") {
  for (const Short& each : shorts) {
    INFO(each.scenario);
    const auto one = run_short(each);
    const auto two = run_short(each, "--wave");
    CHECK(one.summary["digest"] == two.summary["digest"]);
    CHECK(one.summary["cycles"] == two.summary["cycles"]);
    CHECK(one.events == two.events);
  }
}

TEST_CASE("another seed gives another digest") {
  for (const Short& each : shorts) {
    INFO(each.scenario);
    CHECK(run_short(each).summary["digest"] != run_short(each, "--seed 2").summary["digest"]);
  }
}

TEST_CASE("skipping idle time changes no result") {
  for (const Short& each : shorts) {
    INFO(each.scenario);
    const auto skipped = run_short(each);
    const auto evaluated = run_short(each, "--no-skip");
    CHECK(skipped.summary["digest"] == evaluated.summary["digest"]);
    CHECK(skipped.events == evaluated.events);
  }
}

TEST_CASE("evaluating in bursts changes no result") {
  for (const Short& each : shorts) {
    INFO(each.scenario);
    const auto bursts = run_short(each);
    const auto single = run_short(each, "--no-bursts --no-skip");
    CHECK(bursts.summary["digest"] == single.summary["digest"]);
    CHECK(bursts.events == single.events);
  }
}
