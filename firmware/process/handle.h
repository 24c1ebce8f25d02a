/// Names one process for all time: where it is, and when it was made.
#pragma once

#include <compare>
#include <cstdint>

#include "firmware/message/link.h"

namespace xybus {

/// The pin alone is not enough: a CPU that has started again gives out the same ones.
struct ProcessHandle {
  ProcessAddress at;
  std::uint8_t epoch = 0;     ///< Incarnation of the CPU, 0 to 15.
  std::uint64_t created = 0;  ///< Cycle in which it was made, counted from 1; 0 names no process.
  explicit operator bool() const { return created != 0; }
  auto operator<=>(const ProcessHandle&) const = default;
};

}  // namespace xybus
