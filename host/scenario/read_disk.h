/// Reading `[[disk]]`.
#pragma once

#include <string>
#include <vector>

#include "scenario/scenario.h"
#include "scenario/section.h"

namespace xybus {

/// Throws ScenarioError for what is wrong in it, a name that one of `others` has included. Its
/// images have to be there, and of the size of its drives.
DiskSpec read_disk(const toml::table& table, const std::string& path, const Origin& origin,
                   const SystemSpec& system, const std::vector<DiskSpec>& others);

}  // namespace xybus
