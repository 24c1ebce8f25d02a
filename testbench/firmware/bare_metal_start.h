/// A whole kernel with a server and a requestor, as it would be started on a real CPU.
#pragma once

#include <cstdint>

#include "firmware/kernel.h"

namespace bare_metal {

struct Outcome {
  unsigned replies = 0;
  unsigned wrong_bytes = 0;
};

/// Runs `rounds` requests of `bytes` bytes from one process to another on this CPU, and one to
/// CPU 1; then throws hal::Halted through the kernel.
void start(xybus::hal::Hal& hal, unsigned rounds, std::uint32_t bytes, Outcome& outcome);

}  // namespace bare_metal
