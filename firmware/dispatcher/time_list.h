/// The time list: what has to happen later, in order of time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "firmware/hal/hal.h"

namespace xybus {

/// Names a timer that runs. The default names none.
struct TimerId {
  std::uint32_t value = 0;
  constexpr explicit operator bool() const { return value != 0; }
};

/// A delta queue: each entry holds the cycles between the one before it and itself, so time
/// passing touches the head only. Entries due in the same cycle go off in the order in which
/// they were inserted.
class TimeList {
 public:
  using Action = std::function<void()>;

  /// Puts in an action for `cycles` (at least 1) after `now`. `hal::never` gives no timer.
  TimerId insert(std::uint64_t now, std::uint64_t cycles, Action action);

  /// Takes a timer out; one that went off or was taken out before is not an error.
  void cancel(TimerId id);

  /// Whether a timer runs still.
  bool active(TimerId id) const;
  /// Timers that run.
  unsigned size() const { return count_; }

  /// The cycle in which the first entry is due; `hal::never` when there is none.
  std::uint64_t next() const;

  /// Takes out the first entry if it is due at `now`.
  std::optional<Action> take_due(std::uint64_t now);

 private:
  static constexpr std::uint16_t none = 0;  // entry 0 is not used
  struct Entry {
    std::uint64_t delta = 0;
    Action action;
    std::uint16_t next = none;
    std::uint16_t generation = 0;
    bool active = false;
  };

  std::uint16_t allocate();
  void release(std::uint16_t index);

  std::vector<Entry> entries_{1};
  unsigned count_ = 0;
  std::uint16_t head_ = none;
  std::uint16_t free_ = none;
  std::uint64_t base_ = 0;  // the cycle from which the head's delta counts
};

}  // namespace xybus
