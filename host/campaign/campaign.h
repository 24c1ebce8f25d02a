/// One scenario with many seeds, and many values of some of its keys; each run in a process of its
/// own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/verdict.h"
#include "child/child.h"

namespace xybus {

struct SeedRange {
  std::uint64_t first = 1, last = 1;  ///< both included
};

/// "1..50", or "7" alone. Nothing when it is malformed, or the last comes before the first.
std::optional<SeedRange> parse_seeds(std::string_view text);

struct CampaignPlan {
  std::vector<std::string> arguments;  ///< of each run, without seed and directory
  SeedRange seeds;
  /// Arguments of --set: each seed runs with each of these. See combinations().
  std::vector<std::vector<std::string>> variants{{}};
  unsigned jobs = 1;      ///< processes at a time
  /// Each run gets a directory in it, named after its seed, and with several variants the number
  /// of its own from 1: "7-12".
  std::string directory;
};

/// A run that was not good.
struct FailedRun {
  std::uint64_t seed = 0;
  std::size_t variant = 0;  ///< its place in the plan
  RunVerdict verdict;
  std::string directory;  ///< stays
  std::string output;     ///< what it printed
};

struct CampaignResult {
  std::uint64_t runs = 0, good = 0;
  std::uint64_t cycles = 0, faults = 0, sent = 0, failed_messages = 0;
  std::uint64_t refused = 0;      ///< that did not begin; not among `runs`
  std::string refusal;            ///< what the first of them said
  std::vector<FailedRun> failed;  ///< ascending by seed, and by variant
  double longest_wait = 0;        ///< of a client for its operation, simulated seconds
};

/// Runs them all, by seed and by variant; what good runs leave is removed. `progress` is called
/// after each run with the result so far. Throws std::system_error when there can be no process.
CampaignResult run_campaign(const CampaignPlan& plan,
                            const std::function<void(const CampaignResult&)>& progress);

}  // namespace xybus
