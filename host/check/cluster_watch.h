/// What is checked of a machine whose CPUs come and go, if there is a workload for it: one place
/// that is told of events, and passes them on to those that judge.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "check/change_watch.h"
#include "check/replica_watch.h"
#include "firmware/observer.h"
#include "firmware/update/replica.h"
#include "report/run_result.h"
#include "scenario/scenario.h"

namespace xybus {

/// Whether ClusterWatch wants to know of such events.
constexpr bool concerns_cluster(KernelEvent::Kind kind) {
  return kind == KernelEvent::view_changed || kind == KernelEvent::cpu_down ||
         kind == KernelEvent::cpu_up || kind == KernelEvent::update_applied ||
         kind == KernelEvent::tables_differ;
}

class ClusterWatch {
 public:
  /// Replicas are checked when there is a workload of updates, or a CPU says that its tables
  /// differ; changes when there is a workload of membership.
  explicit ClusterWatch(const Scenario& scenario);

  ReplicaWatch& replicas() { return replicas_; }
  ChangeWatch& changes() { return changes_; }

  /// A CPU starts, with these tables; they must live until it is off or starts again.
  void begun(unsigned cpu, const Replica& replica) { tables_[cpu] = &replica; }
  void event(unsigned cpu, const KernelEvent& event);
  void off(unsigned cpu, std::uint64_t cycle);
  void restarted(unsigned cpu, std::uint64_t cycle);

  /// The run is over.
  void finish(std::uint64_t cycle);
  std::uint64_t acknowledgements() const { return replicas_.acknowledgements(); }
  bool ok() const;
  /// Appends the checks that were made.
  void add_checks(std::vector<CheckResult>& checks) const;
  std::optional<std::uint64_t> first_complaint() const;

 private:
  bool updates_ = false, membership_ = false;  // workloads there are
  ReplicaWatch replicas_;
  ChangeWatch changes_;
  std::array<const Replica*, contract::max_nodes> tables_{};
};

}  // namespace xybus
