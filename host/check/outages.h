/// Which CPUs were halted and came back, and who has taken note of it: what that explains of
/// messages that fail.
#pragma once

#include <array>
#include <cstdint>

#include "contract/contract.h"

namespace xybus {

/// A message between two CPUs may fail if one of them is halted, or has been started again and the
/// message was sent before the other one took it for up again.
class Outages {
 public:
  void halted(unsigned cpu) { halted_ |= 1U << cpu; }
  void restarted(unsigned cpu);

  /// CPU `by` has heard a new incarnation of `cpu` in this cycle. It does so once for each restart
  /// at most; what goes beyond explains nothing. Gives whether it counts.
  bool readmitted(unsigned by, unsigned cpu, std::uint64_t cycle);

  /// Whether that explains the failure of a message sent in this cycle.
  bool excuse(unsigned from, unsigned to, std::uint64_t sent_cycle) const;

  /// How often it was started again.
  unsigned restarts(unsigned cpu) const { return restarts_[cpu]; }

  bool is_halted(unsigned cpu) const { return (halted_ >> cpu & 1) != 0; }
  /// All that are, a bit each.
  std::uint32_t all_halted() const { return halted_; }

 private:
  struct View {  // that one CPU has of another
    unsigned readmissions = 0;
    std::uint64_t cycle = 0;  // of the last
    bool current = true;      // there was one since the last restart
  };
  bool excuse_of(unsigned by, unsigned cpu, std::uint64_t sent_cycle) const;

  std::uint32_t halted_ = 0;
  std::array<unsigned, contract::max_nodes> restarts_{};
  std::array<std::array<View, contract::max_nodes>, contract::max_nodes> views_{};  // [by][cpu]
};

}  // namespace xybus
