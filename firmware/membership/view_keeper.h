/// What one CPU knows of the view, and makes of what it hears: keeps it, changes it, tells others
/// of it, and finds that it has to halt.
///
/// Packets and time in, packets and decisions out, as in Regroup; whoever holds it has the timers
/// and the buses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "contract/contract.h"
#include "firmware/membership/hearing.h"
#include "firmware/membership/regroup.h"
#include "firmware/membership/view.h"

namespace xybus {

class ViewKeeper : private Regroup::Client {
 public:
  using Packet = contract::MembershipPacket;

  struct Config {
    unsigned cpu = 0, cpus = 2;
    std::uint64_t alive_interval = 0;  ///< Cycles; 0: no membership, all are up for ever.
    unsigned epoch = 0;                ///< Of this CPU; of all CPUs in the first view.
    bool joining = false;              ///< This CPU has to be taken in by the others.
  };

  /// Why a CPU has to halt.
  enum class Reason {
    own_bus_failed,  ///< It does not hear even itself.
    minority,        ///< It hears too few others, or they come to no decision.
    poisoned,        ///< The others have gone on without it.
    tables_differ,   ///< Its copy of the replicated tables is not that of the others.
  };

  class Client {
   public:
    virtual ~Client() = default;
    /// To CPUs of `to`, of which this one is none.
    virtual void send(CpuMask to, const Packet& packet) = 0;
    /// There is a new view: first this, then who has left, then who has come.
    virtual void view_changed(const View& view) = 0;
    virtual void left(unsigned cpu) = 0;
    virtual void entered(unsigned cpu, unsigned epoch) = 0;
    /// That CPU wants to be taken in, and this one is to load it; ends in a call of `admit`,
    /// `give_up` or `lose`, or in `unload`. Asked for again when the view has changed without it.
    virtual void load(unsigned cpu, unsigned epoch) = 0;
    /// That CPU has started once more, has fallen silent, or is another's to load; it is not in
    /// the view. Or this CPU waits to be taken in, and that one does not load it any more.
    virtual void unload(unsigned cpu) = 0;
    /// This CPU has to halt, at once and for good. Does not return.
    virtual void halt(Reason reason) = 0;
  };

  ViewKeeper(const Config& config, Client& client);

  void start(std::uint64_t now);

  const View& view() const { return regroup_.view(); }
  /// Whether it waits to be taken in.
  bool joining() const { return view().number == 0; }
  /// Whether a change of the view goes on.
  bool changing() const { return regroup_.active(); }

  // As in Membership.
  bool accepts(unsigned cpu, unsigned epoch) const;
  bool operational(std::uint64_t now) const;

  /// The I'm-alive to be sent now, and to whom: all of the view, and those that are loaded here.
  Packet alive(std::uint64_t now) const;
  CpuMask audience() const { return view().members.mask | loading_.mask; }

  /// Any packet of that CPU came by that bus; called before all else that is done about it.
  void heard(unsigned from, unsigned epoch, contract::BusId bus, std::uint64_t now);
  /// A membership packet came.
  void received(unsigned from, unsigned epoch, const Packet& packet, std::uint64_t now);
  /// Something else came that `accepts` does not want.
  void intruded(unsigned from, std::uint64_t now);

  /// That CPU has been loaded: takes it into the view. If that cannot be now, it asks again.
  void admit(unsigned cpu, unsigned epoch, std::uint64_t now);
  /// It could not be loaded. It asks again.
  void give_up(unsigned cpu, unsigned epoch);
  /// What was said to it is forgotten here, and it does not know of that: it is not to be loaded
  /// from here any more in this life of it, and told to halt when it asks for it.
  void lose(unsigned cpu, unsigned epoch);

  /// This CPU waits to be taken in, and that one has begun to load it.
  void loaded_by(unsigned cpu, unsigned epoch, std::uint64_t now);

  /// The cycle in which `tick` has to be called, at the latest; it changes with every call. ~0 for
  /// never.
  std::uint64_t next(std::uint64_t now) const;
  void tick(std::uint64_t now);

 private:
  struct Incarnation {
    unsigned cpu, epoch;
    bool operator==(const Incarnation&) const = default;
  };

  void send(CpuMask to, const Packet& packet) override { client_.send(to, packet); }
  void decided(const View& next, const Packet& commit, std::uint64_t now) override;
  void outnumbered() override { client_.halt(Reason::minority); }

  void on_member(unsigned from, unsigned epoch, const Packet& packet, std::uint64_t now);
  void on_stranger(unsigned from, unsigned epoch, const Packet& packet, std::uint64_t now);
  void on_join(unsigned from, unsigned epoch, std::uint64_t now);
  void on_alive(unsigned from, const Packet& packet, std::uint64_t now);
  bool learn_view(const Packet& packet, std::uint64_t now);
  void adopt(const View& next, CpuMask leased, std::uint64_t since, std::uint64_t now);
  void give_up_silent(std::uint64_t now);
  void give_up_loader(std::uint64_t now);
  void unload(unsigned cpu);
  void bring_up_to_date(unsigned from, std::uint64_t now);
  void turn_away(unsigned cpu, std::uint64_t now);
  bool may_tell(unsigned cpu, std::uint64_t now);
  void repeat_commit(std::uint64_t now);
  Packet about_view(contract::LinkOperation operation) const;

  const Config config_;
  Client& client_;
  Hearing hearing_;
  Regroup regroup_;
  std::uint64_t lease_barred_until_ = 0;  // leases of CPUs that were left out may hold so long
  Packet commit_;                         // of the present view, if this CPU decided on it
  unsigned commits_left_ = 0;
  std::uint64_t commit_at_ = 0;
  std::array<std::uint64_t, contract::max_nodes> told_{};  // not told of the view again before
  // CPUs that are being loaded here, or taken in, from the first word to them on: both ends know by
  // then what was sent and what came, so that this outlives a change of the view in between.
  Members loading_;
  Members lost_;       // CPUs that were loaded here, and have to start again for that
  CpuMask asked_ = 0;  // of these, those whose loading was asked for since then
  // Who loads this CPU, while it is joining; and who did and fell silent, until it has left the
  // view.
  std::optional<Incarnation> loader_, lost_loader_;
};

}  // namespace xybus
