/// When a run ends, and what that says of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/machine.h"
#include "report/run_result.h"
#include "run/checks.h"
#include "workload/workloads.h"

namespace xybus {

class Ending {
 public:
  /// `complete_by`: see Scenario. All of these must live as long; none is touched before the first
  /// call.
  Ending(Machine& machine, Checks& checks, Workloads& workloads,
         std::optional<std::uint64_t> complete_by)
      : machine_(machine), checks_(checks), workloads_(workloads), complete_by_(complete_by) {}

  /// Sets up what happens at a cycle, and when the workloads are complete. Once, before the run.
  void arm();
  /// All CPUs have stopped: the run ends with that, and is complete.
  void power_failed(std::uint64_t cycle);
  /// Now and then: ends the run if nothing moves any more.
  void look(std::uint64_t cycle);

  /// The run is over, before the machine changes in any way.
  void close();
  /// Whether all workloads were complete, or the power failed.
  bool complete() const { return complete_; }
  /// Whether the power failed: what was under way then is not done.
  bool powerless() const { return powerless_; }
  /// The checks "liveness" and "workload".
  CheckResult liveness() const;
  CheckResult workload() const;
  /// Of a run that was not complete: hung, or limit.
  Outcome outcome() const;
  /// Of such a run: who waits for what.
  const std::string& waiting() const { return waiting_; }

 private:
  void complete_at(std::uint64_t cycle);
  void complete_or_hung();
  std::string outstanding() const;

  Machine& machine_;
  Checks& checks_;
  Workloads& workloads_;
  const std::optional<std::uint64_t> complete_by_;
  bool complete_ = false;
  bool powerless_ = false;
  bool stalled_ = false;
  bool overdue_ = false;  // not complete when all had to be
  std::string waiting_;
};

}  // namespace xybus
