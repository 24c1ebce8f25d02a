/// The totals of two runs of one scenario: what their summaries say, beside each other.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace xybus {

/// A row of the table.
struct Total {
  std::string name;
  std::string a, b;
  bool compared = false;
  bool differs() const { return compared && a != b; }
};

/// What of the totals has to be the same.
struct TotalRules {
  bool sent = true;    ///< not when processes leave off at a moment of time
  bool ended = true;   ///< delivered, failed and cancelled; not when links are broken
  bool failed = true;  ///< delivered and failed; not when faults decide by timing which fail
};

/// Outcome, each check, message counts; cycles and latency for information. Throws
/// nlohmann::json::exception if one is no summary.json.
std::vector<Total> totals(const nlohmann::json& a, const nlohmann::json& b,
                          const TotalRules& rules);

}  // namespace xybus
