/// Scenarios as TOML files.
#pragma once

#include <string>

#include "scenario/scenario.h"

namespace xybus {

/// The text of a file that reads back as the same scenario, but for path and places (Source).
/// `remark` goes into a comment at its head, a line for each line of it.
std::string scenario_text(const Scenario& scenario, const std::string& remark = "");

}  // namespace xybus
