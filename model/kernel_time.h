/// Kernel time as a plain number, in the kernel's resolution (1 ps).
#pragma once

#include <cstdint>

#include <systemc>

namespace xybus {

inline std::uint64_t kernel_time() {
  return sc_core::sc_time_stamp().value();
}

/// From now to `time`, which must not have passed.
inline sc_core::sc_time until_time(std::uint64_t time) {
  return sc_core::sc_time::from_value(time - kernel_time());
}

}  // namespace xybus
