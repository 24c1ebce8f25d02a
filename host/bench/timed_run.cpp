#include "bench/timed_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "child/run_self.h"
#include "child/scratch.h"

namespace xybus {

namespace {

namespace fs = std::filesystem;

constexpr int good = 0;
constexpr int at_limit = 3;

TimedRun read_summary(const fs::path& file) {
  const auto summary = nlohmann::json::parse(std::ifstream(file));
  const auto& bus = summary.at("bus");
  TimedRun run;
  run.cycles = summary.at("cycles").get<std::uint64_t>();
  run.simulated_seconds = summary.at("simulated_seconds").get<double>();
  run.wall_seconds = summary.at("wall_seconds").get<double>();
  run.delivered = summary.at("messages").at("delivered").get<std::uint64_t>();
  run.bus_use = (bus.at("x").at("busy_cycles").get<double>() +
                 bus.at("y").at("busy_cycles").get<double>()) /
                (2.0 * static_cast<double>(run.cycles));
  run.round_trip = summary.at("round_trip_cycles").at("p50").get<double>();
  return run;
}

TimedRun run_once(const std::string& scenario, const std::vector<std::string>& arguments) {
  const Scratch scratch;
  Words words{"run", scenario, "--quiet", "--no-wave-on-failure", "--out", scratch.path().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const int status = run_self({words}, true).front();
  if (status != good && status != at_limit) {
    throw std::runtime_error(fmt::format("a run of {} ended with status {}", scenario, status));
  }
  return read_summary(scratch.path() / "summary.json");
}

}  // namespace

TimedRun timed_run(const std::string& scenario, const std::vector<std::string>& arguments,
                   unsigned times) {
  TimedRun best = run_once(scenario, arguments);
  for (unsigned i = 1; i < times; ++i) {
    const TimedRun again = run_once(scenario, arguments);
    if (again.wall_seconds < best.wall_seconds) best = again;
  }
  return best;
}

}  // namespace xybus
