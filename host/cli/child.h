/// This program once more, in a process of its own: the simulator elaborates once in a process.
#pragma once

#include <string>
#include <vector>

namespace xybus {

/// The words behind the program's name.
using Words = std::vector<std::string>;

/// Starts this program once with each of these arguments, all at the same time, and waits for all.
/// Gives their exit statuses; a signal counts as 128 and its number. Each has an address space
/// layout of its own, so nothing that depends on addresses comes out the same by accident. With
/// `silent` what they print goes nowhere. Throws std::runtime_error if one cannot be started.
std::vector<int> run_self(const std::vector<Words>& runs, bool silent);

}  // namespace xybus
