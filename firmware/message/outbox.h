/// What waits: LCBs, in order for each destination, destinations taking turns.
#pragma once

#include <array>

#include "contract/contract.h"
#include "firmware/message/lcb.h"

namespace xybus {

/// Packets are made, and data is copied, only when there is a buffer; so what waits is the LCB:
/// the wait is bounded by the LCBs there are, and nothing is lost or overtaken.
template <LcbHook Lcb::*hook>
class Outbox {
 public:
  /// `here` is this CPU.
  explicit Outbox(unsigned here) : here_(here) {}

  /// Puts an LCB at the end of the queue to its peer; no error when it is there.
  void push(Lcb& lcb) {
    if (!(lcb.*hook).queued) queues_[lcb.peer.cpu].push(lcb);
  }
  /// Takes an LCB out of the queue, if it is in it.
  void withdraw(Lcb& lcb) { queues_[lcb.peer.cpu].remove(lcb); }

  /// The LCB whose turn it is of those to other CPUs that `may(cpu)`; nullptr when there is none.
  template <class May>
  Lcb* next_remote(May may) {
    for (unsigned i = 1; i <= contract::max_nodes; ++i) {
      const unsigned cpu = (turn_ + i) % contract::max_nodes;
      if (cpu == here_ || queues_[cpu].empty() || !may(cpu)) continue;
      turn_ = cpu;
      return queues_[cpu].front();
    }
    return nullptr;
  }
  /// The first LCB whose peer is on this CPU.
  Lcb* next_local() const { return queues_[here_].front(); }
  /// Whether any waits whose peer is on another CPU.
  bool any_remote() const {
    for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
      if (cpu != here_ && !queues_[cpu].empty()) return true;
    }
    return false;
  }

 private:
  const unsigned here_;
  unsigned turn_ = 0;  // the destination served last
  std::array<LcbQueue<hook>, contract::max_nodes> queues_;
};

}  // namespace xybus
