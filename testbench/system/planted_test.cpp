// Every check that a run makes can fail it: each is made to, in a run that is good otherwise.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace {

CommandRun planted(const std::string& fabric, const std::string& what) {
  return run_command(scenario_file(R"(
[system]
cpus = 3
alive = "250 us"
[limits]
time = "20 ms"
[[workload]]
kind = "updates"
bytes = 64
count = 10
[[workload]]
kind = "membership"
rounds = 1
off = ["1 ms", "1 ms"]
stable = "1 ms"
)"), fmt::format("--fabric {} --no-wave-on-failure {}{}", fabric,
                 what.empty() ? "" : "--plant-failure ", what));
}

std::vector<std::string> failed_checks(const CommandRun& run) {
  std::vector<std::string> failed;
  for (const auto& check : run.summary["checks"]) {
    if (!check["ok"]) failed.push_back(check["name"]);
  }
  return failed;
}

/// That check alone fails, with a detail that says so, and the run fails by it.
void fails(const std::string& what, const std::string& detail, const std::string& check) {
  for (const char* fabric : fabrics) {
    const CommandRun run = planted(fabric, what);
    INFO(fabric << ", " << what << '\n' << run.errors);
    CHECK(run.status == 1);
    CHECK(run.summary["outcome"] == "check-failed");
    CHECK(failed_checks(run) == std::vector{check});
    CHECK_THAT(run.failed_check(check), Contains(detail));
    CHECK_THAT(run.errors, Contains(detail) && Contains("--plant-failure " + what));
  }
}
void fails(const std::string& what, const std::string& detail) { fails(what, detail, what); }

}  // namespace

TEST_CASE("the run that failures are planted in is good without one") {
  for (const char* fabric : fabrics) {
    const CommandRun run = planted(fabric, "");
    INFO(run.errors);
    CHECK(run.status == 0);
    CHECK(run.summary["cycles"] > 5000);
  }
}

TEST_CASE("an offence of a sound node fails the protocol's check of its bus") {
  fails("protocol.x", "bus x, cycle 5000: the guardian caught CPU 0 (too_long), which is sound");
  fails("protocol.y", "bus y, cycle 5000: the guardian caught CPU 0 (too_long), which is sound");
}

TEST_CASE("a message that nobody sent but ended fails the check of workloads") {
  fails("workload", "workload 0 (updates), client on CPU 0: expected 10 updates to end, actual 11");
}

TEST_CASE("a CPU that leaves the view without a cause fails the check of views") {
  fails("views", "cycle 5000: CPU 1 has left the view (number 2, 0x5), and nothing was done to it");
}

TEST_CASE("an update out of order fails the check of replicas") {
  fails("replicas", "cycle 5000: CPU 0 applies update 1000 after ");
}

TEST_CASE("a change that processes are not told of fails the check of membership") {
  fails("membership", "a process on CPU 0 was told of ");
}

TEST_CASE("a process that cannot be stopped fails the check for leaks") {
  fails("leaks", "CPU 0 still holds a process that does not stop");
}

TEST_CASE("a machine that fails while leaks are looked for fails that check") {
  fails("wind-up", "winding up the machine failed: ", "leaks");
}

TEST_CASE("a machine that fails by itself fails the run, which is not complete then") {
  for (const char* fabric : fabrics) {
    const CommandRun run = planted(fabric, "machine");
    INFO(fabric << '\n' << run.errors);
    CHECK(run.status == 1);
    CHECK(run.summary["outcome"] == "check-failed");
    CHECK(failed_checks(run) == std::vector<std::string>{"liveness", "workload", "machine"});
    CHECK(run.failed_check("machine") == "planted");
    CHECK(run.summary["failure_cycle"] == 4999);
  }
}

TEST_CASE("what clients were never told fails their workload's check, and so does a lost write") {
  const std::string scenario = scenario_file(R"(
[system]
cpus = 3
[limits]
time = "200 ms"
[[disk]]
name = "$A"
cpus = [0, 1]
blocks = 100
read = "1 us"
write = "1 us"
[[workload]]
kind = "debit-credit"
terminals = 2
accounts = 10
count = 3
[[workload]]
kind = "key-value"
count = 3
[[workload]]
kind = "file-copy"
copiers = 1
bytes = 1000
count = 1
)");
  const std::vector<std::pair<std::string, std::string>> rows{
      {"books", "transaction 1 of terminal 4294967295 (1 for account 0 of partition 0 by teller 0) "
                "was acknowledged, and is not in the history"},
      {"history", "no order of the operations explains the read, which found 18446744073709551615 "
                  "(client 0, cycle 5000 to 5000); before it, "},
      {"files", "copier 0: $NONE.PLANTED has 1 bytes, expected 0"},
      {"disks", "$A, drive 0, file PLANTED: is not there"}};
  for (const char* fabric : fabrics) {
    const std::string arguments = fmt::format("--no-wave-on-failure --fabric {}", fabric);
    const CommandRun good = run_command(scenario, arguments);
    INFO(good.errors);
    REQUIRE(good.status == 0);
    for (const auto& [row, detail] : rows) {
      CHECK_FALSE(good.detail_of(row) == "no such check");
      const CommandRun run = run_command(scenario, arguments + " --plant-failure " + row);
      INFO(row << " on " << fabric << '\n' << run.errors);
      CHECK(run.status == 1);
      CHECK(failed_checks(run) == std::vector{row});
      CHECK_THAT(run.failed_check(row), Contains(detail));
    }
  }
}

TEST_CASE("a failure of no known name is bad usage") {
  CHECK(run_plain(fmt::format("run '{}' --plant-failure ping", shipped("ping"))).status == 2);
}
