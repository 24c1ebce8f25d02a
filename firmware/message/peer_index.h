/// Finds the server's end of a link by the name that the requestor's CPU has for it.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "firmware/message/lcb.h"

namespace xybus {

/// A hash table whose chains run through the LCBs. The names of one CPU's links that exist at the
/// same time differ in their index, so chains stay short.
class PeerIndex {
 public:
  /// For so many LCBs.
  explicit PeerIndex(unsigned lcbs) : buckets_(std::bit_ceil(lcbs)) {}

  /// Its peer and peer_link must not change until it is removed.
  void insert(Lcb& lcb) {
    Lcb*& head = bucket(lcb.peer.cpu, lcb.peer_link);
    lcb.next_in_index = head;
    head = &lcb;
  }

  /// No error when it is not there.
  void remove(Lcb& lcb) {
    Lcb** at = &bucket(lcb.peer.cpu, lcb.peer_link);
    while (*at != nullptr && *at != &lcb) at = &(*at)->next_in_index;
    if (*at != nullptr) *at = lcb.next_in_index;
    lcb.next_in_index = nullptr;
  }

  /// nullptr when there is none.
  Lcb* find(unsigned cpu, LinkId peer_link) const {
    Lcb* lcb = buckets_[place(cpu, peer_link)];
    while (lcb != nullptr && (lcb->peer.cpu != cpu || lcb->peer_link != peer_link)) {
      lcb = lcb->next_in_index;
    }
    return lcb;
  }

 private:
  std::size_t place(unsigned cpu, LinkId peer_link) const {
    constexpr std::uint32_t spread = 0x9e37;  // keeps the low names of several CPUs apart
    return (peer_link.value ^ cpu * spread) & (buckets_.size() - 1);
  }
  Lcb*& bucket(unsigned cpu, LinkId peer_link) { return buckets_[place(cpu, peer_link)]; }

  std::vector<Lcb*> buckets_;
};

}  // namespace xybus
