#include "firmware/message/transfer_repeater.h"

#include <algorithm>
#include <bit>

namespace xybus {

namespace {

constexpr std::uint64_t first_pause = 500;
constexpr std::uint32_t bit(WindowNumber number) { return 1U << number; }

}  // namespace

void TransferRepeater::failed(WindowNumber number, contract::SendStatus status, bool wanted) {
  const unsigned cpu = port_.transfers().windows().peer(number);
  Peer& peer = peers_[cpu];
  if (wanted) peer.waiting |= bit(number);
  if (wanted && status == contract::SendStatus::unreachable) peer.unreachable = true;
  if (!peer.timer) start_pause(cpu);
}

void TransferRepeater::reached(unsigned cpu) {
  Peer& peer = peers_[cpu];
  if (peer.pause == 0) return;
  dispatcher_.cancel(peer.timer);
  while (peer.waiting != 0) repeat_first(peer);
  peer = {};
}

void TransferRepeater::withdraw(WindowNumber number) {
  peers_[port_.transfers().windows().peer(number)].waiting &= ~bit(number);
}

void TransferRepeater::forget(unsigned cpu) {
  dispatcher_.cancel(peers_[cpu].timer);
  peers_[cpu] = {};
}

void TransferRepeater::start_pause(unsigned cpu) {
  Peer& peer = peers_[cpu];
  if (peer.waiting == 0) {
    peer = {};  // whatever comes next finds out
    return;
  }
  peer.pause = std::min(peer.pause == 0 ? first_pause : 2 * peer.pause, longest_pause_);
  peer.timer = dispatcher_.after(peer.pause, [this, cpu] { end_pause(cpu); });
}

/// One transfer is enough to see whether that CPU takes any.
void TransferRepeater::end_pause(unsigned cpu) {
  Peer& peer = peers_[cpu];
  peer.timer = {};
  if (peer.waiting == 0) {  // their links have ended
    peer = {};
    free_();
    return;
  }
  if (peer.unreachable) port_.raise_if_both_down(cpu);
  peer.unreachable = false;
  repeat_first(peer);
  port_.ring_doorbells();
}

void TransferRepeater::repeat_first(Peer& peer) {
  const std::uint32_t after = peer.waiting & ~(2 * bit(peer.last) - 1);
  const auto number =
      static_cast<WindowNumber>(std::countr_zero(after != 0 ? after : peer.waiting));
  peer.waiting &= ~bit(number);
  peer.last = number;
  ++repeats_;
  port_.transfers().repeat(number);
}

}  // namespace xybus
