/// Regroup: how the CPUs of a view agree on the next one.
///
/// For each view number there is one decision, made by ballots as in Paxos (Lamport, The Part-Time
/// Parliament) among the members of the view before:
///
///     coordinator          members
///     prepare  ─────────▶                I take no lower ballot from now on
///              ◀─────────  promise       whom I hear, and what I accepted last
///     accept   ─────────▶                what was accepted, or else: those who hear each other
///              ◀─────────  accepted
///     commit   ─────────▶                once a quorum has accepted, and all who are to be in it
///
/// A ballot number is a round and, in its lowest four bits, the coordinator. What is repeated does
/// no harm, so everything is repeated until it is answered. Anybody can begin: the lowest CPU that
/// is not silent at once, others only when none does, after a time that depends on their place.
///
/// Packets and time in, packets and decisions out; nothing else is known here, so that it can be
/// tried without a machine.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "contract/contract.h"
#include "firmware/membership/hearing.h"
#include "firmware/membership/proposal.h"
#include "firmware/membership/view.h"

namespace xybus {

class Regroup {
 public:
  using Packet = contract::MembershipPacket;
  using Stage = contract::RegroupStage;

  class Client {
   public:
    virtual ~Client() = default;
    /// To CPUs of `to`, of which this one is none.
    virtual void send(CpuMask to, const Packet& packet) = 0;
    /// The next view is decided, by a ballot of this CPU; to end in a call of `settle`. `commit`
    /// was sent once to its other members.
    virtual void decided(const View& next, const Packet& commit, std::uint64_t now) = 0;
    /// Too few CPUs are not silent, or they come to no decision: this CPU has to halt.
    virtual void outnumbered() = 0;
  };

  /// `interval` in cycles, between two I'm-alives. Throws nothing.
  Regroup(unsigned cpu, unsigned epoch, std::uint64_t interval, const Hearing& hearing,
          Client& client);

  /// This is the view now; what went on about it is over.
  void settle(const View& view);
  const View& view() const { return view_; }

  /// Whether a change of the view goes on, as far as this CPU knows.
  bool active() const { return active_; }

  /// Somebody in the view is silent. Nothing happens if a change goes on already.
  void begin(std::uint64_t now);
  /// That CPU, which is not in the view, is to be taken in.
  void admit(unsigned cpu, unsigned epoch, std::uint64_t now);

  /// A regroup packet about the view that follows this one, but for a commit: from a member, or
  /// from the CPU that is to be taken in.
  void received(unsigned from, const Packet& packet, std::uint64_t now);

  /// Whether that CPU would be in the next view by what was accepted here.
  bool accepted(unsigned cpu, unsigned epoch) const {
    return accepted_ballot_ != 0 && accepted_.contain(cpu, epoch);
  }

  /// The cycle in which `tick` has to be called, at the latest; ~0 for never.
  std::uint64_t next(std::uint64_t now) const;
  /// Time has passed; calls at other times than asked for do no harm.
  void tick(std::uint64_t now);

  /// The time between two repetitions.
  std::uint64_t pause() const { return pause_; }

  /// The commit of a view. Ballot 0: in answer to one who has missed it. `leased`: CPUs that it
  /// leaves out and that may count on some of its members for the span of a lease still.
  static Packet commit(const View& view, std::uint32_t ballot, CpuMask leased);

 private:
  enum class Coordinating { no, preparing, accepting };
  struct Joiner {
    unsigned cpu, epoch;
  };

  void on_prepare(unsigned from, const Packet& packet, std::uint64_t now);
  void on_promise(unsigned from, const Packet& packet, std::uint64_t now);
  void on_accept(unsigned from, const Packet& packet, std::uint64_t now);
  void on_accepted(unsigned from, const Packet& packet, std::uint64_t now);
  void on_refuse(const Packet& packet, std::uint64_t now);

  bool follow(unsigned from, std::uint32_t ballot, std::uint64_t now);
  void activate(std::uint64_t now);
  void be_patient(std::uint64_t now);
  unsigned rank(std::uint64_t now) const;
  void coordinate(std::uint64_t now);
  void repeat(std::uint64_t now);
  void look_at_promises(std::uint64_t now);
  void look_at_acceptances(std::uint64_t now);
  Members propose() const;
  CpuMask not_silent(std::uint64_t now) const;
  Packet packet(Stage stage, std::uint32_t ballot) const;
  Packet with(Packet packet, const Members& proposal) const;

  const unsigned cpu_, epoch_;
  const std::uint64_t pause_, patience_, slack_, asking_;
  const Hearing& hearing_;
  Client& client_;
  View view_;

  // As one who is asked.
  bool active_ = false;
  std::uint64_t began_ = 0;
  std::uint32_t promised_ = 0;
  std::uint32_t accepted_ballot_ = 0;
  Members accepted_;
  std::uint32_t asked_after_ = 0;  // before it has a view: the view number of the last accept
  std::uint64_t patient_until_ = 0;

  // As coordinator.
  Coordinating coordinating_ = Coordinating::no;
  std::uint32_t ballot_ = 0;
  std::uint32_t highest_ = 0;  // ballot heard of
  std::uint64_t repeat_at_ = 0;
  CpuMask answered_ = 0;
  std::uint64_t answered_at_ = 0;  // when the last of these promised first
  HeardBy heard_by_{};
  std::uint32_t best_ballot_ = 0;
  Members best_;
  Members proposal_;
  CpuMask leased_ = 0;
  std::optional<Joiner> joiner_;
};

}  // namespace xybus
