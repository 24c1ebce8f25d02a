/// Reading `[[terminal]]`.
#pragma once

#include <string>

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Throws ScenarioError for what is wrong in it, a name that a disk or terminal of `scenario` has
/// included. A file for `input` has to be there, and is read.
TerminalSpec read_terminal(const toml::table& table, const std::string& path, const Origin& origin,
                           const Scenario& scenario);

}  // namespace xybus
