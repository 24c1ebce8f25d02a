/// All links of one CPU: the pool of LCBs, and what each process has to be told.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "firmware/message/lcb.h"
#include "firmware/message/peer_index.h"

namespace xybus {

/// How many LCBs a process holds of one kind, and how many it may.
struct LcbQuota {
  unsigned limit = 0;
  unsigned held = 0;
  bool used_up() const { return held >= limit; }
};

/// What waits for one process, and what it may hold.
struct Mailbox {
  LcbQueue<&Lcb::process_hook> requests;   ///< To listen to.
  LcbQueue<&Lcb::process_hook> done;       ///< Its own links that ended.
  LcbQueue<&Lcb::process_hook> cancelled;  ///< Links it serves that were cancelled.
  QueueOrder order = QueueOrder::arrival;
  LcbQuota receive{LinkLimits{}.receive};
  LcbQuota send{LinkLimits{}.send};

  /// Puts a request where it belongs in `requests`.
  void queue(Lcb& lcb);
};

class LinkTable {
 public:
  /// `lcbs` 1 to 65535, else std::invalid_argument; and `reserve` more for the kernel's own
  /// messages, or as many as there are names left for (65536 in all). `epoch` is this incarnation
  /// of the CPU: names begin differently in each, so that a reply to an earlier one finds no link
  /// of this one.
  LinkTable(unsigned lcbs, unsigned epoch, unsigned reserve = 0);

  /// A clean LCB with a name of its own, in its first state, that counts for this process; nullptr
  /// when none is free, or the process has as many as it may.
  Lcb* allocate(LinkState first, Pin pin);
  /// The same for a message of the kernel's own, which counts for nobody; nullptr when none of the
  /// reserve is free.
  Lcb* allocate_reserved(SystemCode code, Pin pin);
  /// Frees an LCB that is in no queue; its name is never good again (until 65535 uses later).
  void release(Lcb& lcb);
  /// The LCB with this name; nullptr when there is none any more.
  Lcb* find(LinkId id);

  /// Makes a server's end known to `find_served`: its peer and peer_link are set.
  void index(Lcb& lcb) {
    served_.insert(lcb);
    ++served_for_[lcb.peer.cpu];
  }
  /// Whether another server's end may serve that CPU: all its requests together hold three
  /// quarters of the pool at most, so that it cannot shut out the others.
  bool may_serve(unsigned cpu) const { return served_for_[cpu] < pool_ - pool_ / 4; }
  /// The server's end of the link that `cpu` calls so; nullptr when there is none.
  Lcb* find_served(unsigned cpu, LinkId peer_link) const { return served_.find(cpu, peer_link); }

  /// All LCBs, free ones and the reserve too, in a fixed order. For rare occasions.
  std::vector<Lcb>& all() { return lcbs_; }
  const std::vector<Lcb>& all() const { return lcbs_; }
  unsigned size() const { return pool_; }
  /// Those of the pool; and how many of the pool and the reserve are in use.
  unsigned free_count() const { return static_cast<unsigned>(free_.size()); }
  unsigned in_use() const {
    return static_cast<unsigned>(lcbs_.size() - free_.size() - free_reserve_.size());
  }

  /// What is called with the free LCBs of the pool when they come to be less than a tenth of it;
  /// again only when a fifth was free meanwhile.
  void on_low(std::function<void(unsigned free)> handler) { low_handler_ = std::move(handler); }

  Mailbox& mailbox(Pin pin);

 private:
  LcbQuota& quota(LinkState state, Pin pin);

  const unsigned pool_;
  std::vector<Lcb> lcbs_;  // the pool, then the reserve; never resized: queues hold addresses
  std::vector<Lcb*> free_, free_reserve_;
  std::vector<Mailbox> mailboxes_;  // by pin
  PeerIndex served_;
  std::array<unsigned, contract::max_nodes> served_for_{};  // server's ends, by requestor's CPU
  std::function<void(unsigned)> low_handler_;
  bool low_ = false;
};

}  // namespace xybus
