/// Membership, checked from outside.
///
/// Rules, each with a test that breaks it:
///   agreed    views of one number are the same on all CPUs, and bear their CPU
///   forward   the views of a CPU have rising numbers
///   one       no two CPUs that may act for the machine (operational) are in different views
///   just      a CPU leaves the view, or halts by itself, only when something was done to it; or,
///             to halt, to so many others that those left in its view are no majority
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "check/complaints.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

class ViewWatch {
 public:
  /// Whether what was done to the machine explains that a CPU leaves in this cycle.
  using Excused = std::function<bool(unsigned cpu, std::uint64_t cycle)>;

  /// Without membership there is nothing to check.
  ViewWatch(unsigned cpus, Excused excused);

  /// A CPU came to a view; bit c of `mask`: CPU c is in it.
  void view_changed(unsigned cpu, std::uint64_t cycle, std::uint32_t number, std::uint32_t mask);

  /// A CPU has halted by itself.
  void gave_up(unsigned cpu, std::uint64_t cycle);
  /// A CPU is off, for whatever reason.
  void off(unsigned cpu);

  /// A CPU has begun anew, and is in no view yet; what its former incarnation did is past. That
  /// may still be in the view, and leave it, however short the CPU was off.
  void restarted(unsigned cpu);

  /// Which CPUs are operational at this cycle.
  void look(std::uint64_t cycle, std::uint32_t operational);
  /// Whether CPUs that are on are in different views, so that it is worth looking.
  bool divided() const;

  /// CPUs whose present incarnation has left a view.
  std::uint32_t left() const { return left_; }
  /// Views after the first.
  std::uint64_t changes() const { return changes_; }

  /// The check "views".
  CheckResult check() const;
  std::optional<std::uint64_t> first_complaint() const { return complaints_.first_cycle(); }

 private:
  struct Seat {
    std::uint32_t number = 1;
    bool on = true;          // and in a view
    bool restarted = false;  // and in no view yet, not even one that it does not know of
  };

  void compare(std::uint64_t cycle, std::uint32_t number, std::uint32_t mask);

  const unsigned cpus_;
  const Excused excused_;
  std::array<Seat, contract::max_nodes> seats_{};
  std::map<std::uint32_t, std::uint32_t> views_;  // by number
  std::uint32_t left_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t gave_up_ = 0;
  Complaints complaints_;
};

}  // namespace xybus
