/// `xybus campaign`: a scenario with many seeds.
#pragma once

#include <string>
#include <vector>

namespace xybus {

struct CampaignRequest {
  std::string scenario;  ///< as given
  std::string seeds = "1..20";
  std::string fabric;    ///< empty: as the scenario says
  unsigned jobs = 0;     ///< 0: as many as there are processors
  std::string directory;  ///< empty: runs/campaign-<scenario>
  std::vector<std::string> overrides;
};

/// Exit status: 1 when a run was not good, 2 for bad usage and bad scenarios.
int campaign_command(const CampaignRequest& request);

}  // namespace xybus
