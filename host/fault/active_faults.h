/// Faults that hold for a time: what of each kind is going on, and what that makes of the machine.
#pragma once

#include <vector>

#include "model/machine.h"
#include "scenario/scenario.h"

namespace xybus {

class ActiveFaults {
 public:
  /// A fault begins or ends now; one that happens once is done. Several at once add up: of stuck
  /// wires and partitions the latest counts, of slow ones the worst. `fault` must live as long.
  void change(const FaultSpec& fault, bool on, Machine& machine);

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
