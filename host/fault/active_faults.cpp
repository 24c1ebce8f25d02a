#include "fault/active_faults.h"

#include <algorithm>

namespace xybus {

using contract::BusId;

namespace {

std::uint32_t mask_of(const std::vector<unsigned>& numbers) {
  std::uint32_t mask = 0;
  for (const unsigned number : numbers) mask |= 1U << number;
  return mask;
}

void happen(const FaultSpec& fault, Machine& machine) {
  const std::uint32_t bits = mask_of(fault.detail.bits);
  if (fault.kind == FaultKind::ram_flip) {
    machine.fabric().flip_ram(*fault.cpu, fault.detail.address, static_cast<std::uint8_t>(bits));
  } else {
    machine.fabric().upset_register(*fault.cpu, fault.detail.reg, bits);
  }
}

}  // namespace

void ActiveFaults::change(const FaultSpec& fault, bool on, Machine& machine) {
  if (is_instant(fault.kind)) return happen(fault, machine);
  if (on) active_.push_back(&fault);
  if (!on) std::erase(active_, &fault);
  if (fault.cpu) return apply(*fault.cpu, machine);
  for (const BusId bus : {BusId::x, BusId::y}) {
    if (!fault.bus || *fault.bus == bus) apply(bus, machine);
  }
}

void ActiveFaults::apply(BusId bus, Machine& machine) const {
  BusFault sum;
  for (const FaultSpec* fault : active_) {
    if (!is_bus_fault(fault->kind) || (fault->bus && *fault->bus != bus)) continue;
    const FaultDetail& detail = fault->detail;
    switch (fault->kind) {
      case FaultKind::bus_stuck_bit: {
        const std::uint32_t wire = 1U << detail.wire;
        sum.stuck_mask |= wire;
        sum.stuck_value = detail.level != 0 ? sum.stuck_value | wire : sum.stuck_value & ~wire;
        break;
      }
      case FaultKind::partition: sum.partition = mask_of(detail.cpus); break;
      case FaultKind::controller_dead: sum.dead = true; break;
      case FaultKind::bus_slow: sum.slow = std::max(sum.slow, detail.cycles); break;
      case FaultKind::controller_double_grant: sum.double_grant = true; break;
      default: break;
    }
  }
  machine.fabric().set_bus_fault(bus, sum);
}

void ActiveFaults::apply(unsigned cpu, Machine& machine) const {
  NodeFault sum;
  unsigned factor = 1;
  for (const FaultSpec* fault : active_) {
    if (fault->cpu != cpu) continue;
    switch (fault->kind) {
      case FaultKind::interrupt_lost: sum.interrupt_lost = true; break;
      case FaultKind::interrupt_spurious: sum.interrupt_stuck = true; break;
      case FaultKind::completion_delayed: sum.events_held = true; break;
      case FaultKind::cpu_slow: factor = std::max(factor, fault->detail.factor); break;
      default: break;
    }
  }
  machine.fabric().set_node_fault(cpu, sum);
  machine.cpu(cpu).set_slowness(factor);
}

}  // namespace xybus
