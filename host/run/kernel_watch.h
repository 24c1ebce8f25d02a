/// Everything that looks at the kernels during a run, joined at one observer.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "fault/injector.h"
#include "firmware/observer.h"
#include "report/event_log.h"
#include "run/checks.h"
#include "run/milestones.h"

namespace xybus {

/// Kernel events of all CPUs, into the log, to the checks and to the injector.
class KernelWatch : public KernelObserver {
 public:
  /// The `planted`-th event is disturbed, see RunOptions; 0: none.
  KernelWatch(EventLog& log, Injector& injector, Checks& checks, Milestones& milestones,
              std::uint64_t planted)
      : log_(log),
        injector_(injector),
        checks_(checks),
        milestones_(milestones),
        planted_(planted) {}

  /// Called with each event of a kernel's membership, and of its replicated tables, when the
  /// checks know of it.
  void on_membership(std::function<void(unsigned cpu, const KernelEvent&)> callback) {
    on_membership_ = std::move(callback);
  }

  void on(unsigned cpu, const KernelEvent& event) override;
  void on_disk_request(unsigned cpu, const DiskRequest& request, std::uint64_t cycle) override;

  /// The run is over; what unwinding the firmware brings about is no part of it.
  void close() { closed_ = true; }

 private:
  EventLog& log_;
  Injector& injector_;
  Checks& checks_;
  Milestones& milestones_;
  std::uint64_t planted_;
  std::uint64_t seen_ = 0;
  std::function<void(unsigned, const KernelEvent&)> on_membership_;
  bool closed_ = false;
};

}  // namespace xybus
