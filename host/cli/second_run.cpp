#include "cli/second_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "child/run_self.h"
#include "compare/ladder.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

// Empty when the run has left no summary.
std::string digest_in(const fs::path& directory) {
  std::ifstream file(directory / "summary.json");
  const auto json = nlohmann::json::parse(file, nullptr, false);
  return json.is_object() ? json.value("digest", "") : "";
}

}  // namespace

int check_determinism(const RunRequest& request, const std::string& directory, int status) {
  const fs::path second = fs::path(directory) / "second-run";
  RunRequest run = request;
  Words words = run_words(run);
  words.insert(words.end(), {"--quiet", "--no-wave-on-failure", "--out", second.string()});
  run_self({words}, true);
  const std::string one = digest_in(directory);
  const std::string two = digest_in(second);
  if (one == two && !one.empty()) {
    if (!request.quiet) fmt::print("{:<11}a second run has the same digest\n", "same");
    fs::remove_all(second);
    return status;
  }
  std::fflush(stdout);
  fmt::print(stderr, "not deterministic: digest {} in the first run, {} in the second\n", one,
             two.empty() ? "none" : two);
  const EventFile first_log(directory);
  const EventFile second_log(second.string());
  if (const auto parting = find_parting(first_log, second_log)) {
    fmt::print(stderr, "{}", parting_text({"first run", "second run"}, *parting));
  }
  fmt::print(stderr, "outputs of the second run: {}\n", second.string());
  return 1;
}

Window failure_window(const RunResult& result, std::uint64_t cycles) {
  constexpr std::uint64_t behind_failure = 2000;
  const bool stands = result.outcome == Outcome::hung || result.outcome == Outcome::limit;
  const std::uint64_t at = result.failure_cycle.value_or(result.cycles);
  const std::uint64_t behind = stands ? std::max(behind_failure, cycles / 2) : behind_failure;
  return {at - std::min(at, cycles), std::min(at + behind, result.cycles + 1)};
}

void trace_failure(const RunRequest& request, const RunResult& result,
                   const std::string& directory) {
  const Window window = failure_window(result, request.wave_on_failure);
  Words words = run_words(request);
  words.insert(words.end(), {"--trace-only", "--out", directory,
                             fmt::format("--wave={}:{}", window.from, window.to)});
  if (result.failure_cycle) {
    words.insert(words.end(), {"--failure-at", std::to_string(*result.failure_cycle)});
  }
  run_self({words}, true);
  if (!fs::exists(fs::path(directory) / "trace.gtkw")) {
    fmt::print(stderr, "xybus: repeated, without a waveform of cycles {} to {}\n", window.from,
               window.to);
    return;
  }
  fmt::print(stderr, "repeated with a waveform of cycles {} to {}{}\nto look: gtkwave {}\n",
             window.from, window.to,
             result.failure_cycle ? fmt::format(", around cycle {}", *result.failure_cycle) : "",
             shell_word((fs::path(directory) / "trace.gtkw").string()));
}

}  // namespace xybus
