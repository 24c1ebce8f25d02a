// A run as its caller sees it.
#include "run/run.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include <string>

#include "../model/in_child.h"

using namespace xybus;
using Catch::Contains;

namespace {

RunResult run_small(RunOptions options) {
  options.fabric = FabricKind::tlm;
  EventLog log;
  Progress progress;
  return run(parse_scenario(R"(
[system]
cpus = 3
[limits]
time = "20 ms"
[[workload]]
kind = "all-to-all"
bytes = 64
count = 200
)",
                            "small.toml"),
             options, log, progress);
}

std::string account(const RunResult& result) {
  return fmt::format("{} {} {}", name(result.outcome), result.digest, result.cycles);
}

}  // namespace

TEST_CASE("whoever wants the status gets it while the run goes on, and changes nothing of it") {
  const std::string plain = test::in_child([] { return account(run_small({})); });
  CHECK_THAT(plain, Contains("good "));
  std::string told;
  unsigned asked = 0, times = 0;
  std::uint64_t at = 0;
  RunOptions options;
  options.status_wanted = [&] { return ++asked == 3; };
  options.on_status = [&](const TimedStatus& status, bool by_asking) {
    CHECK(by_asking);
    ++times;
    at = status.cycle;
    told = status.text;
  };
  const RunResult result = run_small(options);
  CHECK(account(result) == plain);
  CHECK(asked > 3);
  CHECK(times == 1);
  CHECK(at > 0);
  CHECK(at < result.cycles);
  CHECK_THAT(told, Contains("all-to-all-client"));
  CHECK(result.status_at.empty());
}
