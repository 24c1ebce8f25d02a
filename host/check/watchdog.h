/// The liveness watchdog: work that is outstanding must move.
#pragma once

#include <cstdint>

namespace xybus {

class Watchdog {
 public:
  /// Patience in cycles: longer than the longest way in which a message can rightly rest.
  explicit Watchdog(std::uint64_t patience) : patience_(patience) {}

  /// A message was delivered or done, or a bus carried part of one: something moved.
  void moved(std::uint64_t cycle) {
    if (cycle > last_) last_ = cycle;
  }

  /// Whether nothing has moved for too long, with `outstanding` messages or processes waiting.
  bool stalled(std::uint64_t cycle, std::uint64_t outstanding) const {
    return outstanding > 0 && cycle > last_ && cycle - last_ >= patience_;
  }

  std::uint64_t last_moved() const { return last_; }
  std::uint64_t patience() const { return patience_; }

 private:
  std::uint64_t patience_;
  std::uint64_t last_ = 0;
};

}  // namespace xybus
