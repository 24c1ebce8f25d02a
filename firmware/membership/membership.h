/// Which CPUs are in the machine, by the agreement of those that are.
///
///     PacketPort ─▶ Membership ──▶ ViewKeeper ──▶ view, down, up, halt
///         ▲          │ timers        │     └▶ Regroup: agreement on the next view
///         └─ BusLanes┘               └▶ Hearing: who is silent, who counts on whom
///
/// A CPU leaves the view when the others have agreed that it is silent, and for nothing else. One
/// that has left is told so, by poison, whatever it sends; it halts, and comes back only as a new
/// incarnation that was taken in. One that has no majority left, or does not hear itself, halts.
#pragma once

#include <cstdint>
#include <functional>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/membership/bus_lanes.h"
#include "firmware/membership/view.h"
#include "firmware/membership/view_keeper.h"
#include "firmware/message/packet_port.h"

namespace xybus {

class Membership : private ViewKeeper::Client {
 public:
  struct Listener {
    /// It has left the view, or has not come into it and is forgotten.
    std::function<void(unsigned cpu)> down;
    std::function<void(unsigned cpu, unsigned epoch)> up;    ///< It is in the view now.
    /// On the CPU that takes another in: it is to be loaded. Messages with it are to be possible
    /// from now on, until `up` or `down`. Ends in a call of `admit`, `give_up` or
    /// `lose`.
    std::function<void(unsigned cpu, unsigned epoch)> load;
    /// This CPU has to halt, at once and for good; does not return.
    std::function<void()> halt;
  };

  struct Config {
    std::uint64_t alive_interval = 0;  ///< Cycles; 0: no membership, all are up for ever.
    unsigned epoch = 0;                ///< Of this CPU; of all CPUs in the first view.
    bool joining = false;              ///< This CPU has to be taken in by the others.
  };

  Membership(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
             const Config& config, Listener listener);

  /// Starts the timers.
  void start();

  /// Cycles between I'm-alives; 0: there are none.
  std::uint64_t alive_interval() const { return config_.alive_interval; }

  const View& view() const { return keeper_.view(); }
  bool up(unsigned cpu) const { return has(up_mask(), cpu); }
  /// Bit c: CPU c is in the view. A CPU that is not in it yet knows of nobody, itself apart.
  CpuMask up_mask() const;
  /// The incarnation of a CPU of the view.
  unsigned epoch_of(unsigned cpu) const { return view().members.epochs.of(cpu); }
  /// Whether a packet of that incarnation of a CPU is to be taken: it is in the view, or will be
  /// by what this CPU has accepted.
  bool accepts(unsigned cpu, unsigned epoch) const { return keeper_.accepts(cpu, epoch); }

  /// Whether this CPU is in a view; not while it waits to be taken in.
  bool member() const { return !keeper_.joining(); }
  /// Whether a change of the view goes on. It ends with another view, or this CPU halts.
  bool changing() const { return keeper_.changing(); }

  /// Whether this CPU may do what only one part of a divided machine may: it is in the view, no
  /// change of that goes on, and enough of its members have confirmed lately that they hear it.
  bool operational() const { return keeper_.operational(now()); }

  /// A packet came. True if it is for the message system: not a membership packet, and from a CPU
  /// that `accepts` knows.
  bool received(const ReceivedPacket& packet);

  /// A membership packet has met its fate.
  void sent(contract::BusId bus, CpuMask to, CpuMask missed) { lanes_.sent(bus, to, missed); }

  /// That CPU has been loaded: takes it into the view, or, when the view changes already, not;
  /// then it asks again.
  void admit(unsigned cpu, unsigned epoch);
  /// It could not be loaded. It asks again.
  void give_up(unsigned cpu, unsigned epoch) { keeper_.give_up(cpu, epoch); }

  /// The replicated tables here are not those of the others, and no update makes them so: this CPU
  /// has to halt, and is loaded when it comes back. Does not return.
  void tables_differ() { halt(ViewKeeper::Reason::tables_differ); }

  /// It does not let itself be loaded, though it asks for it: it has to start again.
  void lose(unsigned cpu, unsigned epoch) { keeper_.lose(cpu, epoch); }

  /// That CPU has begun to load this one, which waits to be taken in. From now on `down` tells when
  /// it does not any more: another one does, or it has fallen silent.
  void loaded_by(unsigned cpu, unsigned epoch);

  /// I'm-alives that were left out, because the one before was still on its way, or replaced.
  std::uint64_t alives_left_out() const { return lanes_.alives_left_out(); }
  /// Packets that were not taken: too short, or of links and from a CPU that is not in the view.
  std::uint64_t refused_packets() const { return refused_packets_; }

 private:
  using Packet = contract::MembershipPacket;

  void send(CpuMask to, const Packet& packet) override { lanes_.send(to, packet); }
  void view_changed(const View& view) override;
  void left(unsigned cpu) override;
  void entered(unsigned cpu, unsigned epoch) override;
  void load(unsigned cpu, unsigned epoch) override;
  void unload(unsigned cpu) override { listener_.down(cpu); }
  void halt(ViewKeeper::Reason reason) override;

  /// Counts it.
  bool refuse() {
    ++refused_packets_;
    return false;
  }
  void alive_tick();
  void join_tick();
  void arm();
  std::uint64_t now() const { return environment_.hal().now(); }

  Environment& environment_;
  Dispatcher& dispatcher_;
  PacketPort& port_;
  const Config config_;
  const Listener listener_;
  ViewKeeper keeper_;
  BusLanes lanes_;
  std::uint64_t next_alive_ = 0;
  std::uint64_t refused_packets_ = 0;
  TimerId timer_{};
  std::uint64_t timer_at_ = 0;
};

}  // namespace xybus
