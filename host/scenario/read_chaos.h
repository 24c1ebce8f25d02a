/// The [chaos] part of a scenario.
#pragma once

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Reads it into the scenario, whose system and limits have been read. Throws ScenarioError.
void read_chaos(const toml::table& table, const Origin& origin, Scenario& scenario);

}  // namespace xybus
