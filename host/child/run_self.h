/// This program once more, or several times, while it waits.
#pragma once

#include <vector>

#include "child/child.h"

namespace xybus {

/// Starts this program once with each of these words, all at the same time, and waits for all.
/// Gives their exit statuses; a signal counts as 128 and its number. With `silent` what they print
/// goes nowhere. Throws std::system_error if one cannot be started.
std::vector<int> run_self(const std::vector<Words>& runs, bool silent);

}  // namespace xybus
