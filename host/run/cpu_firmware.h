/// What runs on the CPUs: a kernel with the workloads' processes, or hostile firmware.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "model/machine.h"
#include "run/checks.h"
#include "run/kernel_watch.h"
#include "run/leaks.h"
#include "scenario/scenario.h"
#include "workload/plan.h"

namespace xybus {

class CpuFirmware {
 public:
  /// All of these must live as long as the machine.
  CpuFirmware(const Scenario& scenario, std::uint64_t seed, Plan& plan, Checks& checks,
              KernelWatch& watch)
      : scenario_(scenario), seed_(seed), plan_(plan), checks_(checks), watch_(watch) {}
  CpuFirmware(const CpuFirmware&) = delete;
  CpuFirmware& operator=(const CpuFirmware&) = delete;

  /// Gives it to each CPU. Once, before the run.
  void install(Machine& machine);

  /// What a CPU runs from its next start on; nullptr: a kernel.
  void set_hostile(unsigned cpu, const FaultSpec* fault) { hostile_[cpu] = fault; }
  /// What makes it hostile, from now on or from its next start on; nullptr: nothing.
  const FaultSpec* hostile(unsigned cpu) const { return hostile_[cpu]; }
  bool is_hostile(unsigned cpu) const { return hostile_[cpu] != nullptr; }

  /// Of a CPU's present incarnation.
  unsigned epoch(unsigned cpu) const { return checks_.outages().restarts(cpu) % epochs; }

  /// The programs that processes can be made of, instead of those of the plan; before the run.
  void set_programs(const ProgramLibrary* programs) { programs_ = programs; }

  /// Who has a name, by the tables of those that may act for the machine, or its backup; none.
  ProcessHandle holder(const std::string& name, bool backup) const;
  /// Whether, by its CPU's own table, that process is one of the pair that has a name.
  bool has_name(const ProcessAddress& process, const ProcessName& name) const;
  /// The name of that pair by the same table: "$BANK". Empty if it has none.
  std::string name_of(const ProcessAddress& process) const;
  /// Stops a process at its CPU's next dispatch point; false: it is not there any more. The CPU
  /// may have to be woken.
  bool stop(const ProcessHandle& process);

  /// Called whenever a kernel starts, behind the workloads' processes.
  void on_boot(std::function<void(Site&)> callback) { on_boot_ = std::move(callback); }

  const Kernels& kernels() const { return kernels_; }
  /// Which CPUs have a kernel that may act for the machine.
  std::uint32_t operational() const;
  /// What the kernels tell of themselves.
  MachineStatus status(std::uint64_t cycle) const;

 private:
  static constexpr unsigned epochs = 16;

  void run(unsigned cpu, hal::Hal& hal);
  void run_hostile(unsigned cpu, hal::Hal& hal, const FaultSpec& fault);

  const Scenario& scenario_;
  const std::uint64_t seed_;
  Plan& plan_;
  Checks& checks_;
  KernelWatch& watch_;
  const ProgramLibrary* programs_ = nullptr;
  std::function<void(Site&)> on_boot_;
  Kernels kernels_{};
  std::array<const FaultSpec*, contract::max_nodes> hostile_{};  // what makes a CPU so
};

}  // namespace xybus
