// Drawn faults, what repeats a failure, campaigns and shrinking, from end to end.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const char* const fewer =
    "--set workload.0.count=60 --set workload.1.count=20 --set workload.2.count=60 "
    "--set 'chaos.until=2 ms'";

/// Forty faults: 39 that hardware deals with, and behind them a halt that nobody finds out about,
/// as no CPU says that it is alive: the client of the halted CPU's server waits for ever.
std::string forty_faults() {
  std::string text = R"([run]
seed = 11
[system]
name = "forty"
cpus = 4
alive = "0 s"
[limits]
time = "1 s"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 60
[[workload]]
kind = "stream"
from = 2
to = 3
bytes = 600
count = 40
)";
  for (int i = 0; i < 39; ++i) {
    const char* kinds[] = {"packet-corrupt", "packet-drop", "answer-drop"};
    text += fmt::format("[[fault]]\nkind = \"{}\"\nbus = \"{}\"\nat_cycle = {}\n", kinds[i % 3],
                        i % 2 == 0 ? "x" : "y", 1000 + 2000 * i);
    if (i == 20)
      text += "[[fault]]\nkind = \"cpu-halt\"\ncpu = 1\nwhen = \"packet 10 from 1 on x\"\n";
  }
  return scenario_file(text);
}

std::string command_behind(const std::string& text, const std::string& label) {
  const std::size_t at = text.find(label);
  REQUIRE(at != std::string::npos);
  const std::size_t run = text.find(" run ", at);
  return text.substr(run + 1, text.find('\n', run) - run - 1);
}

}  // namespace

TEST_CASE("what a seed drew runs again with the same digest") {
  for (const int seed : {1, 2, 3, 4}) {
    const auto first =
        run_plain(fmt::format("run chaos --seed {} --quiet --out o {}", seed, fewer));
    INFO(first.errors);
    REQUIRE(first.status == 0);
    REQUIRE(fs::exists(first.directory + "/o/drawn.toml"));
    const auto again = run_plain("run o/drawn.toml --quiet --out again", first.directory);
    CHECK(again.status == 0);
    CHECK(file_text(first.directory + "/o/events.jsonl") ==
          file_text(first.directory + "/again/events.jsonl"));
    const auto digest = [&](const std::string& out) {
      return file_json(first.directory + out + "/summary.json")["digest"];
    };
    CHECK(digest("/o") == digest("/again"));
  }
}

TEST_CASE("neither skipping idle time nor bursts change a run with drawn faults") {
  for (const int seed : {1, 5}) {
    const std::string arguments = fmt::format("--seed {} {}", seed, fewer);
    const auto run = run_command("chaos", arguments);
    CHECK(run.summary["faults"].size() > 0);
    for (const char* manner : {" --no-skip", " --no-bursts --no-skip"})
      CHECK(run.events == run_command("chaos", arguments + manner).events);
  }
}

TEST_CASE("workloads that are not complete by the time they have to have hung") {
  const auto run = run_command("ping", "--set 'limits.complete_by=30 us'");
  CHECK(run.status == 3);
  CHECK(run.summary["outcome"] == "hung");
  CHECK(run.summary["cycles"] == 3000);
  CHECK_THAT(run.failed_check("liveness"), Contains("not complete at cycle 3000, last moved at "));
  CHECK_THAT(run.errors, Contains("CPU 0 ping-client"));
  CHECK(run_command("ping", "--set 'limits.complete_by=40 ms'").status == 0);
}

TEST_CASE("a run that failed is repeated by one command, without its options") {
  const auto first =
      run_plain("run ping --seed 7 --set workload.0.count=20 --set 'limits.time=30 us' --out o");
  CHECK(first.status == 3);
  const auto again = run_plain(command_behind(first.errors, "       or: "), first.directory);
  CHECK(again.status == 3);
  CHECK_THAT(again.output, Contains("ping, seed 7, rtl: THE TIME LIMIT CAME FIRST"));
}

TEST_CASE("a campaign of good runs tells so and leaves nothing behind") {
  const auto run = run_plain(fmt::format("campaign chaos --seeds 1..4 {}", fewer));
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.output, Catch::StartsWith("chaos, seeds 1..4: all good\n"));
  CHECK_THAT(run.errors, Contains("4 of 4 runs, 0 not good"));
  CHECK_FALSE(fs::exists(run.directory + "/runs/campaign-chaos"));
}

TEST_CASE("a campaign with failures shows how to repeat each, and keeps what they left") {
  // Some seeds halt the server's CPU; then its client's errors take more time than there is.
  const std::string file = scenario_file(R"([system]
name = "mixed"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 60
[chaos]
kinds = ["cpu-halt", "packet-corrupt"]
cpus = [1]
count = 1
duration = ["10 us", "50 us"]
until = "200 us"
drain = "600 us"
)");
  const auto run = run_plain(fmt::format("campaign '{}' --seeds 1..6", file));
  INFO(run.output);
  CHECK(run.status == 1);
  CHECK_THAT(run.output, Contains("NOT GOOD"));
  CHECK_THAT(run.output, Contains(": hung, liveness: "));
  const auto again = run_plain(command_behind(run.output, "to repeat: "), run.directory);
  CHECK(again.status == 3);
  std::size_t kept = 0;
  for (const auto& entry : fs::directory_iterator(run.directory + "/runs/campaign-mixed"))
    kept += fs::exists(entry.path() / "repro.toml");
  CHECK(kept > 0);
  CHECK(kept < 6);
  CHECK_THAT(run.output, Contains(fmt::format("{} NOT GOOD", kept)));
}

TEST_CASE("a sweep runs every combination of values, and says which were not good") {
  const auto run = run_plain("campaign ping --fabric tlm --set workload.0.count=40 "
                             "--sweep workload.0.bytes=0,32 --sweep limits.time=10us..900us/3");
  INFO(run.output << run.errors);
  CHECK(run.status == 1);
  CHECK_THAT(run.output, Catch::StartsWith("ping, seeds 1..1 with 6 variants: "));
  CHECK_THAT(run.output, Contains("seed 1 with workload.0.bytes=0 limits.time=10000ns: limit"));
  CHECK_THAT(run.output, Contains("seed 1 with workload.0.bytes=32 limits.time=10000ns: limit"));
  CHECK_THAT(run.output, !Contains("limits.time=900000ns"));
  CHECK_THAT(run.errors, Contains("6 of 6 runs"));
  CHECK(fs::exists(run.directory + "/runs/campaign-ping/1-1/repro.toml"));
  CHECK_FALSE(fs::exists(run.directory + "/runs/campaign-ping/1-3"));
}

TEST_CASE("a campaign takes away what its runs wrote, and nothing else") {
  const std::string out = fresh_directory();
  fs::create_directories(out + "/2");
  std::ofstream(out + "/2/letter.txt") << "mine";
  const auto run =
      run_plain(fmt::format("campaign ping --fabric tlm --seeds 1..3 --out '{}'", out));
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK(file_text(out + "/2/letter.txt") == "mine");
  CHECK_FALSE(fs::exists(out + "/1"));
  CHECK_FALSE(fs::exists(out + "/2/summary.json"));
}

TEST_CASE("a run that is refused counts as that, and the others go on") {
  const std::string out = fresh_directory();
  fs::create_directories(out + "/2/summary.json/in-the-way");
  const auto run =
      run_plain(fmt::format("campaign ping --fabric tlm --seeds 1..3 --out '{}'", out));
  INFO(run.output);
  CHECK(run.status == 2);
  CHECK_THAT(run.output, Contains("2 good, 1 REFUSED"));
  CHECK_THAT(run.errors, Contains("summary.json"));
}

TEST_CASE("a campaign of a scenario that no run begins with ends with status 2") {
  const auto run = run_plain("campaign ping --seeds 1..9 --set limits.time=7");
  CHECK(run.status == 2);
  CHECK_THAT(run.errors, Contains("time is an integer"));
}

TEST_CASE("forty faults with one culprit shrink to that one") {
  const auto run = run_plain(fmt::format("shrink '{}' --out o", forty_faults()));
  INFO(run.errors);
  REQUIRE(run.status == 0);
  CHECK_THAT(run.output, Contains("hung, liveness after "));
  CHECK_THAT(run.output, Contains("faults 40 to 1, workloads 2 to 1, CPUs 4 to 2\n"));
  const std::string text = file_text(run.directory + "/o/shrunk.toml");
  CHECK_THAT(text, Contains("kind = \"cpu-halt\"\ncpu = 1\nwhen = \"packet 10 from 1 on x\"\n"));
  CHECK_THAT(text, Contains("seed = 11\n"));
  CHECK_THAT(text, !Contains("packet-"));
  CHECK_THAT(text, !Contains("kind = \"stream\""));
  const auto again = run_plain(command_behind(run.output, "to repeat: "), run.directory);
  CHECK(again.status == 3);
  CHECK_THAT(again.errors, Contains("hung: "));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(run.directory + "/o")) {
    INFO(entry.path());
    ++files;
  }
  CHECK(files == 1);  // its work is gone
}

TEST_CASE("of packets that are dropped by chance, the one that makes a run late is left") {
  const std::string text = R"([system]
cpus = 4
alive = "0 s"
[limits]
time = "100 ms"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 40
)";
  constexpr int settle = 2000;  // cycles that a run goes on after the last message
  const auto sound = run_command(scenario_file(text));
  REQUIRE(sound.status == 0);
  const int complete = sound.summary["cycles"].get<int>() - settle;
  // Any packet that has to be sent again takes more than the 10 cycles there are to spare.
  const std::string file = scenario_file(
      text + "[[fault]]\nkind = \"packet-drop\"\nprobability = 0.1\n");
  const auto run = run_plain(fmt::format(
      "shrink '{}' --set 'limits.complete_by={} cycles' --out o", file, complete + 10));
  INFO(run.errors);
  REQUIRE(run.status == 0);
  CHECK_THAT(run.output, Contains("faults 1 to 1, workloads 1 to 1, CPUs 4 to 2\n"));
  const std::string least = file_text(run.directory + "/o/shrunk.toml");
  CHECK_THAT(least, Contains("at_cycle = "));
  CHECK_THAT(least, !Contains("probability"));
  CHECK_THAT(least, !Contains("chance"));
}

TEST_CASE("a run that is good is not shrunk") {
  const auto run = run_plain("shrink ping --set workload.0.count=5 --out o");
  CHECK(run.status == 1);
  CHECK_THAT(run.errors, Contains("is good: there is nothing to shrink"));
  CHECK_FALSE(fs::exists(run.directory + "/o/shrunk.toml"));
}

// What chaos holds for too short to halt a CPU (host/chaos/draw.h) is held against the machine.
TEST_CASE("what silences a CPU for less than 0.75 I'm-alive intervals does not halt it") {
  const auto halted = [](const std::string& kind, unsigned from, unsigned microseconds) {
    const std::string file = scenario_file(
        "[system]\ncpus = 4\nalive = \"250 us\"\n[limits]\ntime = \"60 ms\"\n"
        "[[workload]]\nkind = \"all-to-all\"\nbytes = 200\ncount = 150\nwindow = 4\n"
        "[[fault]]\nkind = \"" + kind + "\"\ncpu = 2\n" +
        (kind == "cpu-slow" ? "factor = 20\n" : "") + "at = \"" + std::to_string(from) +
        " us\"\nuntil = \"" + std::to_string(from + microseconds) + " us\"\n");
    const CommandRun run = run_command(file, "--fabric tlm --no-wave-on-failure");
    return occurrences(run.events, R"("event":"halted")") > 0;
  };
  for (const std::string kind : {"interrupt-lost", "completion-delayed", "cpu-slow",
                                 "babbling-node", "forged-source", "bus-hog"}) {
    for (unsigned from = 600; from < 850; from += 62) {
      CAPTURE(kind, from);
      CHECK_FALSE(halted(kind, from, 187));
    }
    CAPTURE(kind);
    CHECK(halted(kind, 600, 600));
  }
}
