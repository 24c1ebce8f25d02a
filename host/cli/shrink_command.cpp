#include "cli/shrink_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "campaign/verdict.h"
#include "child/child.h"
#include "chaos/draw.h"
#include "cli/command.h"
#include "scenario/write.h"
#include "shrink/shrink.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

/// Runs candidates in processes of their own, in a directory that goes with it.
class ChildRunner : public ShrinkRunner {
 public:
  ChildRunner(fs::path directory, RunVerdict wanted)
      : directory_(std::move(directory)), wanted_(std::move(wanted)) {}
  ~ChildRunner() override {
    std::error_code error;
    fs::remove_all(directory_, error);
  }

  RunVerdict run(const Scenario& scenario);
  void look_for(const RunVerdict& wanted) { wanted_ = wanted; }

  bool fails(const Scenario& candidate) override {
    return run(candidate).same_failure(wanted_);
  }
  std::vector<PacketStrike> strikes() override;

 private:
  fs::path directory_;
  RunVerdict wanted_;
};

RunVerdict ChildRunner::run(const Scenario& scenario) {
  fs::create_directories(directory_);
  const fs::path file = directory_ / "candidate.toml";
  std::ofstream(file) << scenario_text(scenario);
  const fs::path out = directory_ / "out";
  fs::remove_all(out);
  start_child({"run", file.string(), "--quiet", "--no-wave-on-failure", "--out", out.string()},
              directory_ / "output.txt");
  const Ended ended = wait_for_child();
  RunVerdict verdict = read_verdict(out.string());
  if (ended.status == bad_usage) {
    std::ifstream said(directory_ / "output.txt");
    std::string line;
    std::getline(said, line);
    throw std::runtime_error(line);
  }
  return verdict;
}

std::vector<PacketStrike> ChildRunner::strikes() {
  std::vector<PacketStrike> strikes;
  std::ifstream events(directory_ / "out" / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    if (line.find("\"packet_hit\"") == std::string::npos) continue;
    const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) continue;
    PacketStrike strike;
    strike.bus = event.value("bus", "x") == "y" ? contract::BusId::y : contract::BusId::x;
    strike.cycle = event.value("cycle", std::uint64_t{0});
    const auto add = [&](const char* key, FaultKind kind) {
      if (event.value(key, std::uint64_t{0}) == 0) return;
      strike.kind = kind;
      strikes.push_back(strike);
    };
    add("drop", FaultKind::packet_drop);
    add("answer_drop", FaultKind::answer_drop);
    add("flips", FaultKind::packet_corrupt);
    add("answer_flips", FaultKind::answer_corrupt);
    add("duplicate", FaultKind::packet_duplicate);
  }
  return strikes;
}

void show(const ShrinkState& state, bool terminal) {
  const std::string line =
      fmt::format("{} runs: {}; {} faults, {} workloads, {} CPUs left", state.runs, state.part,
                  state.faults, state.workloads, state.cpus);
  constexpr std::uint64_t every = 10;  // lines, where they do not change in place
  if (terminal) {
    fmt::print(stderr, "\r\x1b[K{}", line);
  } else if (state.runs % every == 0) {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

std::string failure(const RunVerdict& verdict) {
  return verdict.outcome + (verdict.check.empty() ? "" : ", " + verdict.check);
}

Scenario failing_scenario(const ShrinkRequest& request) {
  Scenario scenario = load_scenario(find_scenario(request.scenario), request.overrides);
  if (request.seed) scenario.seed = request.seed;
  if (!scenario.seed) scenario.seed = 1;
  if (!request.fabric.empty())
    scenario.fabric = request.fabric == "tlm" ? FabricKind::tlm : FabricKind::rtl;
  return draw_chaos(scenario, *scenario.seed);
}

/// Beside what a run has left; what the user wrote gets nothing beside it.
fs::path directory_for(const ShrinkRequest& request, const Scenario& scenario) {
  if (!request.directory.empty()) return request.directory;
  const fs::path file = scenario.path;
  const bool left = file.filename() == "repro.toml" || file.filename() == "drawn.toml";
  return left ? file.parent_path() : fs::path(fmt::format("runs/{}-{}", scenario.name,
                                                          *scenario.seed));
}

}  // namespace

int shrink_command(const ShrinkRequest& request) {
  const Scenario scenario = failing_scenario(request);
  const fs::path directory = directory_for(request, scenario);
  fs::create_directories(directory.empty() ? "." : directory);
  const fs::path result = directory / "shrunk.toml";
  const fs::path work = directory / fmt::format("shrink-{}", getpid());
  ChildRunner runner(work, {});
  const RunVerdict wanted = runner.run(scenario);
  if (wanted.good()) {
    fmt::print(stderr, "xybus: {} is good: there is nothing to shrink\n", scenario.path);
    return 1;
  }
  runner.look_for(wanted);
  const bool terminal = isatty(STDERR_FILENO);
  fmt::print(stderr, "{}: {}\n", scenario.path, failure(wanted));
  std::uint64_t runs = 1;
  const Scenario least = shrink(scenario, runner, [&](const ShrinkState& state) {
    show(state, terminal);
    runs = 1 + state.runs;
  });
  if (terminal) fmt::print(stderr, "\r\x1b[K");
  std::ofstream file(result);
  file << scenario_text(least, fmt::format("Shrunk from {}: {}\n{}", scenario.path,
                                           failure(wanted), wanted.detail))
       << std::flush;
  if (!file) throw std::runtime_error("cannot write " + result.string());
  fmt::print("{} after {} runs: faults {} to {}, workloads {} to {}, CPUs {} to {}\n"
             "to repeat: {} run {}\n",
             failure(wanted), runs, scenario.faults.size(), least.faults.size(),
             scenario.workloads.size(), least.workloads.size(), scenario.system.cpus,
             least.system.cpus, program_word(), shell_word(result.string()));
  return 0;
}

}  // namespace xybus
