// all-to-all: every CPU is client and server, and sends by a pattern (scenario/pattern.h).
#include "scenario/pattern.h"
#include "workload/requestor.h"

namespace xybus {
namespace {

unsigned any_other(unsigned source, unsigned cpus, RandomStream& random) {
  const auto drawn = static_cast<unsigned>(random.below(cpus - 1));
  return drawn < source ? drawn : drawn + 1;
}

unsigned destination(Pattern pattern, unsigned source, unsigned cpus, RandomStream& random) {
  if (is_fixed(pattern)) return partner(pattern, source, cpus);
  if (pattern == Pattern::hotspot && source != 0 && random.chance(hot_share)) return 0;
  return any_other(source, cpus, random);
}

Task<> all_to_all_client(Process& process, Site& site, WorkloadContext& context, AllToAllSpec spec,
                         std::vector<ProcessAddress> servers) {
  Requestor requestor(process, site, context, spec.window);
  RandomStream random = context.random(site.cpu);
  for (std::uint64_t i = 0; i < spec.count; ++i) {
    const unsigned to = destination(spec.pattern, site.cpu, context.cpus(), random);
    co_await requestor.send(servers[to], spec.bytes, 0);
  }
  co_await requestor.finish();
}

}  // namespace

void plan_all_to_all(const AllToAllSpec& spec, WorkloadContext& context) {
  std::vector<ProcessAddress> servers;
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) servers.push_back(context.add_server(cpu));
  for (unsigned cpu = 0; cpu < context.cpus(); ++cpu) {
    context.add_client(cpu, spec.count, [=, &context](Process& process, Site& site) {
      return all_to_all_client(process, site, context, spec, servers);
    });
  }
}

}  // namespace xybus
