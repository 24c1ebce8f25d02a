#include "run/read_status.h"

namespace xybus {

using contract::BusId;
using contract::Register;

namespace {

/// Reads a register of all nodes; calls `take` with each one's value.
template <class Take>
void read_all(Fabric& fabric, std::vector<NodeStatus>& nodes, Register reg, Take&& take) {
  const auto values = fabric.peek(reg);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (values[i]) take(nodes[i], *values[i]);
  }
}

void read_bus(Fabric& fabric, std::vector<NodeStatus>& nodes, BusId bus) {
  const auto b = static_cast<std::size_t>(bus);
  const bool x = bus == BusId::x;
  for (std::size_t i = 0; i < counters_per_bus; ++i) {
    read_all(fabric, nodes, counter_register(bus, i),
             [&](NodeStatus& node, std::uint32_t value) { node.counters[b][i] = value; });
  }
  read_all(fabric, nodes, x ? Register::guardian_x : Register::guardian_y,
           [&](NodeStatus& node, std::uint32_t value) {
             const contract::GuardianXRegister its{value};
             node.guardian[b] = {its.offences(), its.offender(), its.offence()};
           });
  read_all(fabric, nodes, x ? Register::path_state_x : Register::path_state_y,
           [&](NodeStatus& node, std::uint32_t value) {
             for (unsigned d = 0; d < nodes.size(); ++d) {
               const auto state = static_cast<contract::PathState>(value >> (2 * d) & 3);
               node.paths[b].push_back({.state = state});
             }
           });
  for (unsigned d = 0; d < nodes.size(); ++d) {
    read_all(fabric, nodes, contract::element(x ? Register::path_x : Register::path_y, d),
             [&](NodeStatus& node, std::uint32_t value) {
               const contract::PathXRegister path{value};
               node.paths[b][d].points = path.points();
               node.paths[b][d].failures = path.failures();
             });
  }
}

}  // namespace

std::vector<NodeStatus> read_status(Fabric& fabric) {
  std::vector<NodeStatus> nodes(fabric.nodes());
  read_all(fabric, nodes, Register::control, [](NodeStatus& node, std::uint32_t value) {
    const contract::ControlRegister control{value};
    node.halted = false;
    node.enabled = control.enable() != 0;
    node.interrupts = control.interrupt_enable() != 0;
    node.epoch = control.epoch();
  });
  read_all(fabric, nodes, Register::status, [](NodeStatus& node, std::uint32_t value) {
    const contract::StatusRegister status{value};
    node.storing = status.storing() != 0;
    node.serving = status.serving() != 0;
  });
  read_all(fabric, nodes, Register::event_tail,
           [](NodeStatus& node, std::uint32_t value) { node.events_made = value; });
  read_all(fabric, nodes, Register::event_head,
           [](NodeStatus& node, std::uint32_t value) { node.events_taken = value; });
  for (const BusId bus : {BusId::x, BusId::y}) read_bus(fabric, nodes, bus);
  return nodes;
}

}  // namespace xybus
