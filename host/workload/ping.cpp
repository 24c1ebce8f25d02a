// ping: requests from one CPU to another, one at a time, each answered by a reply.
#include "workload/requestor.h"

namespace xybus {
namespace {

Task<> ping_client(Process& process, Site& site, WorkloadContext& context, PingSpec spec,
                   ProcessAddress server) {
  Requestor requestor(process, site, context, 1, spec.pause_cycles);
  for (std::uint64_t i = 0; i < spec.count; ++i) {
    co_await requestor.send(server, spec.bytes, spec.reply_bytes);
  }
  co_await requestor.finish();
}

}  // namespace

void plan_workload(const PingSpec& spec, WorkloadContext& context) {
  const ProcessAddress server = context.add_server(spec.to);
  context.add_client(spec.from, spec.count, [=, &context](Process& process, Site& site) {
    return ping_client(process, site, context, spec, server);
  });
}

}  // namespace xybus
