/// Posts transfers again that were not taken, after a pause, until they end or nobody wants them.
///
/// A transfer may have come to its end although it failed: the last answer is uncertain. Doing it
/// once more does no harm, since data is the same and each piece comes into a window of a name of
/// its own.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/message/packet_port.h"
#include "firmware/message/transfer_ring.h"

namespace xybus {

class TransferRepeater {
 public:
  /// `longest_pause` in cycles. `free` is called when a CPU is not held any more and no event was
  /// the reason, so that nobody would look otherwise.
  TransferRepeater(Dispatcher& dispatcher, PacketPort& port, std::uint64_t longest_pause,
                   std::function<void()> free)
      : dispatcher_(dispatcher),
        port_(port),
        longest_pause_(longest_pause),
        free_(std::move(free)) {}

  /// Whether new transfers to that CPU have to wait, because others do.
  bool held(unsigned cpu) const { return peers_[cpu].pause != 0; }

  /// A transfer to that CPU was not taken, and its link wants it still, or does not.
  void failed(WindowNumber number, contract::SendStatus status, bool wanted);
  /// One has come through, or was refused: that CPU can be reached and is not busy.
  void reached(unsigned cpu);
  /// A window is given back: what waits in it is not wanted any more.
  void withdraw(WindowNumber number);
  /// That CPU is down.
  void forget(unsigned cpu);

  /// Transfers that were posted again.
  std::uint64_t repeats() const { return repeats_; }

 private:
  struct Peer {
    std::uint32_t waiting = 0;  // bit n: the transfer of window n
    WindowNumber last = 0;      // tried again last: each has its turn
    bool unreachable = false;   // both paths were down
    std::uint64_t pause = 0;    // the last one; 0 when it takes what comes
    TimerId timer{};
  };

  void start_pause(unsigned cpu);
  void end_pause(unsigned cpu);
  void repeat_first(Peer& peer);

  Dispatcher& dispatcher_;
  PacketPort& port_;
  const std::uint64_t longest_pause_;
  const std::function<void()> free_;
  std::array<Peer, contract::max_nodes> peers_{};
  std::uint64_t repeats_ = 0;
};

}  // namespace xybus
