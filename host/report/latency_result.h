/// A distribution of times.
#pragma once

#include <cstdint>

namespace xybus {

/// In cycles.
struct LatencyResult {
  std::uint64_t samples = 0;  ///< 0: the others mean nothing
  std::uint64_t min = 0, p50 = 0, p99 = 0, max = 0;
};

}  // namespace xybus
