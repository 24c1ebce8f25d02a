/// `xybus campaign`: a scenario with many seeds, or many values of its keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace xybus {

struct CampaignRequest {
  std::string scenario;  ///< as given
  std::optional<std::string> seeds;  ///< none: 1..20, with sweeps 1
  std::string fabric;    ///< empty: as the scenario says
  unsigned jobs = 0;     ///< 0: as many as there are processors
  std::string directory;  ///< empty: runs/campaign-<scenario>
  std::vector<std::string> overrides;
  std::vector<std::string> sweeps;  ///< see campaign/sweep.h
};

/// Exit status: 1 when a run was not good, 2 for bad usage and bad scenarios.
int campaign_command(const CampaignRequest& request);

}  // namespace xybus
