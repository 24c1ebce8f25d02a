#include "run/read_machine.h"

#include "run/waiting.h"

namespace xybus {
namespace {

KernelStatus read_kernel(const Kernel& kernel) {
  const Dispatcher& dispatcher = kernel.dispatcher();
  const MessageSystem& messages = kernel.messages();
  const Membership& membership = kernel.membership();
  KernelStatus status{.runs = true,
                      .epoch = kernel.epoch(),
                      .view = membership.view().number,
                      .members = membership.up_mask(),
                      .member = membership.member(),
                      .changing = membership.changing(),
                      .operational = membership.operational(),
                      .idle_cycles = dispatcher.idle_cycles(),
                      .interrupt_cycles = dispatcher.interrupt_cycles(),
                      .process_cycles = 0,
                      .lcbs = messages.lcbs(),
                      .lcbs_in_use = messages.lcbs_in_use(),
                      .windows = kernel.port().transfers().windows().size(),
                      .windows_in_use = kernel.port().transfers().windows().in_use(),
                      .dropped = {.refused = membership.refused_packets(),
                                  .stray = messages.stray_packets(),
                                  .duplicate = messages.duplicate_packets(),
                                  .late = messages.late_packets(),
                                  .lost = messages.lost_packets(),
                                  .violations = kernel.port().violations(),
                                  .untold = messages.refusals_left_out()},
                      .processes = {},
                      .ends = messages.links()};
  for (const auto& process : dispatcher.processes()) {
    if (process == nullptr) continue;
    status.processes.push_back({.pin = process->pin(),
                                .name = process->name(),
                                .priority = process->priority(),
                                .state = process->state(),
                                .waits_for = process->waits_for(),
                                .times_out = process->times_out(),
                                .held_in = process->held_in(),
                                .cycles = process->cycles()});
    status.process_cycles += status.processes.back().cycles;
  }
  return status;
}

}  // namespace

MachineStatus read_machine(std::span<const Kernel* const> kernels, std::uint64_t cycle) {
  MachineStatus status;
  status.cycle = cycle;
  for (const Kernel* kernel : kernels) {
    status.kernels.push_back(kernel != nullptr ? read_kernel(*kernel) : KernelStatus{});
  }
  status.waiting = explain(wait_graph(status));
  return status;
}

}  // namespace xybus
