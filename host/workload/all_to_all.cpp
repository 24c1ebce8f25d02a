// all-to-all: every CPU that takes part is client and server, and sends by a pattern
// (scenario/pattern.h) in which it counts by its place among them.
#include <algorithm>

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
  Requestor requestor(process, site, context, spec.window, spec.pause_cycles);
  RandomStream random = context.random(site.cpu);
  const auto place = static_cast<unsigned>(std::ranges::find(spec.cpus, site.cpu) -
                                           spec.cpus.begin());
  const auto places = static_cast<unsigned>(spec.cpus.size());
  for (std::uint64_t i = 0; i < spec.count; ++i) {
    const unsigned to = destination(spec.pattern, place, places, random);
    co_await requestor.send(servers[to], spec.bytes, 0);
  }
  co_await requestor.finish();
}

}  // namespace

void plan_workload(const AllToAllSpec& spec, WorkloadContext& context) {
  std::vector<ProcessAddress> servers;
  for (const unsigned cpu : spec.cpus) servers.push_back(context.add_server(cpu));
  for (const unsigned cpu : spec.cpus) {
    context.add_client(cpu, spec.count, [=, &context](Process& process, Site& site) {
      return all_to_all_client(process, site, context, spec, servers);
    });
  }
}

}  // namespace xybus
