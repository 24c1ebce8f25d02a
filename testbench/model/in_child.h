/// Runs a simulation in a process of its own: SystemC elaborates only once in each, and some tests
/// compare two runs.
#pragma once

#include <functional>
#include <string>

namespace xybus::test {

/// What `run` returns, in a child process. Throws std::runtime_error if the child dies; an
/// exception in the child comes back as the text "exception: ...".
std::string in_child(const std::function<std::string()>& run);

}  // namespace xybus::test
