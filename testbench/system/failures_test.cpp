// A run that is not good says so, and says why.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

TEST_CASE("a flipped delivered byte ends with exit status 1 and a diagnosis naming everything") {
  const auto run = run_command("ping", "--seed 7 --set workload.0.count=20 --sabotage 5");
  CHECK(run.status == 1);
  CHECK(run.summary["outcome"] == "check-failed");
  CHECK(run.summary["messages"]["corrupted"] == 1);
  const std::string detail = run.failed_check("scoreboard");
  for (const std::string& text : {detail, run.errors}) {
    CHECK_THAT(text, Contains("CPU 0 -> CPU 1, request 4 of workload 0"));
    CHECK_THAT(text, Contains("1 of 32 bytes wrong, from offset 16: expected "));
    CHECK_THAT(text, Contains(", actual "));
    CHECK_THAT(text, Contains("came by bus "));
    CHECK_THAT(text, Contains("sequence "));
  }
  CHECK_THAT(run.errors, Contains("to repeat: "));
  CHECK_THAT(run.errors, Contains("--seed 7 "));
  CHECK_THAT(run.errors, Contains("--sabotage 5"));
}

TEST_CASE("the sabotage of a long message is found as well") {
  const auto run = run_command("stream", "--set workload.0.count=20 --sabotage 3");
  CHECK(run.status == 1);
  const std::string detail = run.failed_check("scoreboard");
  CHECK_THAT(detail, Contains("1 of 4096 bytes wrong, from offset 2048: expected "));
  CHECK_THAT(detail, Contains("(write, data sequence "));
}

TEST_CASE("a sabotage that never strikes ends with exit status 1") {
  const auto run = run_command("ping", "--set workload.0.count=20 --sabotage 21");
  CHECK(run.status == 1);
  CHECK(run.summary["outcome"] == "check-failed");
  CHECK_THAT(run.errors, Contains("request 21, to be sabotaged, was never read"));
  CHECK_THAT(run.errors, Contains("to repeat: "));
}

TEST_CASE("a limit that comes too early ends with exit status 3 and a list of who waits") {
  const auto run = run_command("ping", "--set 'limits.time=30 us'");
  CHECK(run.status == 3);
  CHECK(run.summary["outcome"] == "limit");
  CHECK(run.summary["cycles"] == 3000);
  CHECK_THAT(run.summary["reason"].get<std::string>(), Contains("CPU 0 ping-client"));
  CHECK_THAT(run.errors, Contains("of workload 0: sent at cycle "));
}

TEST_CASE("a machine in which nothing moves any more ends with exit status 3") {
  const auto run = run_command(hanging_scenario());
  INFO(run.errors);
  CHECK(run.status == 3);
  CHECK(run.summary["outcome"] == "hung");
  CHECK(run.summary["cycles"] < 10'000'000);
  CHECK_THAT(run.errors, Contains("nothing has moved since cycle"));
  CHECK_THAT(run.errors, Contains("CPU 0 ping-client"));
  CHECK_THAT(run.errors, Contains("CPU 0 -> CPU 1, request "));
}

TEST_CASE("what aborts, as a failed assertion does, ends with the command to repeat it") {
  const std::string out = fresh_directory();
  const std::string hook = "--plant-failure abort";
  const PlainRun run = run_plain("run '" + shipped("ping") + "' --seed 8 --fabric tlm " + hook +
                                 " --out '" + out + "'");
  CHECK(run.status == 134);
  CHECK_THAT(run.errors, Contains("to repeat: ") &&
                             Contains("--seed 8 --fabric tlm " + hook + "\n") &&
                             Contains("       or: "));
  const PlainRun again =
      run_plain("run '" + out + "/repro.toml' " + hook + " --out '" + fresh_directory() + "'");
  CHECK(again.status == 134);
}

TEST_CASE("a fault that the reference has no say under is named where its verdict would be") {
  const auto run = run_command("bus-x-dies", "--set fault.0.kind=controller-dead "
                                             "--no-wave-on-failure");
  CHECK(run.detail_of("reference") ==
        "not made: the model has no say under controller-dead");
}
