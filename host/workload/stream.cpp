// stream: messages from one CPU to another, a window of them outstanding, empty replies.
#include "workload/requestor.h"

namespace xybus {
namespace {

Task<> stream_client(Process& process, Site& site, WorkloadContext& context, StreamSpec spec,
                     ProcessAddress server) {
  Requestor requestor(process, site, context, spec.window, spec.pause_cycles);
  for (std::uint64_t i = 0; i < spec.count; ++i) co_await requestor.send(server, spec.bytes, 0);
  co_await requestor.finish();
}

}  // namespace

void plan_workload(const StreamSpec& spec, WorkloadContext& context) {
  const ProcessAddress server = context.add_server(spec.to);
  context.add_client(spec.from, spec.count, [=, &context](Process& process, Site& site) {
    return stream_client(process, site, context, spec, server);
  });
}

}  // namespace xybus
