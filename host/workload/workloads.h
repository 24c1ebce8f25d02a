/// All workloads of a scenario: their processes, planned, and their accounts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "report/run_result.h"
#include "workload/workload.h"

namespace xybus {

class Workloads {
 public:
  Workloads(const Scenario& scenario, std::uint64_t seed, Scoreboard& scoreboard,
            ClusterWatch& cluster);
  Workloads(const Workloads&) = delete;
  Workloads& operator=(const Workloads&) = delete;

  Plan& plan() { return plan_; }
  const Plan& plan() const { return plan_; }
  /// Messages, or updates, that all clients are to see through.
  std::uint64_t expected() const { return expected_; }

  /// Called when no client is left, with the cycle; also when halts go on after that.
  void on_complete(std::function<void(std::uint64_t cycle)> callback);

  void cpu_halted(unsigned cpu, std::uint64_t cycle);
  /// Requests from that CPU are no messages of any workload from now on.
  void distrust(unsigned cpu);

  /// Test hook: a message more than there was has ended for each client on a CPU.
  void miscount(unsigned cpu);

  /// Test hook: a check of a workload's own, by its name, is told of what never happened. Nothing
  /// if no workload has it.
  void forge(std::string_view check, std::uint64_t cycle);

  /// What those workloads have seen through that have a check of their own; and these checks, at
  /// the end of a run that was complete.
  std::uint64_t ended() const;
  std::vector<CheckResult> own_checks(const DriveContents& drives, bool whole) const;
  /// Of those workloads that have operations, in a run of so many cycles.
  std::vector<ThroughputResult> throughput(std::uint64_t cycles) const;
  /// When the first thing went wrong that these know of; and, before the run, what is on the
  /// drives.
  std::optional<std::uint64_t> first_complaint() const;
  void begin(const DriveContents& drives);

  /// The check "workload", at the end of a run.
  CheckResult check() const;

 private:
  Plan plan_;
  std::vector<std::unique_ptr<WorkloadContext>> contexts_;
  std::uint64_t expected_ = 0;
  std::function<void(std::uint64_t)> on_complete_;
};

}  // namespace xybus
