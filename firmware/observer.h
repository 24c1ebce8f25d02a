/// What a kernel tells whoever watches it. Watching takes no time and changes nothing.
#pragma once

#include <cstdint>

#include "contract/contract.h"
#include "firmware/disk_request.h"
#include "firmware/message/link.h"

namespace xybus {

/// One thing that happened on one CPU.
struct KernelEvent {
  enum Kind {
    process_created,  ///< `pin`.
    process_stopped,  ///< `pin`.
    link_sent,        ///< Requestor `pin` called link to `peer`; `bytes` of request.
    link_queued,      ///< A request from `peer` joined the queue of server `pin`; `bytes` of it.
    link_refused,     ///< A request from `peer` for `pin` could not be queued: `error`.
    link_listened,    ///< Server `pin` took it; `bytes` of request.
    link_read,        ///< A readlink of server `pin` ended with `error`; `bytes` wanted.
    link_replied,     ///< Server `pin` called writelink with `error`; `bytes` of reply.
    link_done,        ///< Requestor `pin`'s link ended with `error`; `bytes` of reply.
    link_broken,      ///< Requestor `pin` called breaklink.
    link_cancelled,   ///< The link that server `pin` had from `peer` is cancelled: `error`.
    system_message,   ///< The kernel queued a message of its own for `pin`; `tag` is its subject.
    lcbs_low,         ///< Less than a tenth of the LCBs is free: `bytes` of them.
    update_applied,   ///< Update number `link`, of CPU `peer.cpu` by its counter `tag`; `bytes`.
    name_changed,     ///< The name with hash `tag` has primary `peer` (0, 0: nobody has it any more)
                      ///< and the backup with `pin` on CPU `bytes` (pin 0: none).
    cpu_down,         ///< CPU `peer.cpu` has left the view: `error`.
    cpu_up,           ///< CPU `peer.cpu` has come into the view.
    view_changed,     ///< `link` is the number of the view, `tag` its members.
    own_bus_failed,   ///< This CPU does not hear its own I'm-alive, and has to halt. In this and
                      ///< the next three, the view is as in view_changed.
    minority,         ///< It hears too few others, or they do not agree, and it has to halt.
    poisoned,         ///< The others have gone on without it, and it has to halt.
    tables_differ,    ///< Its tables are not those of the locker, and it has to halt.
    halted,           ///< It has halted by itself.
    checkpoint_sent,  ///< Primary `pin` tells its backup `peer`; `bytes` of it.
    checkpoint_done,  ///< The backup has it, or `error`.
    took_over,        ///< Backup `pin` is the primary instead of `peer`; `tag`: why.
  };

  std::uint64_t cycle = 0;
  Kind kind = process_created;
  Pin pin = 0;
  ProcessAddress peer{};   ///< The process at the other end.
  std::uint32_t link = 0;  ///< LinkId on this CPU.
  std::uint32_t tag = 0;
  contract::Error error = contract::Error::none;
  std::uint32_t bytes = 0;
};

/// Name of a kind, for logs.
constexpr const char* name(KernelEvent::Kind kind) {
  switch (kind) {
    case KernelEvent::process_created: return "process_created";
    case KernelEvent::process_stopped: return "process_stopped";
    case KernelEvent::link_sent: return "link_sent";
    case KernelEvent::link_queued: return "link_queued";
    case KernelEvent::link_refused: return "link_refused";
    case KernelEvent::link_listened: return "link_listened";
    case KernelEvent::link_read: return "link_read";
    case KernelEvent::link_replied: return "link_replied";
    case KernelEvent::link_done: return "link_done";
    case KernelEvent::link_broken: return "link_broken";
    case KernelEvent::link_cancelled: return "link_cancelled";
    case KernelEvent::system_message: return "system_message";
    case KernelEvent::lcbs_low: return "lcbs_low";
    case KernelEvent::update_applied: return "update_applied";
    case KernelEvent::name_changed: return "name_changed";
    case KernelEvent::cpu_down: return "cpu_down";
    case KernelEvent::cpu_up: return "cpu_up";
    case KernelEvent::view_changed: return "view_changed";
    case KernelEvent::own_bus_failed: return "own_bus_failed";
    case KernelEvent::minority: return "minority";
    case KernelEvent::poisoned: return "poisoned";
    case KernelEvent::tables_differ: return "tables_differ";
    case KernelEvent::halted: return "halted";
    case KernelEvent::checkpoint_sent: return "checkpoint_sent";
    case KernelEvent::checkpoint_done: return "checkpoint_done";
    case KernelEvent::took_over: return "took_over";
  }
  return "?";
}

class KernelObserver {
 public:
  virtual ~KernelObserver() = default;
  virtual void on(unsigned cpu, const KernelEvent& event) = 0;
  /// A request to a disk begins, or is acknowledged.
  virtual void on_disk_request(unsigned /*cpu*/, const DiskRequest&, std::uint64_t /*cycle*/) {}
};

}  // namespace xybus
