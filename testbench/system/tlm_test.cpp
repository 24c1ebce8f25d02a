// The tlm fabric runs what the RTL runs, with the same results and about the same cycles.
#include <catch2/catch.hpp>
#include <cmath>

#include "command_run.h"

using namespace xybus::test;

namespace {

const char* const scenarios[] = {"ping",      "stream",   "one-bus",  "all-to-all",
                                 "bus-x-dies", "noisy-bus", "cpu-dies", "rogue-node",
                                 "links"};

/// By how much of itself the second differs from the first.
double difference(const nlohmann::json& first, const nlohmann::json& second) {
  return std::abs(first.get<double>() - second.get<double>()) / first.get<double>();
}

}  // namespace

TEST_CASE("every shipped scenario is good on the tlm fabric, and says which fabric it was") {
  for (const char* scenario : scenarios) {
    INFO(scenario);
    const auto run = run_command(scenario, "--fabric tlm");
    INFO(run.errors);
    CHECK(run.status == 0);
    CHECK(run.summary["fabric"] == "tlm");
    CHECK(run.summary["outcome"] == "good");
  }
}

TEST_CASE("bursts and skipping change no result on the tlm fabric") {
  for (const char* scenario : scenarios) {
    INFO(scenario);
    const auto one = run_command(scenario, "--fabric tlm");
    for (const char* options : {"", "--no-bursts", "--no-skip", "--no-bursts --no-skip"}) {
      INFO(options);
      const auto two = run_command(scenario, std::string("--fabric tlm ") + options);
      CHECK(one.summary["digest"] == two.summary["digest"]);
      CHECK(one.events == two.events);
    }
  }
}

TEST_CASE("the tlm fabric takes the RTL's cycles within a tenth") {
  for (const char* scenario : {"ping", "stream", "all-to-all"}) {
    INFO(scenario);
    const auto rtl = run_command(scenario).summary;
    const auto tlm = run_command(scenario, "--fabric tlm").summary;
    CHECK(difference(rtl["cycles"], tlm["cycles"]) < 0.1);
    for (const char* bus : {"x", "y"}) {
      CHECK(difference(rtl["bus"][bus]["busy_cycles"], tlm["bus"][bus]["busy_cycles"]) < 0.1);
    }
    for (const char* figure : {"p50", "p99"}) {
      CHECK(difference(rtl["latency_cycles"][figure], tlm["latency_cycles"][figure]) < 0.1);
    }
    CHECK(rtl["messages"] == tlm["messages"]);
  }
}
