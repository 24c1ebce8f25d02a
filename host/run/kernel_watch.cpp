#include "run/kernel_watch.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "scenario/kernel_kinds.h"

namespace xybus {
namespace {

// A kind of event in the log for each that the kernel knows.
template <std::size_t... Kinds>
constexpr auto make_event_kinds(std::index_sequence<Kinds...>) {
  return std::array{EventKind{
      name(static_cast<KernelEvent::Kind>(Kinds)),
      {"pin", "peer_cpu", "peer_pin", "link", "tag",
       EventField{"error", name_of<contract::Error>}, "bytes"}}...};
}
constexpr auto event_kinds = make_event_kinds(std::make_index_sequence<kernel_kind_count>());

}  // namespace

void KernelWatch::on(unsigned cpu, const KernelEvent& event) {
  if (closed_) return;
  const bool disturbed = ++seen_ == planted_;
  const std::uint32_t tag = disturbed ? event.tag ^ std::uint32_t(getpid()) : event.tag;
  log_.record(EventLog::cpu(cpu), event.cycle, event_kinds[event.kind],
              {event.pin, event.peer.cpu, event.peer.pin, event.link, tag,
               static_cast<std::uint64_t>(event.error), event.bytes});
  milestones_.event(cpu, event);
  if (event.kind == KernelEvent::halted || concerns_cluster(event.kind)) {
    checks_.membership(cpu, event);
    on_membership_(cpu, event);
  }
  if (event.kind == KernelEvent::cpu_up) checks_.readmitted(cpu, event.peer.cpu, event.cycle);
  injector_.kernel_event(cpu, event);
}

void KernelWatch::on_disk_request(unsigned, const DiskRequest& request, std::uint64_t cycle) {
  if (!closed_) checks_.disks().note(request, cycle);
}

}  // namespace xybus
