// The operator's view of a run: at a time, at the end; and what is left behind.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

TEST_CASE("a status on the way changes nothing of the run") {
  for (const char* fabric : fabrics) {
    const CommandRun plain = run_command("links", fmt::format("--fabric {}", fabric));
    const CommandRun asked = run_command(
        "links", fmt::format("--fabric {} --status-at 1 --status-at 5123 --status-at 50us "
                             "--status-at 300us", fabric));
    CHECK(asked.status == 0);
    CHECK(plain.events == asked.events);
    CHECK(plain.summary["cycles"] == asked.summary["cycles"]);
    CHECK(plain.summary["status"] == asked.summary["status"]);
    CHECK(plain.summary.count("status_at") == 0);
    const auto& at = asked.summary["status_at"];
    REQUIRE(at.size() == 4);
    CHECK(at[1]["cycle"] == 5000);  // in the order in which they came
    CHECK(at[2]["cycle"] == 5123);
    CHECK(at[3]["cycle"] == 30'000);
    bool outstanding = false;
    for (const auto& cpu : at[3]["status"]) {
      CHECK(cpu["events"]["made"] > 0);
      for (const auto& link : cpu["kernel"]["links"]) {
        outstanding = outstanding || link["requestor_state"] == "outstanding";
      }
    }
    CHECK(outstanding);
  }
}

TEST_CASE("the status of a time is printed, and one that never comes is missed") {
  const PlainRun run = run_plain(fmt::format(
      "run '{}' --fabric tlm --status-at 100us --status-at 100s", shipped("ping")));
  CHECK(run.status == 0);
  CHECK_THAT(run.output, Contains("status at cycle 10000 (100 us)\nCPU  kernel "));
  CHECK_THAT(run.output, Contains("ping-server"));
  CHECK(run.errors == "xybus: no status at cycle 10000000000: the run ended before\n");
}

TEST_CASE("a time shortly behind the end of a run is missed, and not met in the look for leaks") {
  const std::string words = fmt::format("run '{}' --fabric tlm --out '{}'", shipped("ping"),
                                        fresh_directory());
  const auto cycles =
      run_command("ping", "--fabric tlm").summary["cycles"].get<std::uint64_t>();
  const PlainRun run = run_plain(fmt::format("{} --status-at {}", words, cycles + 100));
  CHECK(run.status == 0);
  CHECK_THAT(run.output, !Contains("status at cycle"));
  CHECK(run.errors ==
        fmt::format("xybus: no status at cycle {}: the run ended before\n", cycles + 100));
}

TEST_CASE("a status at something that is no time is bad usage") {
  const PlainRun run =
      run_plain(fmt::format("run '{}' --status-at noon", shipped("ping")));
  CHECK(run.status == 2);
  CHECK(run.errors == "xybus: --status-at noon is neither a time (10us) nor a cycle (1000)\n");
}

TEST_CASE("a run that hangs tells who waits for whom") {
  const auto run = run_command(hanging_scenario(), "--fabric tlm");
  CHECK(run.status == 3);
  CHECK_THAT(run.errors,
             Contains("\nwaits: CPU 0 pin 3 (ping-client) -> CPU 1, which is halted\n"));
  REQUIRE(run.summary["waiting"]["chains"].size() == 1);
  CHECK(run.summary["waiting"]["deadlocks"].empty());
  CHECK(run.summary["waiting"]["chains"][0]["path"] ==
        nlohmann::json({"CPU 0 pin 3 (ping-client)", "CPU 1"}));
  CHECK(run.summary["status"][1]["kernel"]["runs"] == false);
  // Only of a run that is good otherwise.
  for (const auto& check : run.summary["checks"]) CHECK(check["name"] != "leaks");
}

TEST_CASE("a good run ends with a look for leaks, which writes nothing into its trace or log") {
  const std::string directory = fresh_directory();
  const PlainRun run = run_plain(
      fmt::format("run '{}' --set workload.0.count=30 --wave --out '{}'", shipped("ping"),
                  directory));
  CHECK(run.status == 0);
  CHECK_THAT(run.output,
             Contains("leaks: with all processes stopped no kernel holds anything\n"));
  const auto summary = file_json(directory + "/summary.json");
  const std::string events = file_text(directory + "/events.jsonl");
  const auto stop = events.find("process_stopped");  // the client's end, and no other
  CHECK(stop != std::string::npos);
  CHECK(events.find("process_stopped", stop + 1) == std::string::npos);
  CHECK(summary["status"][0]["kernel"]["processes"].size() == 4);
  CHECK(summary["status"][0]["kernel"]["processes"][0]["state"] == "waiting");
}
