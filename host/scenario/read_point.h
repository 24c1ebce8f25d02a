/// Named points: `when` of a fault, as a sentence or as a table.
#pragma once

#include <string>
#include <variant>

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Reads `when` of the fault whose table this is: "packet 3 from 1 on x", or a table with either
/// `packet` or `event`. `path` is the dotted key of the fault. Throws ScenarioError.
FaultTime read_point(const Section& fault, const toml::table& table, const std::string& path,
                     const Origin& origin, const SystemSpec& system);

}  // namespace xybus
