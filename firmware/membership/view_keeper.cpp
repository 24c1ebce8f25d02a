#include "firmware/membership/view_keeper.h"

#include <algorithm>
#include <utility>

namespace xybus {

using contract::LinkOperation;
using contract::RegroupStage;

namespace {

// A commit is sent so often; who has missed all of them is told when it is heard of next.
constexpr unsigned commit_times = 3;

constexpr std::uint64_t never = ~std::uint64_t{0};

unsigned lowest(const View& view) {
  return static_cast<unsigned>(std::countr_zero(view.members.mask));
}

/// Whether the packet tells of a view that was decided, with its incarnations.
bool tells_view(const contract::MembershipPacket& packet) {
  return packet.operation() == LinkOperation::alive ||
         packet.operation() == LinkOperation::poison ||
         (packet.operation() == LinkOperation::regroup &&
          (packet.stage() == RegroupStage::commit || packet.stage() == RegroupStage::prepare));
}

}  // namespace

ViewKeeper::ViewKeeper(const Config& config, Client& client)
    : config_(config),
      client_(client),
      hearing_(config.cpu, config.alive_interval),
      regroup_(config.cpu, config.epoch, config.alive_interval, hearing_, *this) {
  if (config.joining && config.alive_interval != 0) return;
  View first{1, {all_cpus(config.cpus), {}}};
  for (unsigned cpu = 0; cpu < config.cpus; ++cpu) first.members.epochs.set(cpu, config.epoch);
  regroup_.settle(first);
}

void ViewKeeper::start(std::uint64_t now) {
  hearing_.start(now);
  // CPUs that start together are sure of each other for the span of a lease.
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    if (has(view().members.mask, cpu)) hearing_.confirmed(cpu, now);
  }
}

bool ViewKeeper::accepts(unsigned cpu, unsigned epoch) const {
  if (cpu >= config_.cpus) return false;
  if (config_.alive_interval == 0) return true;
  if (joining()) return true;  // whoever takes this CPU in
  return view().contains(cpu, epoch) || regroup_.accepted(cpu, epoch) ||
         loading_.contain(cpu, epoch);
}

bool ViewKeeper::operational(std::uint64_t now) const {
  if (config_.alive_interval == 0) return true;
  if (joining() || regroup_.active() || now < lease_barred_until_) return false;
  return is_quorum(view(), hearing_.leased(now));
}

// ---- Time ---------------------------------------------------------------------------------------

std::uint64_t ViewKeeper::next(std::uint64_t now) const {
  if (joining()) return loader_ ? hearing_.next_silence(bit_of(loader_->cpu), now) : never;
  return std::min({hearing_.deaf_at(),
                   hearing_.next_silence(view().members.mask | loading_.mask, now),
                   regroup_.next(now), commits_left_ != 0 ? commit_at_ : never});
}

void ViewKeeper::tick(std::uint64_t now) {
  if (joining()) return give_up_loader(now);
  if (hearing_.deaf(now)) client_.halt(Reason::own_bus_failed);
  if (hearing_.silent(view().members.mask, now) != 0) regroup_.begin(now);
  regroup_.tick(now);
  if (!regroup_.active()) give_up_silent(now);
  if (commits_left_ != 0 && now >= commit_at_) repeat_commit(now);
}

// ---- Packets that come --------------------------------------------------------------------------

void ViewKeeper::heard(unsigned from, unsigned epoch, contract::BusId bus, std::uint64_t now) {
  // It has not died, and does not know that all it has said is forgotten here.
  if (lost_loader_ == Incarnation{from, epoch}) client_.halt(Reason::poisoned);
  if (view().contains(from, epoch) || loading_.contain(from, epoch) ||
      loader_ == Incarnation{from, epoch}) {
    hearing_.heard(from, bus, now);
  }
}

void ViewKeeper::received(unsigned from, unsigned epoch, const Packet& packet,
                          std::uint64_t now) {
  if (view().contains(from, epoch)) {
    on_member(from, epoch, packet, now);
  } else {
    on_stranger(from, epoch, packet, now);
  }
}

void ViewKeeper::on_member(unsigned from, unsigned epoch, const Packet& packet,
                           std::uint64_t now) {
  if (packet.operation() == LinkOperation::join) {
    on_join(from, epoch, now);
  } else if (packet.view_number() > view().number) {
    if (!learn_view(packet, now) && packet.operation() == LinkOperation::poison) {
      client_.halt(Reason::poisoned);
    }
  } else if (packet.view_number() < view().number) {
    bring_up_to_date(from, now);
  } else if (packet.operation() == LinkOperation::alive) {
    on_alive(from, packet, now);
  } else if (packet.operation() == LinkOperation::regroup) {
    regroup_.received(from, packet, now);
  }
}

/// Also for all that comes to a CPU that is in no view yet.
void ViewKeeper::on_stranger(unsigned from, unsigned epoch, const Packet& packet,
                             std::uint64_t now) {
  if (joining() && packet.operation() == LinkOperation::poison &&
      has(packet.proposal(), config_.cpu)) {
    client_.halt(Reason::poisoned);
  }
  if (packet.operation() == LinkOperation::join) {
    on_join(from, epoch, now);
  } else if (packet.view_number() > view().number &&
             (joining() || regroup_.accepted(from, epoch)) && learn_view(packet, now)) {
    // It came before the commit that tells of it. From others this CPU believes nothing.
  } else if (packet.operation() == LinkOperation::regroup &&
             (joining() || regroup_.accepted(from, epoch))) {
    regroup_.received(from, packet, now);
  } else if (packet.view_number() <= view().number) {
    intruded(from, now);
  }
}

void ViewKeeper::on_alive(unsigned from, const Packet& packet, std::uint64_t now) {
  if (has(packet.heard(), config_.cpu) && !regroup_.active()) {
    hearing_.confirmed(from, now);
  }
}

/// A view that others have decided on while this CPU did not hear of it. It does not matter who
/// tells of it, and how many were missed: it was decided.
bool ViewKeeper::learn_view(const Packet& packet, std::uint64_t now) {
  const View next = view_of(packet);
  if (!tells_view(packet) || !next.contains(config_.cpu, config_.epoch)) return false;
  const bool fresh =
      packet.operation() == LinkOperation::regroup && packet.stage() == RegroupStage::commit &&
      packet.ballot() != 0;
  if (fresh) {
    // It was sent at most so long ago; before it was, nobody in the view could leave it.
    adopt(next, packet.heard(), now - std::min(now, commit_times * regroup_.pause()), now);
  } else {
    adopt(next, all_cpus(contract::max_nodes), never, now);
  }
  return true;
}

void ViewKeeper::on_join(unsigned from, unsigned epoch, std::uint64_t now) {
  if (joining()) return;
  if (view().contains(from, epoch)) {
    bring_up_to_date(from, now);
  } else if (has(view().members.mask, from)) {
    hearing_.superseded(from);
    regroup_.begin(now);
  } else if (lowest(view()) == config_.cpu) {
    if (lost_.contain(from, epoch)) return turn_away(from, now);
    // Who asks to be taken in while that goes on, and does nothing for it, falls silent.
    if (!regroup_.active() || !loading_.contain(from, epoch)) hearing_.renewed(from, now);
    if (!loading_.contain(from, epoch)) {
      unload(from);  // it has started once more
      lost_.mask &= ~bit_of(from);
      loading_.mask |= bit_of(from);
      loading_.epochs.set(from, epoch);
    } else if (has(asked_, from)) {
      return;
    }
    asked_ |= bit_of(from);
    client_.load(from, epoch);
  }
}

void ViewKeeper::give_up(unsigned cpu, unsigned epoch) {
  if (loading_.contain(cpu, epoch)) asked_ &= ~bit_of(cpu);
}

/// Who loads one that has died would wait for ever. Should it not have died, it stays out until it
/// is started again.
void ViewKeeper::give_up_silent(std::uint64_t now) {
  for (CpuMask left = hearing_.silent(loading_.mask, now); left != 0; left &= left - 1) {
    const auto cpu = static_cast<unsigned>(std::countr_zero(left));
    lose(cpu, loading_.epochs.of(cpu));
  }
}

void ViewKeeper::lose(unsigned cpu, unsigned epoch) {
  if (!loading_.contain(cpu, epoch)) return;
  lost_.mask |= bit_of(cpu);
  lost_.epochs.set(cpu, epoch);
  unload(cpu);
}

// ---- Being loaded -------------------------------------------------------------------------------

/// If it is another one than before, that is dead, or has left this CPU to it.
void ViewKeeper::loaded_by(unsigned cpu, unsigned epoch, std::uint64_t now) {
  if (!joining() || loader_ == Incarnation{cpu, epoch}) return;
  if (loader_) client_.unload(loader_->cpu);
  lost_loader_.reset();
  loader_ = {cpu, epoch};
  hearing_.renewed(cpu, now);
}

/// Nobody tells a CPU that is in no view who has died, and perhaps nobody else is there.
void ViewKeeper::give_up_loader(std::uint64_t now) {
  if (!loader_ || hearing_.silent(bit_of(loader_->cpu), now) == 0) return;
  lost_loader_ = std::exchange(loader_, std::nullopt);
  client_.unload(lost_loader_->cpu);
}

void ViewKeeper::unload(unsigned cpu) {
  if (!has(loading_.mask, cpu)) return;
  loading_.mask &= ~bit_of(cpu);
  client_.unload(cpu);
}

void ViewKeeper::admit(unsigned cpu, unsigned epoch, std::uint64_t now) {
  if (loading_.contain(cpu, epoch)) regroup_.admit(cpu, epoch, now);
}

// ---- Telling others -----------------------------------------------------------------------------

ViewKeeper::Packet ViewKeeper::alive(std::uint64_t now) const {
  Packet packet = about_view(LinkOperation::alive);
  // Whom it tells that they are heard may count on this CPU, so none while the view changes.
  if (!regroup_.active()) packet.set_heard(hearing_.recent(now) & view().members.mask);
  return packet;
}

ViewKeeper::Packet ViewKeeper::about_view(LinkOperation operation) const {
  // The stage means nothing in other than regroup packets.
  return Regroup::commit(view(), 0, 0).set_operation(operation);
}

/// No CPU is told of the view more than once in a while, whatever it sends.
bool ViewKeeper::may_tell(unsigned cpu, std::uint64_t now) {
  if (joining() || cpu == config_.cpu || now < told_[cpu]) return false;
  told_[cpu] = now + regroup_.pause();
  return true;
}

void ViewKeeper::bring_up_to_date(unsigned from, std::uint64_t now) {
  if (may_tell(from, now)) send(bit_of(from), about_view(LinkOperation::regroup));
}

void ViewKeeper::intruded(unsigned cpu, std::uint64_t now) {
  if (may_tell(cpu, now)) send(bit_of(cpu), about_view(LinkOperation::poison));
}

/// Who waits to be taken in does not halt for poison alone: it may come from one that is not in the
/// view either. This one names it.
void ViewKeeper::turn_away(unsigned cpu, std::uint64_t now) {
  if (!may_tell(cpu, now)) return;
  send(bit_of(cpu), about_view(LinkOperation::poison).set_proposal(bit_of(cpu)));
}

void ViewKeeper::repeat_commit(std::uint64_t now) {
  const CpuMask others = view().members.mask & ~bit_of(config_.cpu);
  if (others != 0) client_.send(others, commit_);
  --commits_left_;
  commit_at_ = now + regroup_.pause();
}

// ---- A new view ---------------------------------------------------------------------------------

void ViewKeeper::decided(const View& next, const Packet& commit, std::uint64_t now) {
  adopt(next, commit.heard(), now, now);
  commit_ = commit;
  commits_left_ = commit_times - 1;
  commit_at_ = now + regroup_.pause();
}

/// `since`: from then on all of its members were sure to be in it; never: not known.
void ViewKeeper::adopt(const View& next, CpuMask leased, std::uint64_t since, std::uint64_t now) {
  if (!next.contains(config_.cpu, config_.epoch)) client_.halt(Reason::poisoned);
  const View before = view();
  regroup_.settle(next);
  loader_.reset();
  // This CPU may be taken in all the same, by what others had agreed on before.
  if (lost_loader_ && !next.contains(lost_loader_->cpu, lost_loader_->epoch)) lost_loader_.reset();
  asked_ = 0;
  const bool loads = lowest(next) == config_.cpu;
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    if (!has(loading_.mask, cpu)) continue;
    if (next.contains(cpu, loading_.epochs.of(cpu))) {
      loading_.mask &= ~bit_of(cpu);
    } else if (!loads) {
      lose(cpu, loading_.epochs.of(cpu));  // another loads it from now on
    }
  }
  commits_left_ = 0;
  hearing_.forget_confirmations();
  lease_barred_until_ = leased != 0 ? now + hearing_.lease() : 0;
  CpuMask leaving = 0, coming = 0;
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    const bool was_in = has(before.members.mask, cpu), is_in = has(next.members.mask, cpu);
    const bool same = was_in && is_in && before.contains(cpu, next.members.epochs.of(cpu));
    if (cpu == config_.cpu) {
      if (!was_in) hearing_.renewed(cpu, now);  // it has said nothing yet that it could have heard
      continue;
    }
    if (was_in && !same) leaving |= bit_of(cpu);
    if (is_in && !same) coming |= bit_of(cpu);
    if (is_in) lost_.mask &= ~bit_of(cpu);
    if (is_in && !same) hearing_.renewed(cpu, now);
    if (is_in && since != never) hearing_.confirmed(cpu, since);
  }
  client_.view_changed(next);
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    if (has(leaving, cpu)) client_.left(cpu);
  }
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    if (has(coming, cpu)) client_.entered(cpu, next.members.epochs.of(cpu));
  }
}

}  // namespace xybus
