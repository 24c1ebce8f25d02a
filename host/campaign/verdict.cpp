#include "campaign/verdict.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace xybus {

RunVerdict read_verdict(const std::string& directory) {
  RunVerdict verdict;
  verdict.outcome = "crashed";
  std::ifstream file(directory + "/summary.json");
  const auto summary = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!summary.is_object()) return verdict;
  verdict.outcome = summary.value("outcome", "crashed");
  verdict.cycles = summary.value("cycles", std::uint64_t{0});
  verdict.sent = summary["messages"].value("sent", std::uint64_t{0});
  verdict.failed = summary["messages"].value("failed", std::uint64_t{0});
  verdict.faults = summary["faults"].size();
  const double cycle_seconds =
      verdict.cycles == 0 ? 0 : summary.value("simulated_seconds", 0.0) / double(verdict.cycles);
  for (const auto& throughput : summary.value("throughput", nlohmann::json::array())) {
    const auto longest = throughput["wait_cycles"].value("max", std::uint64_t{0});
    verdict.longest_wait = std::max(verdict.longest_wait, double(longest) * cycle_seconds);
  }
  const bool late = verdict.outcome == "hung" || verdict.outcome == "limit";
  for (const auto& check : summary["checks"]) {
    if (check.value("ok", true)) continue;
    if (late && check.value("name", "") != "liveness") continue;  // messages are lost as well
    verdict.check = check.value("name", "");
    verdict.detail = check.value("detail", "");
    break;
  }
  return verdict;
}

}  // namespace xybus
