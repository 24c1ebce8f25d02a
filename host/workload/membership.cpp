// membership: while CPUs come and go, all that are in the view send each other requests, and a
// process on each asks to be told who goes and comes. Who does is drawn before; see chaos/rounds.h.
#include <fmt/format.h>

#include <bit>

#include "firmware/membership/view.h"
#include "workload/requestor.h"

namespace xybus {

using contract::EventBit;

namespace {

constexpr unsigned window = 2;

unsigned next_of(CpuMask mask, unsigned after) {
  const CpuMask behind = mask & ~all_cpus(after + 1);
  return static_cast<unsigned>(std::countr_zero(behind != 0 ? behind : mask));
}

/// Requests to all others in turn, as long as they are in the view of this CPU. `next`: numbers
/// those of all incarnations.
Task<> visit(Process& process, Site& site, WorkloadContext& context, const MembershipSpec& spec,
             const std::vector<ProcessAddress>& servers, std::uint32_t& next) {
  Requestor requestor(process, site, context, window, spec.pause_cycles);
  requestor.number_by(next);
  const Membership& membership = site.kernel.membership();
  unsigned last = site.cpu;
  while (site.hal.now() < spec.until_cycle) {
    const CpuMask others = membership.up_mask() & ~bit_of(site.cpu);
    if (others == 0) {
      co_await process.wait(EventBit{}, spec.pause_cycles);
      continue;
    }
    last = next_of(others, last);
    co_await requestor.send(servers[last], spec.bytes, spec.bytes);
  }
  co_await requestor.finish();
}

/// Passes on what the kernel says of other CPUs.
Task<> watch(Process& process, Site& site, WorkloadContext& context) {
  MessageSystem& messages = site.kernel.messages();
  messages.monitor_cpus(process, all_cpus(context.cpus()) & ~bit_of(site.cpu));
  for (;;) {
    while (const auto request = messages.listen(process)) {
      if (request->system != SystemCode::none) {
        context.cluster().changes().told(site.cpu, request->tag,
                                         request->system == SystemCode::cpu_up, site.hal.now());
      }
      static_cast<void>(co_await messages.writelink(process, request->link, {}));
    }
    co_await process.wait(EventBit::lreq);
  }
}

}  // namespace

void plan_workload(const MembershipSpec& spec, WorkloadContext& context) {
  std::vector<ProcessAddress> servers;
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) servers.push_back(context.add_server(cpu));
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) {
    context.add_server(cpu, [&context](Process& process, Site& site) {
      return watch(process, site, context);
    });
    context.add_server(cpu, [=, &context, &spec, next = 0U](Process& process,
                                                            Site& site) mutable {
      return visit(process, site, context, spec, servers, next);
    });
  }
  // Then what was sent last has ended.
  context.hold_until(spec.until_cycle + spec.drain_cycles);
}

}  // namespace xybus
