// updates: clients change a table that every CPU has a copy of, one update after the other each.
#include <memory>
#include <vector>

#include "firmware/update/converse.h"
#include "firmware/update/updater.h"
#include "workload/update_table.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

// Cycles to wait before trying again what found no link control block.
constexpr std::uint64_t retry_pause = 1000;

Task<> updates_client(Process& process, Site& site, WorkloadContext& context,
                      const UpdatesSpec& spec, unsigned table) {
  ReplicaWatch& watch = context.cluster().replicas();
  RandomStream pauses = context.pause_random(site.cpu);
  const ProcessAddress updater{static_cast<std::uint8_t>(site.cpu), Updater::pin};
  std::vector<std::byte> content(spec.bytes);
  std::uint64_t next = 0;
  for (std::uint32_t number = 0; number < spec.count; ++number) {
    if (const std::uint64_t now = site.hal.now(); now < next) {
      co_await process.wait(EventBit{}, next - now);
    }
    if (spec.pause_cycles != 0) next = site.hal.now() + pauses.below(2 * spec.pause_cycles + 1);
    UpdateTable::make(context, site.cpu, number, content);
    const UpdateRequest request(table, content);
    const UpdateName name{context.index(), static_cast<std::uint8_t>(site.cpu), number};
    watch.sent(name, site.hal.now());
    Error error = Error::no_lcb;
    while (error == Error::no_lcb) {
      const Completion done =
          co_await converse(site.kernel.messages(), process, updater, request.bytes(), {});
      error = done.error;
      if (error == Error::no_lcb) co_await process.wait(EventBit{}, retry_pause);
    }
    if (error == Error::none) {
      watch.acknowledged(name, site.hal.now());
    } else {
      watch.failed(name, site.hal.now(), error);
    }
    context.ended(site.cpu);
  }
}

}  // namespace

void plan_workload(const UpdatesSpec& spec, WorkloadContext& context) {
  const unsigned number = context.next_table();
  const auto tables =
      std::make_shared<std::vector<std::unique_ptr<UpdateTable>>>(context.cpus());
  context.on_boot([=, &context](Site& site) {
    auto& table = (*tables)[site.cpu];
    table = std::make_unique<UpdateTable>(context, site.cpu, number);
    site.kernel.replica().add(number, *table);
  });
  for (const unsigned cpu : spec.cpus) {
    context.add_client(cpu, spec.count, [=, &spec, &context](Process& process, Site& site) {
      return updates_client(process, site, context, spec, number);
    });
  }
}

}  // namespace xybus
