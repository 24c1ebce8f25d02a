/// Comings and goings of CPUs: how long the others take to agree on them, and whether processes
/// that asked are told of them.
///
/// Rules, each with a test that breaks it:
///   gone    three I'm-alive intervals after a CPU fell silent, no other has it in its view
///   back    two intervals after its restart it is in the view of all, itself included
///   told    a process that asked is told of just those changes that its kernel took part in
///
/// The time of a change counts from its beginning, or from that of the last other change meanwhile;
/// that of a return also from the end of another one, as those are agreed on one after the other. A
/// return that is agreed on along with a death is not timed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "check/complaints.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

class ChangeWatch {
 public:
  static constexpr unsigned death_intervals = 3, return_intervals = 2;

  /// `interval` in cycles. Times are judged only where `judged`: nothing but halts and restarts
  /// is done to the machine.
  ChangeWatch(unsigned cpus, std::uint64_t interval, bool judged);

  // ---- From outside -------------------------------------------------------------------------
  void off(unsigned cpu, std::uint64_t cycle);
  void restarted(unsigned cpu, std::uint64_t cycle);

  // ---- At kernels ---------------------------------------------------------------------------
  /// A CPU has come to a view, its first if it was started again.
  void view_changed(unsigned cpu, std::uint64_t cycle);
  /// For a CPU another one has left the view, or come into it.
  void changed(unsigned cpu, unsigned peer, bool up, std::uint64_t cycle);

  // ---- At a process that asked to be told of all CPUs, one on each CPU ------------------------
  void told(unsigned cpu, unsigned peer, bool up, std::uint64_t cycle);

  /// The run is over.
  void finish(std::uint64_t cycle);
  /// The check "membership".
  CheckResult check() const;
  std::optional<std::uint64_t> first_complaint() const { return complaints_.first_cycle(); }

 private:
  /// A change that not all have taken part in.
  struct Pending {
    bool up = false;
    unsigned cpu = 0;
    std::uint64_t began = 0;
    std::uint64_t since = 0;    // what counts
    std::uint32_t waiting = 0;  // for these
    bool agreed = false;        // by any
  };
  struct Seat {
    bool on = true;
    bool member = true;
    std::vector<bool> seen[contract::max_nodes];  // by peer: whether it came
    std::vector<bool> told[contract::max_nodes];
  };
  struct Times {
    std::uint64_t count = 0, most = 0;
  };

  std::uint32_t members() const;
  void settle(unsigned by, unsigned cpu, bool up, std::uint64_t cycle);
  void sweep(std::uint64_t cycle);
  void end(const Pending& pending, std::uint64_t cycle);
  void check_told(unsigned cpu);
  double intervals(std::uint64_t cycles) const { return double(cycles) / double(interval_); }

  const unsigned cpus_;
  const std::uint64_t interval_;
  const bool judged_;
  std::array<Seat, contract::max_nodes> seats_{};
  std::vector<Pending> pending_;
  Times deaths_, returns_;
  std::uint64_t downs_told_ = 0, ups_told_ = 0;
  Complaints complaints_;
};

}  // namespace xybus
