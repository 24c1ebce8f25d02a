/// Reading `[[workload]]`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Throws ScenarioError for what is wrong in it.
WorkloadSpec read_workload(const toml::table& table, const std::string& path, const Origin& origin,
                           const SystemSpec& system);

/// Throws ScenarioError for workloads that cannot be in one scenario, or not with its devices.
void check_together(const Scenario& scenario);

/// Cycles that it takes at most.
std::uint64_t longest_membership(const MembershipSpec& membership, const SystemSpec& system);

}  // namespace xybus
