#include "firmware/membership/regroup.h"

#include <algorithm>

namespace xybus {

namespace {

// How long a change of the view may take before this CPU gives up, in intervals: longer than it
// takes to find three coordinators silent, one after the other, the first of which has waited for
// leases.
constexpr unsigned patience_intervals = 9;

// Everything is repeated after 1/16 of an interval; but the machine has to have time to answer.
constexpr unsigned pauses_in_interval = 16;
constexpr std::uint64_t least_pause = 4000;

}  // namespace

Regroup::Regroup(unsigned cpu, unsigned epoch, std::uint64_t interval, const Hearing& hearing,
                 Client& client)
    : cpu_(cpu),
      epoch_(epoch),
      pause_(std::max(interval / pauses_in_interval, least_pause)),
      patience_(patience_intervals * interval),
      slack_(interval / 8),
      asking_(interval + interval / 2),
      hearing_(hearing),
      client_(client) {}

void Regroup::settle(const View& view) {
  view_ = view;
  active_ = false;
  promised_ = accepted_ballot_ = highest_ = 0;
  accepted_ = {};
  coordinating_ = Coordinating::no;
  joiner_.reset();
}

// ---- Beginning ----------------------------------------------------------------------------------

void Regroup::begin(std::uint64_t now) {
  if (active_) return;
  activate(now);
  patient_until_ = now + rank(now) * pause_;
  tick(now);
}

void Regroup::admit(unsigned cpu, unsigned epoch, std::uint64_t now) {
  if (active_ || has(view_.members.mask, cpu)) return;
  activate(now);
  joiner_ = Joiner{cpu, epoch};
  coordinate(now);
}

void Regroup::activate(std::uint64_t now) {
  if (active_) return;
  active_ = true;
  began_ = now;
}

/// How many come before this CPU when a coordinator is wanted.
unsigned Regroup::rank(std::uint64_t now) const {
  return static_cast<unsigned>(std::popcount(not_silent(now) & (bit_of(cpu_) - 1)));
}

void Regroup::be_patient(std::uint64_t now) { patient_until_ = now + (2 + rank(now)) * pause_; }

CpuMask Regroup::not_silent(std::uint64_t now) const {
  return view_.members.mask & ~hearing_.silent(view_.members.mask, now);
}

std::uint64_t Regroup::next(std::uint64_t now) const {
  if (!active_ || view_.number == 0) return ~std::uint64_t{0};
  return std::min({coordinating_ == Coordinating::no ? patient_until_ : repeat_at_,
                   hearing_.next_silence(view_.members.mask, now), began_ + patience_});
}

void Regroup::tick(std::uint64_t now) {
  if (!active_ || view_.number == 0) return;
  if (!is_quorum(view_, not_silent(now)) || now >= began_ + patience_) {
    client_.outnumbered();
  } else if (coordinating_ == Coordinating::no) {
    if (now >= patient_until_) coordinate(now);
  } else {
    if (now >= repeat_at_) repeat(now);
    look_at_promises(now);
    look_at_acceptances(now);
  }
}

// ---- As coordinator -----------------------------------------------------------------------------

void Regroup::coordinate(std::uint64_t now) {
  const std::uint32_t round = std::max(highest_, promised_) / contract::max_nodes + 1;
  ballot_ = promised_ = highest_ = round * contract::max_nodes + cpu_;
  coordinating_ = Coordinating::preparing;
  answered_ = bit_of(cpu_);
  answered_at_ = now;
  heard_by_ = {};
  best_ballot_ = accepted_ballot_;
  best_ = accepted_;
  repeat(now);
  look_at_promises(now);
}

/// To those too that have answered: they are to know that somebody is at work, and promise again
/// with what they hear by now.
void Regroup::repeat(std::uint64_t now) {
  repeat_at_ = now + pause_;
  CpuMask others = view_.members.mask & ~bit_of(cpu_);
  if (coordinating_ == Coordinating::preparing) {
    if (others != 0) client_.send(others, packet(Stage::prepare, ballot_));
    return;
  }
  // Those that it leaves out have a vote too: without it, a proposal that has to be kept to could
  // fail for ever when one of its members has died meanwhile.
  others |= proposal_.mask & ~bit_of(cpu_);
  if (others != 0) client_.send(others, with(packet(Stage::accept, ballot_), proposal_));
}

void Regroup::on_promise(unsigned from, const Packet& packet, std::uint64_t now) {
  if (coordinating_ != Coordinating::preparing || packet.ballot() != ballot_) return;
  if (!has(answered_, from)) answered_at_ = now;
  answered_ |= bit_of(from);
  heard_by_[from] = packet.heard();
  if (packet.accepted_ballot() > best_ballot_) {
    best_ballot_ = packet.accepted_ballot();
    best_ = {packet.proposal(), {packet.epochs_low(), packet.epochs_high()}};
  }
  look_at_promises(now);
}

void Regroup::look_at_promises(std::uint64_t now) {
  if (coordinating_ != Coordinating::preparing || !is_quorum(view_, answered_)) return;
  if ((not_silent(now) & ~answered_) != 0) return;
  heard_by_[cpu_] = not_silent(now);
  const Members proposal = best_ballot_ != 0 ? best_ : propose();
  if (!is_quorum(view_, proposal.mask)) return;  // better luck with what they hear next time
  CpuMask heard_of = 0;
  for (CpuMask left = answered_; left != 0; left &= left - 1) {
    heard_of |= heard_by_[static_cast<unsigned>(std::countr_zero(left))];
  }
  // Those left out that have promised count on nobody any more.
  leased_ = view_.members.mask & ~proposal.mask & ~answered_ & heard_of;
  // Who has heard a dead CPU later than others have, by up to an interval, is asked again until it
  // finds it silent, too, or until no lease can be left: who has promised gives none, and those who
  // have not are too few. But not for ever, as of two coordinators each begins anew when it hears of
  // the other.
  const bool expired = now >= answered_at_ + hearing_.lease() + slack_;
  if (leased_ != 0 && !expired && now < began_ + asking_) return;
  if (expired && (proposal.mask & ~answered_) == 0) leased_ = 0;
  proposal_ = proposal;
  coordinating_ = Coordinating::accepting;
  accepted_ballot_ = ballot_;
  accepted_ = proposal_;
  answered_ = bit_of(cpu_);
  repeat(now);
  look_at_acceptances(now);
}

Members Regroup::propose() const {
  Members next{hear_each_other(answered_, heard_by_), view_.members.epochs};
  if (joiner_) {
    next.mask |= bit_of(joiner_->cpu);
    next.epochs.set(joiner_->cpu, joiner_->epoch);
  }
  return next;
}

void Regroup::on_accepted(unsigned from, const Packet& packet, std::uint64_t now) {
  if (coordinating_ != Coordinating::accepting || packet.ballot() != ballot_) return;
  answered_ |= bit_of(from);
  look_at_acceptances(now);
}

void Regroup::look_at_acceptances(std::uint64_t now) {
  if (coordinating_ != Coordinating::accepting) return;
  const CpuMask wanted = proposal_.mask & ~hearing_.silent(proposal_.mask, now);
  if ((wanted & ~answered_) != 0 || !is_quorum(view_, answered_)) return;
  const View next{view_.number + 1, proposal_};
  const Packet decision = commit(next, ballot_, leased_);
  const CpuMask others = proposal_.mask & ~bit_of(cpu_);
  if (others != 0) client_.send(others, decision);
  client_.decided(next, decision, now);
}

void Regroup::on_refuse(const Packet& packet, std::uint64_t now) {
  highest_ = std::max(highest_, packet.ballot());
  if (coordinating_ == Coordinating::no || packet.ballot() <= ballot_) return;
  coordinating_ = Coordinating::no;
  be_patient(now);
}

// ---- As one who is asked ------------------------------------------------------------------------

void Regroup::received(unsigned from, const Packet& packet, std::uint64_t now) {
  // A CPU without a view is asked for nothing but to be in one.
  if (view_.number == 0 && packet.stage() != Stage::accept) return;
  switch (packet.stage()) {
    case Stage::prepare: on_prepare(from, packet, now); break;
    case Stage::promise: on_promise(from, packet, now); break;
    case Stage::accept: on_accept(from, packet, now); break;
    case Stage::accepted: on_accepted(from, packet, now); break;
    case Stage::refuse: on_refuse(packet, now); break;
    case Stage::commit: break;
  }
}

/// Whether to answer a coordinator: unless a higher ballot has been.
bool Regroup::follow(unsigned from, std::uint32_t ballot, std::uint64_t now) {
  activate(now);
  if (ballot < promised_) {
    client_.send(bit_of(from), packet(Stage::refuse, promised_));
    return false;
  }
  promised_ = ballot;
  highest_ = std::max(highest_, ballot);
  coordinating_ = Coordinating::no;  // an own ballot can only be lower
  be_patient(now);
  return true;
}

void Regroup::on_prepare(unsigned from, const Packet& prepare, std::uint64_t now) {
  if (!follow(from, prepare.ballot(), now)) return;
  Packet promise = packet(Stage::promise, promised_);
  promise.set_heard(not_silent(now)).set_accepted_ballot(accepted_ballot_);
  if (accepted_ballot_ != 0) promise = with(promise, accepted_);
  client_.send(bit_of(from), promise);
}

void Regroup::on_accept(unsigned from, const Packet& accept, std::uint64_t now) {
  const Members proposal{accept.proposal(), {accept.epochs_low(), accept.epochs_high()}};
  if (view_.number == 0 && accept.view_number() != asked_after_) {
    asked_after_ = accept.view_number();
    promised_ = accepted_ballot_ = 0;
  }
  if (view_.number == 0 && !proposal.contain(cpu_, epoch_)) return;
  if (!follow(from, accept.ballot(), now)) return;
  accepted_ballot_ = accept.ballot();
  accepted_ = proposal;
  client_.send(bit_of(from), with(packet(Stage::accepted, promised_), proposal)
                                 .set_view_number(accept.view_number()));
}

// ---- Packets ------------------------------------------------------------------------------------

Regroup::Packet Regroup::packet(Stage stage, std::uint32_t ballot) const {
  Packet packet;
  packet.set_operation(contract::LinkOperation::regroup)
      .set_stage(stage)
      .set_view_number(view_.number)
      .set_view(view_.members.mask)
      .set_ballot(ballot)
      .set_epochs_low(view_.members.epochs.low())
      .set_epochs_high(view_.members.epochs.high());
  return packet;
}

Regroup::Packet Regroup::with(Packet packet, const Members& proposal) const {
  packet.set_proposal(proposal.mask)
      .set_epochs_low(proposal.epochs.low())
      .set_epochs_high(proposal.epochs.high());
  return packet;
}

Regroup::Packet Regroup::commit(const View& view, std::uint32_t ballot, CpuMask leased) {
  Packet packet;
  packet.set_operation(contract::LinkOperation::regroup)
      .set_stage(Stage::commit)
      .set_view_number(view.number)
      .set_view(view.members.mask)
      .set_heard(leased)
      .set_ballot(ballot)
      .set_epochs_low(view.members.epochs.low())
      .set_epochs_high(view.members.epochs.high());
  return packet;
}

}  // namespace xybus
