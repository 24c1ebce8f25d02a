/// All links of one CPU: the pool of LCBs, and what each process has to be told.
#pragma once

#include <vector>

#include "firmware/message/lcb.h"

namespace xybus {

/// What waits for one process.
struct Mailbox {
  LcbQueue<&Lcb::process_hook> requests;   ///< To listen to.
  LcbQueue<&Lcb::process_hook> done;       ///< Its own links that ended.
  LcbQueue<&Lcb::process_hook> cancelled;  ///< Links it serves that were cancelled.
};

class LinkTable {
 public:
  /// `lcbs` 1 to 65535, else std::invalid_argument. `epoch` is this incarnation of the CPU: names
  /// begin differently in each, so that a reply to an earlier one finds no link of this one.
  LinkTable(unsigned lcbs, unsigned epoch);

  /// A clean LCB with a name of its own; nullptr when none is free.
  Lcb* allocate();
  /// Frees an LCB that is in no queue; its name is never good again (until 65535 uses later).
  void release(Lcb& lcb);
  /// The LCB with this name; nullptr when there is none any more.
  Lcb* find(LinkId id);

  /// All LCBs, free ones too, in a fixed order.
  std::vector<Lcb>& all() { return lcbs_; }
  unsigned free_count() const { return static_cast<unsigned>(free_.size()); }

  Mailbox& mailbox(Pin pin);

 private:
  std::vector<Lcb> lcbs_;  // never resized: queues hold addresses
  std::vector<Lcb*> free_;
  std::vector<Mailbox> mailboxes_;  // by pin
};

}  // namespace xybus
