/// What befalls the machine: each fault is done to it, told to the checks and the workloads, and
/// recorded in the log and beside the waveform.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fault/active_faults.h"
#include "fault/injector.h"
#include "model/machine.h"
#include "report/event_log.h"
#include "report/throughput.h"
#include "run/checks.h"
#include "run/cpu_firmware.h"
#include "trace/gtkw.h"
#include "workload/workloads.h"

namespace xybus {

class Mishaps : public FaultPoints {
 public:
  /// All of these must live as long; none is touched before the first call.
  Mishaps(Machine& machine, CpuFirmware& firmware, Checks& checks, Workloads& workloads,
          EventLog& log, TraceNotes& notes)
      : machine_(machine),
        firmware_(firmware),
        checks_(checks),
        workloads_(workloads),
        log_(log),
        notes_(notes) {}

  /// Not any more when all has been put right.
  void at(std::uint64_t cycle, std::function<void()> action) override {
    machine_.at(cycle, [this, action = std::move(action)] {
      if (!over_) action();
    });
  }
  void set_bus_down(contract::BusId bus, bool down, std::uint64_t cycle) override;
  /// Does nothing to a CPU that is halted.
  void halt(unsigned cpu, std::uint64_t cycle) override;
  void restart(unsigned cpu, std::uint64_t cycle) override;
  void power_failure(std::uint64_t cycle) override;
  std::optional<ProcessAddress> stop_process(const FaultSpec& fault,
                                             std::uint64_t cycle) override;
  bool has_name(const ProcessAddress& process, const ProcessName& name) const override {
    return firmware_.has_name(process, name);
  }
  void set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) override;
  void set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) override;

  /// Called at a power failure, after everything has stopped.
  void on_power_failure(std::function<void(std::uint64_t cycle)> callback) {
    on_power_failure_ = std::move(callback);
  }

  /// Notes a packet, and what is done to it, beside the waveform. See BusWatch::on_strike.
  void note(contract::BusId bus, std::uint64_t cycle, const PacketHit& hit);

  /// What has befallen the machine but for single packets, in order; the first thousand.
  const std::vector<RunMark>& marks() const { return marks_; }

  /// From now on nothing new befalls the machine, and what is wrong with it is put right; halted
  /// CPUs stay so. Not told to the checks.
  void put_right();

 private:
  /// Beside the waveform and for the report.
  void mark(std::uint64_t cycle, std::string text);
  void set_hostile(const FaultSpec& fault, bool on, std::uint64_t cycle);
  void set_disk_fault(const FaultSpec& fault, bool on, std::uint64_t cycle);
  void end_hostile(unsigned cpu, std::uint64_t cycle);

  Machine& machine_;
  CpuFirmware& firmware_;
  Checks& checks_;
  Workloads& workloads_;
  EventLog& log_;
  TraceNotes& notes_;
  ActiveFaults active_;
  std::vector<RunMark> marks_;
  std::function<void(std::uint64_t)> on_power_failure_;
  bool over_ = false;
};

}  // namespace xybus
