/// Where the project lies that this program was built from.
#pragma once

#include <string>

namespace xybus {

/// What holds `scenarios/` and `profiles/`: XYBUS_ROOT (the launcher sets it), else found from the
/// place of the program. Empty when nothing is known.
std::string project_root();

}  // namespace xybus
