/// `xybus compare` and `xybus diff`: two runs beside each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xybus {

/// What `xybus compare` was asked for.
struct CompareRequest {
  std::string scenario;  ///< as given
  std::uint64_t seed = 1;
  bool seed_given = false;  ///< else the scenario may name one
  std::vector<std::string> fabrics{"rtl", "tlm"};  ///< two
  std::string directory;  ///< empty: runs/compare-<scenario>-<seed>
  std::vector<std::string> overrides;
  std::vector<std::string> second_overrides;  ///< for the second run only, behind the others
  bool quiet = false;
};

/// Runs a scenario twice and compares what every process observed, time apart; see
/// compare/agreement.h. Exit status: 0 when both runs are good and agree, 1 when they do not, else
/// that of the worse run. Throws ScenarioError.
int compare_command(const CompareRequest& request);

/// Finds the first event in which the logs of two runs differ. Each is a directory or a file. Exit
/// status: 0 when there is none, 1 when there is, 2 when one cannot be read.
int diff_command(const std::string& a, const std::string& b);

}  // namespace xybus
