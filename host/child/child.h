/// Processes of this program: the simulator elaborates once in a process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace xybus {

/// The words behind the program's name.
using Words = std::vector<std::string>;

/// Starts this program again with these words; what it prints goes to `output`, a file, or where
/// this program's goes when that is empty. Each has an address space layout of its own, so nothing
/// that depends on addresses comes out the same by accident. Throws std::system_error when there
/// can be no process.
pid_t start_child(const Words& words, const std::string& output);

/// A child that has ended.
struct Ended {
  pid_t pid = 0;
  int status = 0;  ///< exit status; 128 and the signal's number when one ended it
};

/// Waits for any child.
Ended wait_for_child();

}  // namespace xybus
