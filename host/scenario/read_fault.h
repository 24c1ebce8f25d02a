/// One `[[fault]]` of a scenario.
#pragma once

#include <string>

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Reads it; `path` is the dotted key of its table. Throws ScenarioError.
FaultSpec read_fault(const toml::table& table, const std::string& path, const Origin& origin,
                     const Scenario& scenario);

}  // namespace xybus
