/// Everything that is checked of a run from outside the machine, in one place. Those who watch the
/// buses, the kernels and the workloads tell the parts; what befalls the machine is told once,
/// here, and each part learns of it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "check/cluster_watch.h"
#include "check/disk_record.h"
#include "check/disturbances.h"
#include "check/outages.h"
#include "check/packet_trail.h"
#include "check/protocol_monitor.h"
#include "check/reference/reference.h"
#include "check/scoreboard.h"
#include "check/view_watch.h"
#include "check/watchdog.h"
#include "firmware/observer.h"
#include "model/machine.h"
#include "run/run.h"
#include "scenario/scenario.h"

namespace xybus {

class Checks {
 public:
  Checks(const Scenario& scenario, const RunOptions& options);
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  /// The reference model judges, too, if it is asked for and can. Its first complaint ends the run.
  void add_reference(Machine& machine);

  PacketTrail& trail() { return trail_; }
  ProtocolMonitor& monitor() { return monitor_; }
  const ProtocolMonitor& monitor() const { return monitor_; }
  Scoreboard& scoreboard() { return scoreboard_; }
  const Scoreboard& scoreboard() const { return scoreboard_; }
  ClusterWatch& cluster() { return cluster_; }
  DiskRecord& disks() { return disks_; }
  Watchdog& watchdog() { return watchdog_; }
  const Watchdog& watchdog() const { return watchdog_; }
  const Outages& outages() const { return outages_; }
  /// nullptr: it does not judge.
  Reference* reference() { return reference_ ? &*reference_ : nullptr; }

  // ---- What befalls the machine -------------------------------------------------------------

  /// A bus goes down, or comes back.
  void bus_changes(contract::BusId bus, std::uint64_t cycle);
  /// A CPU is halted that was not.
  void halted(unsigned cpu, std::uint64_t cycle);
  /// It starts again, as a new incarnation.
  void restarted(unsigned cpu, std::uint64_t cycle);
  /// The node of a CPU that counts as halted is on or off again, with firmware that is none of the
  /// workloads'.
  void node_on(unsigned cpu, std::uint64_t cycle);
  void node_off(unsigned cpu, std::uint64_t cycle);
  /// A node begins or ceases to misbehave.
  void rogue(unsigned cpu, bool on, std::uint64_t cycle);
  /// See FaultPoints::set_fault.
  void fault(const FaultSpec& fault, bool on, std::uint64_t cycle);

  // ---- What the kernels tell ------------------------------------------------------------------

  /// An event of a kernel's membership, or of its replicated tables.
  void membership(unsigned cpu, const KernelEvent& event);
  /// CPU `by` takes another one for up again.
  void readmitted(unsigned by, unsigned cpu, std::uint64_t cycle);
  /// Which CPUs are operational at this cycle. Gives whether CPUs are in different views, so that
  /// it is worth looking again.
  bool look_at_views(std::uint64_t cycle, std::uint32_t operational);

  // ---- How it goes ----------------------------------------------------------------------------

  /// Messages and updates that have ended.
  std::uint64_t ended() const { return scoreboard_.ended() + cluster_.acknowledgements(); }
  /// Whether nothing has moved for too long, with clients left.
  bool stalled(std::uint64_t cycle, unsigned clients_left);
  /// Whether the reference has complained.
  bool contradicted() const { return contradicted_; }
  /// Whether bits of a CPU's memory or registers have flipped.
  bool upset() const { return unsound_ != 0; }

  /// The run is over: what must have come has come. `failed`: the machine itself has failed.
  void finish(std::uint64_t cycle, bool failed);
  /// Whether all was right up to then. What has not ended by then is lost; that alone is a hang or
  /// a limit, not a check that failed.
  bool sound() const { return sound_; }
  /// When the first thing went wrong.
  std::optional<std::uint64_t> first_complaint() const;
  /// The result of each check, in the order of the report: with those of liveness and workloads.
  std::vector<CheckResult> results(CheckResult liveness, CheckResult workload) const;

 private:
  bool disturbed(unsigned cpu, std::uint64_t cycle) const;
  bool excused(unsigned from, unsigned to, std::uint64_t sent_cycle) const;

  const Scenario& scenario_;
  const bool reference_wanted_;
  PacketTrail trail_;
  ProtocolMonitor monitor_;
  Scoreboard scoreboard_;
  Watchdog watchdog_;
  ViewWatch view_watch_;
  ClusterWatch cluster_;
  DiskRecord disks_;
  std::optional<Reference> reference_;
  Outages outages_;
  std::uint32_t unsound_ = 0;  // CPUs with bits that have flipped
  Disturbances disturbances_;
  std::array<std::uint64_t, contract::max_nodes> halted_from_{};  // the last time
  bool contradicted_ = false;
  bool sound_ = true;
};

}  // namespace xybus
