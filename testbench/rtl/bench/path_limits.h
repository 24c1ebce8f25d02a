/// The register path_limits, as the benches set it.
#pragma once

#include <cstdint>

namespace xybus::bench {

/// Points for attempts that fail, and when a path is suspect or down; as after reset.
struct PathLimits {
  unsigned missing = 8, corrupt = 1, suspect = 8, down = 16;

  /// Attempts may fail for ever, as long as now and then one succeeds.
  static constexpr PathLimits patient() { return {1, 1, 255, 255}; }
  constexpr std::uint32_t packed() const {
    return missing | corrupt << 8 | suspect << 16 | down << 24;
  }
};

}  // namespace xybus::bench
