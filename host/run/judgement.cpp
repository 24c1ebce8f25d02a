#include "run/judgement.h"

#include <algorithm>

namespace xybus {

const FaultSpec* beyond_judgement(const Scenario& scenario) {
  const auto found = std::ranges::find_if_not(scenario.faults, [](const FaultSpec& fault) {
    switch (fault.kind) {
      case FaultKind::packet_corrupt:
      case FaultKind::packet_drop:
      case FaultKind::answer_drop:
      case FaultKind::bus_down:
      case FaultKind::cpu_halt:
      case FaultKind::babbling_node:
      case FaultKind::forged_source:
      case FaultKind::bus_hog:
      case FaultKind::interrupt_lost:
      case FaultKind::interrupt_spurious:
      case FaultKind::cpu_slow:
      case FaultKind::cpu_restart:
      case FaultKind::hostile_cpu:
      case FaultKind::disk_dies:
      case FaultKind::disk_read_error:
      case FaultKind::disk_write_error:
      case FaultKind::process_stop:
      case FaultKind::power_failure: return true;
      default: return false;
    }
  });
  return found == scenario.faults.end() ? nullptr : &*found;
}

}  // namespace xybus
