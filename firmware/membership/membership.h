/// Which CPUs are up, as far as this one can tell: I'm-alive packets, and the fate of all others.
///
/// Thin on purpose: each CPU judges for itself. Agreement between CPUs (regroup) and poison for
/// the wrongly alive come on top of this.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/packet_port.h"

namespace xybus {

class Membership {
 public:
  /// Intervals without a packet from a CPU after which it is declared down.
  static constexpr unsigned silent_intervals = 2;

  struct Listener {
    std::function<void(unsigned cpu)> down;  ///< Declared down.
    /// A new incarnation of it was heard.
    std::function<void(unsigned cpu, unsigned epoch)> up;
  };

  /// `alive_interval` in cycles; 0: no I'm-alive is sent and silence is no sign.
  Membership(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
             std::uint64_t alive_interval, Listener listener);

  /// Starts the I'm-alive timer. All CPUs count as up until they are silent or unreachable.
  void start();

  bool up(unsigned cpu) const { return (up_mask_ >> cpu & 1U) != 0; }
  /// Bit c: CPU c is up.
  std::uint32_t up_mask() const { return up_mask_; }

  /// The incarnation of that CPU that was heard last; 0 before.
  unsigned epoch_of(unsigned cpu) const { return peers_[cpu].epoch; }

  /// A packet came from that CPU. False if it is to be dropped: the CPU was declared down, and
  /// this is still the incarnation that was. A new incarnation ends everything with the old one.
  /// Only an epoch that differs from one heard before is known to be new: a CPU declared down
  /// before it was ever heard stays down, whatever it sends first.
  bool heard(unsigned cpu, unsigned epoch);

  /// An I'm-alive packet has met its fate.
  void alive_sent(unsigned cpu, contract::SendStatus status);

  /// Declares a CPU down, with the reason. A CPU is never down to itself: one that does not hear
  /// its own I'm-alive only reports that its bus logic failed, once.
  void declare_down(unsigned cpu, contract::Error reason);

 private:
  struct Peer {
    unsigned silent = 0;  // intervals since it was heard
    bool known = false;   // epoch is valid
    unsigned epoch = 0;
  };

  void tick();
  void readmit(unsigned cpu);
  void own_bus_failed();

  Environment& environment_;
  Dispatcher& dispatcher_;
  PacketPort& port_;
  const std::uint64_t alive_interval_;
  const Listener listener_;
  std::array<Peer, contract::max_nodes> peers_{};
  std::uint32_t up_mask_;
  bool own_bus_failed_ = false;
};

}  // namespace xybus
