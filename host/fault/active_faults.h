/// Faults that hold for a time: what of each kind is going on, and what that makes of the machine.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "check/protocol_monitor.h"
#include "model/machine.h"
#include "scenario/scenario.h"

namespace xybus {

class ActiveFaults {
 public:
  /// A fault begins or ends, with effect from `cycle`; one that happens once is done. Several at
  /// once add up: of stuck wires and partitions the latest counts, of slow ones the worst.
  void change(const FaultSpec& fault, bool on, std::uint64_t cycle, Machine& machine,
              ProtocolMonitor& monitor);

  /// A CPU has started again: it is no longer slow. What is wrong with its node stays.
  void restarted(unsigned cpu) {
    std::erase_if(active_, [cpu](const FaultSpec* fault) {
      return fault->kind == FaultKind::cpu_slow && fault->cpu == cpu;
    });
  }

 private:
  void apply(contract::BusId bus, Machine& machine) const;
  void apply(unsigned cpu, Machine& machine) const;

  std::vector<const FaultSpec*> active_;  // in the order of their beginning
};

}  // namespace xybus
