#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "bench/bench.h"
#include "child/run_self.h"
#include "cli/command.h"
#include "cli/second_run.h"
#include "run/run.h"

namespace fs = std::filesystem;

namespace xybus {
namespace {

/// What the stand-in for run() below was called with, and what it answers.
struct Call {
  Scenario scenario;
  RunOptions options;
};
std::optional<Call> called;
Outcome outcome = Outcome::good;
std::string exception;
bool traced = true;
std::function<void(const RunOptions&)> meanwhile;
std::optional<std::uint64_t> failure_cycle;

/// What further runs were started with, and what each of them leaves.
std::vector<Words> started;
std::string second_digest = "same as the first";

// What the stand-ins for the benchmarks measure.
double fairness = 0.995;

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options, EventLog& log, Progress&) {
  static constexpr EventKind noted{"noted", {"seed"}};
  called = {scenario, options};
  if (!exception.empty()) throw std::runtime_error(exception);
  if (meanwhile) meanwhile(options);
  if (options.trace && traced) std::ofstream(options.out_dir + "/trace.gtkw") << "view\n";
  log.record(EventLog::cpu(0), 1, noted, {options.seed});
  RunResult result;
  result.scenario = scenario.name;
  result.seed = options.seed;
  result.digest = log.digest();
  result.outcome = outcome;
  result.cycles = 100;
  result.failure_cycle = failure_cycle;
  result.clock_hz = scenario.system.clock_hz;
  result.status.resize(2);
  result.status[1].halted = false;
  result.status[1].enabled = true;
  result.checks = {{"scoreboard", outcome != Outcome::check_failed, "one detail"}};
  return result;
}

std::vector<int> run_self(const std::vector<Words>& runs, bool) {
  for (const Words& words : runs) {
    started.push_back(words);
    const fs::path out = *(std::find(words.begin(), words.end(), "--out") + 1);
    if (std::find(words.begin(), words.end(), "--trace-only") != words.end()) {
      std::ofstream(out / "trace.gtkw") << "view\n";
      continue;
    }
    // As if it had run: a digest, and one event.
    fs::create_directories(out);
    const auto first = nlohmann::json::parse(std::ifstream(out / "../summary.json"));
    const bool same = second_digest == "same as the first";
    const nlohmann::json summary{{"digest", same ? first["digest"].get<std::string>()
                                                 : second_digest}};
    std::ofstream(out / "summary.json") << summary;
    std::ofstream(out / "events.jsonl")
        << "{\"cycle\":2,\"at\":\"cpu0\",\"event\":\"noted\",\"seed\":1}\n";
  }
  return std::vector<int>(runs.size(), 0);
}

BenchRows bench_bus() {
  return {{.name = "fairness",
           .value = fairness,
           .unit = "",
           .limit = 1,
           .requires_what = BenchRow::Requires::at_least,
           .required = 0.99},
          {.name = "latency",
           .value = 22,
           .unit = "cycles",
           .limit = 11,
           .requires_what = BenchRow::Requires::at_most,
           .required = 32}};
}

BenchRows bench_message(const std::string& profile) {
  return {{.name = "32 B" + profile, .value = 80, .unit = "cycles"}};
}

BenchRows bench_bank() { return {{.name = "transactions", .value = 2378, .unit = "1/s"}}; }
BenchRows bench_t16() { return {{.name = "2000 B", .value = 7.5, .unit = "ms"}}; }

BenchRows bench_sim() {
  return {{.name = "idle", .value = 1e6, .unit = "cycles/s", .machine_dependent = true}};
}

namespace {

/// A directory to work in, with one scenario; standard output and error go to files beside it.
struct Bench {
  Bench() {
    std::string pattern = (fs::temp_directory_path() / "xybus-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()));
    home = pattern;
    fs::create_directory(home / "work");
    fs::current_path(home / "work");
    setenv("XYBUS_ROOT", XYBUS_PROJECT, 1);
    setenv("XYBUS_COMMAND", "./xybus", 1);
    std::ofstream("small.toml") << "[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\nbytes = 8\n"
                                   "count = 5\n";
  }
  ~Bench() {
    fs::current_path("/");
    fs::remove_all(home);
  }

  int start(std::vector<const char*> words) {
    words.insert(words.begin(), "xybus");
    std::fflush(nullptr);
    const int saved_out = dup(1);
    const int saved_err = dup(2);
    REQUIRE(std::freopen(out_to.empty() ? (home / "out").c_str() : out_to.c_str(), "w", stdout));
    REQUIRE(std::freopen((home / "err").c_str(), "w", stderr));
    const int status = command(int(words.size()), words.data());
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    std::clearerr(stdout);
    std::cout.clear();
    dup2(saved_out, 1);
    dup2(saved_err, 2);
    close(saved_out);
    close(saved_err);
    if (out_to.empty()) out = read("../out");
    err = read("../err");
    return status;
  }

  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Names of what lies in the working directory.
  static std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(".")) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path home;
  std::string out_to;  ///< where standard output goes instead, when not empty
  std::string out, err;
};

const std::vector<std::string> untouched{"small.toml"};

}  // namespace

TEST_CASE("a run writes its outputs to a directory named after scenario and seed") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml", "--seed", "42"}) == 0);
  CHECK(bench.err.empty());
  CHECK_THAT(bench.out, Catch::StartsWith("small, seed 42, rtl: good\n"));
  CHECK_THAT(bench.out, Catch::Contains("outputs    runs/small-42\n"));
  const auto json = nlohmann::json::parse(bench.read("runs/small-42/summary.json"));
  CHECK(json["seed"] == 42);
  CHECK(json["command"] == "./xybus run small.toml --seed 42");
  CHECK(bench.read("runs/small-42/events.jsonl") ==
        "{\"cycle\":1,\"at\":\"cpu0\",\"event\":\"noted\",\"seed\":42}\n");
  CHECK(called->options.out_dir == "runs/small-42");
  CHECK_FALSE(called->options.trace);
  CHECK(called->options.skip);
}

TEST_CASE("the reference judges runs on the RTL, and others when it is asked for") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml"}) == 0);
  CHECK(called->options.reference);
  REQUIRE(bench.start({"run", "small.toml", "--no-reference"}) == 0);
  CHECK_FALSE(called->options.reference);
  REQUIRE(bench.start({"run", "small.toml", "--fabric", "tlm"}) == 0);
  CHECK_FALSE(called->options.reference);
  REQUIRE(bench.start({"run", "small.toml", "--fabric", "tlm", "--reference", "--out", "t"}) == 0);
  CHECK(called->options.reference);
  CHECK_THAT(nlohmann::json::parse(Bench::read("t/summary.json"))["command"].get<std::string>(),
             Catch::Contains(" --reference"));
}

TEST_CASE("the options of a run reach the run") {
  Bench bench;
  REQUIRE(bench.start({"run", "--wave=10us:2000", "small.toml", "--out", "deep/er dir", "--set",
                       "system.cpus=9", "--set", "limits.time=1 ms", "--no-skip", "--fabric",
                       "rtl"}) == 0);
  CHECK(called->scenario.system.cpus == 9);
  CHECK(called->scenario.limit_cycles == 100'000);
  CHECK(called->options.seed == 1);
  CHECK(called->options.trace);
  CHECK(called->options.trace_from == 1000);
  CHECK(called->options.trace_to == 2000);
  CHECK_FALSE(called->options.skip);
  CHECK(called->options.out_dir == "deep/er dir");
  CHECK(nlohmann::json::parse(Bench::read("deep/er dir/summary.json"))["command"] ==
        "./xybus run small.toml --seed 1 --fabric rtl --wave=10us:2000 --no-skip "
        "--set system.cpus=9 --set 'limits.time=1 ms'");
  CHECK(fs::exists("deep/er dir/summary.json"));
  CHECK_THAT(bench.out, Catch::Contains("gtkwave deep/er dir/trace.gtkw\n"));
}

TEST_CASE("a run that ends before the window of its trace says so and names no trace") {
  Bench bench;
  traced = false;
  const int status = bench.start({"run", "small.toml", "--wave=1s:2s"});
  traced = true;
  CHECK(status == 0);
  CHECK(bench.err == "xybus: no trace: the run ended before the window 1s:2s\n");
  CHECK_THAT(bench.out, !Catch::Contains("gtkwave"));
}

TEST_CASE("a bare --wave does not take the scenario for its window") {
  Bench bench;
  REQUIRE(bench.start({"run", "--wave", "small.toml"}) == 0);
  CHECK(called->options.trace);
  CHECK(called->options.trace_from == 0);
  CHECK(called->options.trace_to == ~std::uint64_t{0});
  CHECK(nlohmann::json::parse(Bench::read("runs/small-1/summary.json"))["command"] ==
        "./xybus run small.toml --seed 1 --wave");
}

TEST_CASE("a quiet run that is good prints nothing") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml", "--quiet"}) == 0);
  CHECK(bench.out.empty());
  CHECK(bench.err.empty());
  CHECK(fs::exists("runs/small-1/summary.json"));
}

TEST_CASE("a failed check ends with status 1 and the command to repeat it even when quiet") {
  Bench bench;
  outcome = Outcome::check_failed;
  CHECK(bench.start({"run", "small.toml", "--quiet", "--seed", "3"}) == 1);
  CHECK(bench.err == "check failed: scoreboard: one detail\nat cycle 100 (1 us)\n"
                     "to repeat: ./xybus run small.toml --seed 3\n"
                     "       or: ./xybus run runs/small-3/repro.toml\n"
                     "repeated with a waveform of cycles 0 to 101\n"
                     "to look: gtkwave runs/small-3/trace.gtkw\n");
  CHECK(nlohmann::json::parse(bench.read("runs/small-3/summary.json"))["outcome"] ==
        "check-failed");
}

TEST_CASE("a run that hangs or reaches its limit ends with status 3") {
  Bench bench;
  outcome = GENERATE(Outcome::hung, Outcome::limit);
  CHECK(bench.start({"run", "small.toml"}) == 3);
  CHECK_THAT(bench.err, Catch::Contains("to repeat: "));
}

TEST_CASE("an exception out of a run ends with status 1 and the command to repeat it") {
  Bench bench;
  exception = "CPU 2: something impossible";
  CHECK(bench.start({"run", "small.toml"}) == 1);
  CHECK(bench.err ==
        "xybus: CPU 2: something impossible\nto repeat: ./xybus run small.toml --seed 1\n"
                     "       or: ./xybus run runs/small-1/repro.toml\n");
}

TEST_CASE("the fabric asked for is the one that runs, and is in the command to repeat it") {
  Bench bench;
  outcome = Outcome::check_failed;
  CHECK(bench.start({"run", "small.toml", "--quiet", "--fabric", "tlm"}) == 1);
  CHECK(called->options.fabric == FabricKind::tlm);
  CHECK_THAT(bench.err, Catch::Contains("to repeat: ./xybus run small.toml --seed 1 "
                                        "--fabric tlm\n"));
  CHECK(bench.start({"run", "small.toml", "--quiet"}) == 1);
  CHECK(called->options.fabric == FabricKind::rtl);
}

TEST_CASE("a bad scenario ends with status 2 and one line and writes nothing") {
  Bench bench;
  CHECK(bench.start({"run", "small.toml", "--set", "system.cpus=99"}) == 2);
  CHECK(bench.err == "--set system.cpus=99: cpus = 99 is out of range; expected 2 to 16\n");
  CHECK(bench.out.empty());
  CHECK(bench.start({"run", "none.toml"}) == 2);
  CHECK(bench.err == "none.toml:1: cannot read it: No such file or directory; expected a scenario "
                     "file, such as scenarios/ping.toml\n");
  CHECK_FALSE(called.has_value());
  CHECK(bench.files() == untouched);
}

TEST_CASE("bad usage ends with status 2 and writes nothing") {
  Bench bench;
  CHECK(bench.start({}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("run a scenario"));
  CHECK(bench.start({"run"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("SCENARIO is required"));
  CHECK(bench.start({"run", "small.toml", "--sed", "3"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("--sed"));
  CHECK(bench.start({"run", "small.toml", "--seed", "three"}) == 2);
  CHECK(bench.start({"run", "small.toml", "--fabric", "lan"}) == 2);
  CHECK(bench.start({"jump"}) == 2);
  for (const char* window :
       {"--wave=5", "--wave=9:3", "--wave=3:3", "--wave=a:b", "--wave=1 MHz:"}) {
    CHECK(bench.start({"run", "small.toml", window}) == 2);
    CHECK_THAT(bench.err, Catch::Contains("expected FROM:TO"));
  }
  CHECK_FALSE(called.has_value());
  CHECK(bench.files() == untouched);
}

TEST_CASE("a number that is none or does not fit ends with status 2 and writes nothing") {
  Bench bench;
  for (const char* option : {"--seed", "--sabotage"}) {
    for (const char* number : {"-1", "18446744073709551616", "99999999999999999999999", "1.5",
                               "0x10", "+3", " 3", ""}) {
      INFO(option << "=" << number);
      CHECK(bench.start({"run", "small.toml", (std::string(option) + "=" + number).c_str()}) == 2);
      CHECK(bench.start({"run", "small.toml", option, number}) == 2);
      CHECK(!bench.err.empty());
    }
  }
  CHECK(bench.start({"run", "small.toml", "--seed=-1"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("-1 is no number from 0 to 18446744073709551615"));
  CHECK_FALSE(called.has_value());
  CHECK(bench.files() == untouched);
  CHECK(bench.start({"run", "small.toml", "--seed", "18446744073709551615"}) == 0);
  CHECK(called->options.seed == 18446744073709551615U);
  CHECK(bench.start({"run", "small.toml", "--seed", "010", "--sabotage", "2"}) == 0);
  CHECK(called->options.seed == 10);
  CHECK(called->options.sabotage == 2U);
}

TEST_CASE("standard output that cannot be written ends with status 1") {
  Bench bench;
  bench.out_to = "/dev/full";
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"run", "small.toml"}, {"list"}, {"--help"}}) {
    CHECK(bench.start(words) == 1);
    CHECK_THAT(bench.err, Catch::Contains("xybus: ") && Catch::EndsWith("\n"));
  }
  CHECK(bench.start({"run", "small.toml", "--quiet"}) == 0);
}

TEST_CASE("a waveform of a fabric without wires is refused with status 2") {
  Bench bench;
  CHECK(bench.start({"run", "small.toml", "--fabric", "tlm", "--wave"}) == 2);
  CHECK(bench.err == "xybus: --wave needs --fabric rtl: the tlm fabric moves whole packets and has "
                     "no wires\n");
  CHECK(bench.files() == untouched);
}

TEST_CASE("a failed run is repeated with a waveform up to its failure, its hooks and all") {
  Bench bench;
  outcome = Outcome::check_failed;
  failure_cycle = 70;
  REQUIRE(bench.start({"run", "small.toml", "--wave-on-failure=50", "--sabotage", "4", "--no-skip",
                       "--set", "limits.time=1 ms", "--out", "o"}) == 1);
  REQUIRE(started.size() == 1);
  CHECK(started[0] == Words{"run", "small.toml", "--seed", "1", "--no-skip", "--sabotage", "4",
                            "--set", "limits.time=1 ms", "--trace-only", "--out", "o",
                            "--wave=20:101", "--failure-at", "70"});
  CHECK_THAT(bench.err, Catch::EndsWith("repeated with a waveform of cycles 20 to 101, around "
                                        "cycle 70\nto look: gtkwave o/trace.gtkw\n"));
}

TEST_CASE("no waveform is made of a good run, of one that has one, or when it is switched off") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml"}) == 0);
  outcome = Outcome::check_failed;
  for (const char* option : {"--wave", "--wave=1:2", "--wave-on-failure=0",
                             "--no-wave-on-failure"}) {
    INFO(option);
    CHECK(bench.start({"run", "small.toml", option}) == 1);
  }
  CHECK(started.empty());
  CHECK(bench.start({"run", "small.toml", "--wave-on-failure=-1"}) == 2);
  CHECK(bench.start({"run", "small.toml", "--wave-on-failure=few"}) == 2);
}

TEST_CASE("the waveform of a failure ends soon behind it, that of a standstill goes on") {
  RunResult result;
  result.cycles = 1'000'000;
  result.outcome = Outcome::check_failed;
  result.failure_cycle = 300'000;
  CHECK(failure_window(result, 20'000).from == 280'000);
  CHECK(failure_window(result, 20'000).to == 302'000);
  result.outcome = Outcome::hung;
  CHECK(failure_window(result, 20'000).from == 280'000);
  CHECK(failure_window(result, 20'000).to == 310'000);
  result.failure_cycle = 5000;
  CHECK(failure_window(result, 20'000).from == 0);
  result.failure_cycle = 999'999;
  CHECK(failure_window(result, 20'000).to == 1'000'001);
  // It is only known that it had failed in the end.
  result.failure_cycle = {};
  result.outcome = Outcome::check_failed;
  CHECK(failure_window(result, 20'000).from == 980'000);
}

TEST_CASE("a repetition for a waveform leaves that and nothing else") {
  Bench bench;
  fs::create_directory("o");
  std::ofstream("o/summary.json") << "of the first run";
  outcome = Outcome::check_failed;
  CHECK(bench.start({"run", "small.toml", "--trace-only", "--wave=5:50", "--out", "o"}) == 0);
  CHECK(called->options.trace);
  CHECK(called->options.end_at == 50);
  CHECK(Bench::read("o/summary.json") == "of the first run");
  CHECK_FALSE(fs::exists("o/events.jsonl"));
  CHECK(bench.out.empty());
  CHECK(bench.err.empty());
  CHECK(started.empty());
}

TEST_CASE("a run that comes out the same a second time says so and leaves one run's outputs") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml", "--check-determinism", "--seed", "5"}) == 0);
  REQUIRE(started.size() == 1);
  CHECK(started[0] == Words{"run", "small.toml", "--seed", "5", "--quiet", "--no-wave-on-failure",
                            "--out", "runs/small-5/second-run"});
  CHECK_THAT(bench.out, Catch::EndsWith("same       a second run has the same digest\n"));
  CHECK_FALSE(fs::exists("runs/small-5/second-run"));
  REQUIRE(bench.start({"run", "small.toml", "--check-determinism", "--quiet"}) == 0);
  CHECK(bench.out.empty());
}

TEST_CASE("a run that comes out otherwise ends with status 1 and shows the first difference") {
  Bench bench;
  second_digest = "00000000000000ff";
  CHECK(bench.start({"run", "small.toml", "--check-determinism", "--quiet"}) == 1);
  CHECK_THAT(bench.err, Catch::StartsWith("not deterministic: digest "));
  CHECK_THAT(bench.err, Catch::Contains("the first 0 events are the same"));
  CHECK_THAT(bench.err, Catch::Contains("first run: event 1, cycle 1, CPU 0, noted\n"
                                        "second run: event 1, cycle 2, CPU 0, noted\n"));
  CHECK(fs::exists("runs/small-1/second-run/events.jsonl"));
}

TEST_CASE("what the usage of compare and diff does not allow ends with status 2") {
  Bench bench;
  CHECK(bench.start({"compare"}) == 2);
  CHECK(bench.start({"compare", "none.toml"}) == 2);
  CHECK(bench.start({"compare", "small.toml", "--fabrics", "rtl"}) == 2);
  CHECK(bench.start({"compare", "small.toml", "--seed", "-1"}) == 2);
  CHECK(bench.start({"diff", "a"}) == 2);
  CHECK(bench.start({"diff", "a", "b"}) == 2);
  CHECK(bench.err == "xybus: cannot read a: No such file or directory\n");
  CHECK(started.empty());
  CHECK(bench.files() == untouched);
}

TEST_CASE("diff names the first event that differs") {
  Bench bench;
  for (const char* seed : {"1", "2"}) {
    REQUIRE(bench.start({"run", "small.toml", "--quiet", "--seed", seed}) == 0);
  }
  CHECK(bench.start({"diff", "runs/small-1", "runs/small-1/events.jsonl"}) == 0);
  CHECK(bench.out == "the same events\n");
  CHECK(bench.start({"diff", "runs/small-1", "runs/small-2"}) == 1);
  CHECK_THAT(bench.out, Catch::Contains("runs/small-2: event 1, cycle 1, CPU 0, noted\n"));
}

TEST_CASE("a benchmark prints each figure beside its limit and what is asked for") {
  Bench bench;
  REQUIRE(bench.start({"bench", "bus"}) == 0);
  CHECK(bench.out ==
        "bus            value  unit          limit    ratio   required\n"
        "fairness       0.995                    1    0.995    >= 0.99  ok\n"
        "latency           22  cycles           11    2.000      <= 32  ok\n");
  CHECK(bench.files() == untouched);
}

TEST_CASE("without a name all benchmarks run, and the file has every figure") {
  Bench bench;
  REQUIRE(bench.start({"bench", "--json", "figures.json"}) == 0);
  CHECK_THAT(bench.out, Catch::Contains("\nlatency ") && Catch::Contains("this machine\n"));
  const auto json = nlohmann::json::parse(bench.read("figures.json"));
  CHECK(json == nlohmann::json::parse(R"({"ok": true, "benchmarks": [
    {"name": "bus", "ok": true, "rows": [
      {"name": "fairness", "value": 0.995, "unit": "", "limit": 1.0, "ratio": 0.995,
       "at_least": 0.99, "ok": true},
      {"name": "latency", "value": 22.0, "unit": "cycles", "limit": 11.0, "ratio": 2.0,
       "at_most": 32.0, "ok": true}]},
    {"name": "message", "ok": true, "rows": [
      {"name": "32 B", "value": 80.0, "unit": "cycles", "limit": null, "ratio": null,
       "ok": true}]},
    {"name": "bank", "ok": true, "rows": [
      {"name": "transactions", "value": 2378.0, "unit": "1/s", "limit": null, "ratio": null,
       "ok": true}]},
    {"name": "sim", "ok": true, "rows": [
      {"name": "idle", "value": 1e6, "unit": "cycles/s", "limit": null, "ratio": null, "ok": true,
       "machine_dependent": true}]},
    {"name": "t16", "ok": true, "rows": [
      {"name": "2000 B", "value": 7.5, "unit": "ms", "limit": null, "ratio": null,
       "ok": true}]}]})"));
}

TEST_CASE("a benchmark of messages is made on the machine of a profile, others refuse one") {
  Bench bench;
  REQUIRE(bench.start({"bench", "message", "--profile", "t16"}) == 0);
  CHECK_THAT(bench.out, Catch::Contains("\n32 Bt16 "));
  CHECK(bench.start({"bench", "message", "--profile", "t17"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("t17") && Catch::Contains("t16"));
  CHECK(bench.start({"bench", "bus", "--profile", "old"}) == 2);
  CHECK(bench.err == "xybus: bench bus takes no --profile; expected bench message\n");
  CHECK(bench.start({"bench", "--profile", "old"}) == 2);
  CHECK(bench.out.empty());
}

TEST_CASE("a profile stands in front of all other overrides") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml", "--set", "system.clock=4 MHz", "--profile", "t16",
                       "--set", "system.cpus=3", "--quiet", "--no-wave-on-failure"}) == 0);
  const SystemSpec& system = called->scenario.system;
  CHECK(system.clock_hz == 4e6);
  CHECK(system.cpus == 3);
  CHECK(system.alive_interval_cycles == 4'000'000);
  CHECK(bench.start({"run", "small.toml", "--profile", "t17"}) == 2);
  CHECK_THAT(bench.err, Catch::StartsWith("--set system.profile=t17: there is no profile"));
}

TEST_CASE("a figure that misses what is asked for ends with status 1") {
  Bench bench;
  fairness = 0.5;
  CHECK(bench.start({"bench", "bus", "--json", "figures.json"}) == 1);
  fairness = 0.995;
  CHECK_THAT(bench.out, Catch::Contains(">= 0.99  MISSED\n"));
  CHECK(nlohmann::json::parse(bench.read("figures.json"))["ok"] == false);
}

TEST_CASE("a benchmark that is none, or a file that cannot be written, ends with status 2") {
  Bench bench;
  CHECK(bench.start({"bench", "bench"}) == 2);
  CHECK(bench.start({"bench", "bus", "--json", "/nowhere/at all"}) == 2);
  CHECK(bench.err == "xybus: cannot write /nowhere/at all\n");
  CHECK(bench.out.empty());
}

TEST_CASE("the status of the nodes is printed when asked for") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml"}) == 0);
  CHECK_THAT(bench.out, !Catch::Contains("engine"));
  REQUIRE(bench.start({"run", "small.toml", "--status"}) == 0);
  CHECK_THAT(bench.out, Catch::Contains("\nengine        halted      on\n"));
  REQUIRE(bench.start({"run", "small.toml", "--status", "--quiet"}) == 0);
  CHECK(bench.out.empty());
}

TEST_CASE("while a run goes on the signal USR1 asks for the status, once, even of a quiet one") {
  Bench bench;
  bool before = true, after = false, again = true;
  meanwhile = [&](const RunOptions& options) {
    before = options.status_wanted();
    std::raise(SIGUSR1);
    after = options.status_wanted();
    again = options.status_wanted();
    options.on_status({.cycle = 50, .text = "as it is", .json = ""}, true);
  };
  REQUIRE(bench.start({"run", "small.toml", "--quiet"}) == 0);
  meanwhile = {};
  CHECK_FALSE(before);
  CHECK(after);
  CHECK_FALSE(again);
  CHECK(bench.err == "status at cycle 50 (500 ns)\nas it is\n");
  CHECK(bench.out.empty());
}

TEST_CASE("an output directory that cannot be made ends with status 2") {
  Bench bench;
  CHECK(bench.start({"run", "small.toml", "--out", "small.toml"}) == 2);
  CHECK_THAT(bench.err, Catch::StartsWith("xybus: cannot make the directory small.toml: "));
  CHECK(bench.start({"run", "small.toml", "--out", "small.toml/x"}) == 2);
  CHECK(bench.files() == untouched);
}

TEST_CASE("an output that cannot be written in its directory ends with status 2 before the run") {
  for (const std::string file : {"summary.json", "events.jsonl", "trace.fst", "trace.gtkw"}) {
    Bench bench;
    called.reset();
    fs::create_directories("o/" + file + "/in the way");
    CHECK(bench.start({"run", "small.toml", "--out", "o"}) == 2);
    CHECK_THAT(bench.err, Catch::StartsWith("xybus: cannot write o/" + file + ": "));
    CHECK_FALSE(called.has_value());
  }
  Bench bench;
  CHECK(bench.start({"run", "small.toml", "--out", "/proc"}) == 2);  // where nobody can write
  CHECK_THAT(bench.err, Catch::StartsWith("xybus: cannot write /proc/summary.json: "));
}

TEST_CASE("what an earlier run left in the output directory is gone after the next") {
  Bench bench;
  REQUIRE(bench.start({"run", "small.toml", "--out", "o"}) == 0);
  std::ofstream("o/trace.fst") << "old";
  std::ofstream("o/mine") << "kept";
  REQUIRE(bench.start({"run", "small.toml", "--out", "o"}) == 0);
  CHECK_FALSE(fs::exists("o/trace.fst"));
  CHECK(fs::exists("o/mine"));
}

TEST_CASE("a run that failed leaves a scenario that repeats it, and says how") {
  Bench bench;
  std::ofstream("small.toml", std::ios::app)
      << "[[fault]]\nkind = \"packet-drop\"\nprobability = 0.5\n";
  outcome = Outcome::check_failed;
  const int status =
      bench.start({"run", "small.toml", "--seed", "9", "--set", "system.cpus=3", "--no-skip"});
  outcome = Outcome::good;
  CHECK(status == 1);
  CHECK_THAT(bench.err,
             Catch::Contains("to repeat: ./xybus run small.toml --seed 9 --no-skip --set "
                             "system.cpus=3\n"
                             "       or: ./xybus run runs/small-9/repro.toml --no-skip\n"));
  const Scenario ran = called->scenario;
  REQUIRE(bench.start({"run", "runs/small-9/repro.toml"}) == 0);
  CHECK(called->options.seed == 9);
  CHECK(called->scenario.name == "small");
  CHECK(called->scenario.system.cpus == 3);
  CHECK(called->scenario.faults.size() == 1);
  CHECK(called->scenario.limit_cycles == ran.limit_cycles);
  CHECK_THAT(bench.out, Catch::Contains("outputs    runs/small-9\n"));
  CHECK(fs::exists("runs/small-9/repro.toml"));  // it went into its own directory
  REQUIRE(bench.start({"run", "runs/small-9/repro.toml", "--seed", "10"}) == 0);
  CHECK(called->options.seed == 10);
  REQUIRE(bench.start({"run", "small.toml", "--seed", "9"}) == 0);
  CHECK_FALSE(fs::exists("runs/small-9/repro.toml"));
}

TEST_CASE("a run that breaks off leaves a scenario that repeats it") {
  Bench bench;
  exception = "it broke";
  const int status = bench.start({"run", "small.toml", "--out", "o"});
  exception.clear();
  CHECK(status == 1);
  CHECK(bench.err == "xybus: it broke\nto repeat: ./xybus run small.toml --seed 1\n"
                     "       or: ./xybus run o/repro.toml\n");
  CHECK(load_scenario("o/repro.toml").seed == 1u);
}

TEST_CASE("what a seed drew is left as a scenario that runs the same") {
  Bench bench;
  std::ofstream("small.toml", std::ios::app)
      << "[chaos]\ncount = 8\nuntil = \"50 ms\"\ntolerance = \"any\"\n";
  REQUIRE(bench.start({"run", "small.toml", "--seed", "5"}) == 0);
  const Scenario ran = called->scenario;
  CHECK(ran.faults.size() >= 2);
  CHECK_FALSE(ran.chaos.has_value());
  CHECK_FALSE(fs::exists("runs/small-5/repro.toml"));
  REQUIRE(bench.start({"run", "runs/small-5/drawn.toml"}) == 0);
  CHECK(called->options.seed == 5);
  REQUIRE(called->scenario.faults.size() == ran.faults.size());
  for (std::size_t i = 0; i < ran.faults.size(); ++i) {
    FaultSpec again = called->scenario.faults[i];
    again.at = ran.faults[i].at;
    CHECK((again == ran.faults[i]));
  }
  CHECK(called->scenario.complete_by == ran.complete_by);
}

TEST_CASE("a campaign's or a shrink's bad usage ends with status 2 before any run") {
  Bench bench;
  for (const char* seeds : {"5..1", "1-5", "a", "", "1.."}) {
    CHECK(bench.start({"campaign", "small.toml", "--seeds", seeds}) == 2);
    CHECK_THAT(bench.err, Catch::Contains("expected FIRST..LAST, such as 1..50"));
  }
  CHECK(bench.start({"campaign", "none.toml"}) == 2);
  CHECK_THAT(bench.err, Catch::StartsWith("none.toml:1: cannot read it"));
  CHECK(bench.start({"campaign", "small.toml", "--fabric", "wood"}) == 2);
  CHECK(bench.start({"campaign", "small.toml", "--jobs", "-1"}) == 2);
  CHECK(bench.start({"campaign", "small.toml", "--sweep", "system.cpus=4..2"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("the last comes before the first"));
  CHECK(bench.start({"campaign", "small.toml", "--sweep", "system.cpus=1,2"}) == 2);
  CHECK_THAT(bench.err, Catch::Contains("--set system.cpus=1"));
  CHECK(bench.start({"shrink", "none.toml"}) == 2);
  CHECK(bench.files() == untouched);
}

TEST_CASE("help goes to standard output and ends with status 0") {
  Bench bench;
  CHECK(bench.start({"--help"}) == 0);
  for (const char* word : {"run", "list", "compare", "diff", "bench", "test", "Exit status"})
    CHECK_THAT(bench.out, Catch::Contains(word));
  CHECK(bench.start({"run", "--help"}) == 0);
  for (const char* word : {"SCENARIO", "--seed", "--fabric", "--wave", "--out", "--set",
                           "--wave-on-failure", "--no-wave-on-failure", "--check-determinism",
                           "--no-skip", "--status", "--quiet", "limits.time"})
    CHECK_THAT(bench.out, Catch::Contains(word));
}

TEST_CASE("list names every shipped scenario and workload and fault with a description") {
  Bench bench;
  REQUIRE(bench.start({"list"}) == 0);
  std::size_t listed = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(XYBUS_PROJECT) / "scenarios")) {
    if (entry.path().extension() != ".toml") continue;
    const std::string word = entry.path().stem();
    const std::size_t at = bench.out.find("  " + word + " ");
    REQUIRE(at != std::string::npos);
    const std::string line = bench.out.substr(at, bench.out.find('\n', at) - at);
    CHECK(line.size() > 30);
    CHECK(line.size() <= 100);
    ++listed;
  }
  CHECK(listed >= 6);
  for (const char* word : {"ping", "stream", "all-to-all", "packet-corrupt", "packet-drop",
                           "answer-drop", "bus-down", "cpu-halt", "babbling-node", "forged-source",
                           "bus-hog", "cpu-restart", "links"})
    CHECK_THAT(bench.out, Catch::Contains(std::string("  ") + word + " "));
  REQUIRE(bench.start({"list", "faults"}) == 0);
  CHECK_THAT(bench.out, !Catch::Contains("stream"));
  CHECK_THAT(bench.out, Catch::Contains("bus-down"));
  CHECK(bench.start({"list", "planets"}) == 2);
}

TEST_CASE("a shipped scenario is found by its name and by its path from anywhere") {
  Bench bench;
  REQUIRE(bench.start({"run", "ping", "--quiet"}) == 0);
  CHECK(called->scenario.path == XYBUS_PROJECT "/scenarios/ping.toml");
  called.reset();
  REQUIRE(bench.start({"run", "scenarios/ping.toml", "--quiet"}) == 0);
  CHECK(called->scenario.path == XYBUS_PROJECT "/scenarios/ping.toml");
}

TEST_CASE("a mistyped name of a scenario gets all names and the nearest one") {
  Bench bench;
  CHECK(bench.start({"run", "pign"}) == 2);
  CHECK_THAT(bench.err, Catch::StartsWith("pign: there is no such scenario, perhaps \"ping\"; "
                                          "expected a file, all-to-all, "));
  CHECK_THAT(bench.err, Catch::EndsWith(" or updates\n"));
  CHECK(bench.start({"run", "zebra"}) == 2);
  CHECK_THAT(bench.err, Catch::StartsWith("zebra: there is no such scenario; expected a file, "));
  CHECK(bench.files() == untouched);
}

TEST_CASE("every shipped scenario is without mistakes") {
  for (const auto& entry : fs::directory_iterator(fs::path(XYBUS_PROJECT) / "scenarios"))
    if (entry.path().extension() == ".toml") CHECK_NOTHROW(load_scenario(entry.path()));
}

TEST_CASE("a window of a waveform is read in times and in cycles") {
  const auto window = [](const char* text) { return parse_window(text, 100e6); };
  CHECK(window("10us:20us")->from == 1000);
  CHECK(window("10us:20us")->to == 2000);
  CHECK(window("5:1 ms")->from == 5);
  CHECK(window("5:1 ms")->to == 100'000);
  CHECK(window(":7")->from == 0);
  CHECK(window("7:")->to == ~std::uint64_t{0});
  CHECK_FALSE(window("").has_value());
  CHECK_FALSE(window("7").has_value());
  CHECK_FALSE(window("7:6").has_value());
}

TEST_CASE("words are quoted for the shell where they need it") {
  CHECK(shell_word("a/b-c.toml") == "a/b-c.toml");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("two words") == "'two words'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("$x") == "'$x'");
}

}  // namespace xybus
