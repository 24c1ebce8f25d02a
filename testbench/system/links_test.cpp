// The links workload on both fabrics: whole, with faults, and compared.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace {

/// Nine requestors on three CPUs, two of them on the server's own or on CPU 0.
std::string small(const std::string& more = "") {
  return scenario_file(R"(
[system]
cpus = 4
[limits]
time = "60 ms"
[[workload]]
kind = "links"
from = [0, 1, 2]
to = 3
requestors = 3
count = 12
max_bytes = 3000
window = 3
pause = "60 us"
work = "3 us"
depth = 5
cancels = 0.4
[[workload]]
kind = "links"
from = [0, 2, 3]
to = 0
requestors = 1
count = 10
max_bytes = 20000
window = 2
depth = 3
cancels = 0.2
)" + more);
}

/// Every message ended in one of the ways that there are, and every check held.
nlohmann::json good_messages(const std::string& scenario, const std::string& arguments) {
  const CommandRun run = run_command(scenario, arguments);
  INFO(arguments << '\n' << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["outcome"] == "good");
  const auto messages = run.summary["messages"];
  const auto count = [&](const char* name) { return messages[name].get<int>(); };
  CHECK(count("sent") == count("delivered") + count("failed") + count("cancelled"));
  for (const char* name : {"lost", "duplicated", "corrupted"}) CHECK(count(name) == 0);
  return messages;
}

}  // namespace

TEST_CASE("links: on either fabric everything ends as it must, with any seed") {
  const std::string scenario = small();
  for (const char* fabric : fabrics) {
    for (unsigned seed = 1; seed <= 6; ++seed) {
      const auto messages = good_messages(scenario, fmt::format("--fabric {} --seed {}", fabric,
                                                                seed));
      CHECK(messages["sent"] == 3 * 3 * 12 + 3 * 10);
      CHECK(messages["failed"] == 0);
      CHECK(messages["cancelled"] > 20);
      CHECK(messages["delivered"] > 60);
    }
  }
}

TEST_CASE("links: the shipped scenario meets links before listen, after it and in a call") {
  const CommandRun run = run_command("links");
  INFO(run.errors);
  REQUIRE(run.status == 0);
  const auto& messages = run.summary["messages"];
  CHECK(messages["sent"] == 700);
  CHECK(messages["failed"] == 0);
  CHECK(messages["cancelled"] > 100);
  // The server's end of a cancelled link, and replies with an error of the server's own.
  CHECK(occurrences(run.events, "\"event\":\"link_cancelled\"") > 100);
  CHECK(occurrences(run.events, "\"event\":\"link_read\"") >
        occurrences(run.events, "\"event\":\"link_replied\""));
  CHECK(run.events.find("\"error\":\"invalid_state\"") != std::string::npos);
}

TEST_CASE("links: with too few control blocks refused ones are sent again") {
  for (const char* fabric : fabrics) {
    const auto messages = good_messages(
        small(), fmt::format("--fabric {} --set workload.0.requestors=16 --set workload.0.window=16 "
                             "--set workload.0.count=20 --set 'workload.0.pause=\"0 us\"' --set "
                             "workload.0.max_bytes=300", fabric));
    CHECK(messages["sent"] == 3 * 16 * 20 + 3 * 10);
  }
}

TEST_CASE("links: a server's CPU halts, or a requestor's, or a bus is down, and nobody hangs") {
  struct Trouble {
    const char* fault;
    bool fails;
  };
  const Trouble troubles[] = {
      {"kind = \"cpu-halt\"\ncpu = 3\nat = \"300 us\"\n", true},
      {"kind = \"cpu-halt\"\ncpu = 0\nat = \"300 us\"\n", true},
      {"kind = \"cpu-halt\"\ncpu = 2\nat = \"200 us\"\n", true},
      {"kind = \"bus-down\"\nbus = \"x\"\nat = \"100 us\"\nuntil = \"400 us\"\n", false},
      {"kind = \"packet-corrupt\"\nbus = \"y\"\nprobability = 0.05\n", false},
      {"kind = \"answer-drop\"\nbus = \"x\"\nprobability = 0.05\n", false},
  };
  for (const Trouble& trouble : troubles) {
    const std::string scenario = small(std::string("[[fault]]\n") + trouble.fault);
    for (const char* fabric : fabrics) {
      for (unsigned seed = 1; seed <= 3; ++seed) {
        INFO(trouble.fault);
        const auto messages = good_messages(
            scenario, fmt::format("--fabric {} --seed {}", fabric, seed));
        CHECK((messages["failed"] > 0) == trouble.fails);
      }
    }
  }
}

TEST_CASE("links: bursts and skipping change no result") {
  const std::string scenario = small();
  for (const char* fabric : fabrics) {
    const std::string on = fmt::format("--fabric {}", fabric);
    const CommandRun one = run_command(scenario, on);
    const CommandRun two = run_command(scenario, on + " --no-bursts --no-skip");
    CHECK(one.status == 0);
    CHECK(one.summary["digest"] == two.summary["digest"]);
    CHECK(one.events == two.events);
    CHECK(one.summary["digest"] != run_command(scenario, on + " --seed 2").summary["digest"]);
  }
}

TEST_CASE("links: both fabrics agree, and the verdict says what broken links and order leave out") {
  for (const char* more : {"--fabrics rtl tlm", "--fabrics rtl rtl --set-second system.costs=zero"}) {
    const PlainRun run = run_plain(fmt::format("compare '{}' --seed 3 --out '{}' {}", small(),
                                               fresh_directory(), more));
    INFO(run.output << run.errors);
    CHECK(run.status == 0);
    CHECK_THAT(run.output, Contains(" agree\n"));
    CHECK_THAT(run.output, Contains("links that were broken before their end in a run"));
    CHECK_THAT(run.output, Contains("in which order servers that hold several links"));
    CHECK_THAT(run.output, !Contains("compared   0 links"));
  }
}

TEST_CASE("links: one message more, or another size, is a difference between two runs") {
  for (const char* other : {"workload.0.count=13", "workload.1.max_bytes=19999"}) {
    const PlainRun run = run_plain(fmt::format("compare '{}' --out '{}' --fabrics tlm tlm "
                                               "--set-second {}", small(), fresh_directory(),
                                               other));
    CHECK(run.status == 1);
    CHECK_THAT(run.output, Contains(" DIFFER\n"));
  }
}

TEST_CASE("links: a bit that flips in a request is found") {
  const CommandRun run = run_command(small(), "--fabric tlm --sabotage 9 --no-wave-on-failure");
  CHECK(run.status == 1);
  CHECK_THAT(run.failed_check("scoreboard"), Contains("1 of ") && Contains("of requestor "));
}
