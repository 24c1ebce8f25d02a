/// What is done to single CPUs that explains, for a while, that others take one for failed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "contract/contract.h"

namespace xybus {

class Disturbances {
 public:
  /// As many of a CPU may hold at a time as there are.
  void begins(unsigned cpu) { ++on_[cpu]; }
  void ends(unsigned cpu, std::uint64_t cycle) {
    --on_[cpu];
    last_[cpu] = cycle;
  }
  /// It was off until now.
  void restarted(unsigned cpu, std::uint64_t cycle) { last_[cpu] = cycle; }

  /// Whether one holds, or held in cycle `since` or later.
  bool any(unsigned cpu, std::uint64_t since) const {
    return on_[cpu] != 0 || (last_[cpu] && *last_[cpu] >= since);
  }

 private:
  std::array<unsigned, contract::max_nodes> on_{};
  std::array<std::optional<std::uint64_t>, contract::max_nodes> last_{};  // end of the latest
};

}  // namespace xybus
