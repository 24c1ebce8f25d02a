/// How membership packets leave: by both buses, each for itself, and never more than one of them at
/// a time on each. So a bus that lets them wait does not hold up those of the other.
///
/// The engine has one packet at a time for each destination. One that waits for the grant of a dead
/// bus would hold up all others to its destinations, until it is given up; so the I'm-alive for a
/// bus that has carried the last one to nobody is to this CPU alone, until that comes through.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "firmware/membership/view.h"
#include "firmware/message/packet_port.h"

namespace xybus {

class BusLanes {
 public:
  using Packet = contract::MembershipPacket;

  /// For the CPU of that number.
  BusLanes(PacketPort& port, unsigned cpu) : port_(port), cpu_(cpu) {}

  /// I'm-alive by each bus. One that the last is still on its way by, or waits for another packet
  /// of, is left out; one that found no descriptor is replaced.
  void send_alive(CpuMask to, const Packet& packet);

  /// Any other packet by each bus that carried the last I'm-alive to anybody; by both if neither
  /// did. One of the same kind to the same CPUs that still waits is replaced; of too many the
  /// oldest goes. (All of them are repeated until they are answered.)
  void send(CpuMask to, const Packet& packet);

  /// A packet of that bus has met its fate: CPUs of `to`, but for those of `missed`, have it.
  void sent(contract::BusId bus, CpuMask to, CpuMask missed);

  /// I'm-alives that were left out, or replaced before they left.
  std::uint64_t alives_left_out() const { return alives_left_out_; }

 private:
  struct Entry {
    CpuMask to = 0;
    Packet packet;
  };
  static constexpr std::size_t most_waiting = 20;  // answers to all CPUs, and some

  struct Lane {
    bool posted = false;
    bool posted_alive = false;
    bool dead = false;  // nobody got the last I'm-alive, not even this CPU
    std::optional<Entry> alive;
    std::optional<Entry> tried;  // the I'm-alive that is on its way to this CPU alone
    std::array<Entry, most_waiting> waiting;
    std::size_t count = 0;
  };

  void put(Lane& lane, const Entry& entry);
  void pump(contract::BusId bus);
  bool post_alive(contract::BusId bus);
  bool post(contract::BusId bus, const Entry& entry);

  PacketPort& port_;
  const unsigned cpu_;
  std::array<Lane, 2> lanes_;
  std::uint64_t alives_left_out_ = 0;
};

}  // namespace xybus
