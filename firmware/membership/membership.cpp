#include "firmware/membership/membership.h"

#include <algorithm>

#include "firmware/message/wire.h"

namespace xybus {

using contract::BusId;
using contract::Error;
using contract::EventBit;
using contract::LinkOperation;
using contract::RegroupStage;

namespace {

// A commit is sent so often; who has missed all of them is told when it is heard of next.
constexpr unsigned commit_times = 3;

// How often a CPU asks to be taken in, in each interval.
constexpr unsigned joins_in_interval = 4;

constexpr std::uint64_t never = hal::never;

bool is_for_membership(LinkOperation operation) {
  return operation == LinkOperation::alive || operation == LinkOperation::regroup ||
         operation == LinkOperation::poison || operation == LinkOperation::join;
}

/// Whether the packet tells of a view that was decided, with its incarnations.
bool tells_view(const contract::MembershipPacket& packet) {
  return packet.operation() == LinkOperation::alive ||
         packet.operation() == LinkOperation::poison ||
         (packet.operation() == LinkOperation::regroup &&
          (packet.stage() == RegroupStage::commit || packet.stage() == RegroupStage::prepare));
}

}  // namespace

Membership::Membership(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                       const Config& config, Listener listener)
    : environment_(environment),
      dispatcher_(dispatcher),
      port_(port),
      config_(config),
      listener_(std::move(listener)),
      hearing_(environment.cpu(), config.alive_interval),
      regroup_(environment.cpu(), config.epoch, config.alive_interval, hearing_, *this),
      lanes_(port) {
  if (config.joining && config.alive_interval != 0) return;
  View first{1, {all_cpus(environment.cpus()), {}}};
  for (unsigned cpu = 0; cpu < environment.cpus(); ++cpu) {
    first.members.epochs.set(cpu, config.epoch);
  }
  regroup_.settle(first);
}

void Membership::start() {
  if (config_.alive_interval == 0) return;
  hearing_.start(now());
  // CPUs that start together are sure of each other for the span of a lease.
  for (unsigned cpu = 0; cpu < environment_.cpus(); ++cpu) {
    if (has(view().members.mask, cpu)) hearing_.confirmed(cpu, now());
  }
  // CPUs that start together take turns within the interval, so their packets do not bunch.
  next_alive_ = now() + config_.alive_interval * (environment_.cpu() + 1) / environment_.cpus();
  dispatcher_.after(next_alive_ - now(), [this] { alive_tick(); });
  if (view().number == 0) join_tick();
  arm();
}

// ---- What others ask ----------------------------------------------------------------------------

CpuMask Membership::up_mask() const { return view().members.mask | bit_of(environment_.cpu()); }

bool Membership::accepts(unsigned cpu, unsigned epoch) const {
  if (cpu >= environment_.cpus()) return false;
  if (config_.alive_interval == 0) return true;
  if (!member()) return true;  // whoever takes this CPU in
  return view().contains(cpu, epoch) || regroup_.accepted(cpu, epoch) ||
         loading_.contain(cpu, epoch);
}

bool Membership::operational() const {
  if (config_.alive_interval == 0) return true;
  if (view().number == 0 || regroup_.active() || now() < lease_barred_until_) return false;
  return is_quorum(view(), hearing_.leased(now()));
}

// ---- Time ---------------------------------------------------------------------------------------

void Membership::alive_tick() {
  const std::uint64_t interval = config_.alive_interval;
  while (next_alive_ <= now()) next_alive_ += interval;
  dispatcher_.after(next_alive_ - now(), [this] { alive_tick(); });
  if (view().number == 0) return;
  Packet alive = about_view(LinkOperation::alive);
  // Whom it tells that they are heard may count on this CPU, so none while the view changes.
  if (!regroup_.active()) alive.set_heard(hearing_.recent(now()) & view().members.mask);
  lanes_.send_alive(view().members.mask, alive);
  port_.ring_doorbells();
}

void Membership::join_tick() {
  if (view().number != 0) return;
  Packet join;
  join.set_operation(LinkOperation::join);
  lanes_.send(all_cpus(environment_.cpus()) & ~bit_of(environment_.cpu()), join);
  port_.ring_doorbells();
  dispatcher_.after(std::max<std::uint64_t>(config_.alive_interval / joins_in_interval, 1),
                    [this] { join_tick(); });
}

void Membership::check() {
  if (view().number != 0) {
    if (hearing_.deaf(now())) halt(KernelEvent::own_bus_failed);
    if (hearing_.silent(view().members.mask, now()) != 0) regroup_.begin(now());
    regroup_.tick(now());
  }
  port_.ring_doorbells();
  arm();
}

void Membership::arm() {
  if (view().number == 0) return;
  const std::uint64_t next =
      std::min({hearing_.deaf_at(), hearing_.next_silence(view().members.mask, now()),
                regroup_.next(now())});
  if (check_timer_ && check_at_ <= next) return;  // it looks then when it is to go off again
  dispatcher_.cancel(check_timer_);
  check_at_ = next;
  check_timer_ = dispatcher_.after(next > now() ? next - now() : 1, [this] {
    check_timer_ = {};
    check();
  });
}

// ---- Packets that come --------------------------------------------------------------------------

bool Membership::received(const ReceivedPacket& packet) {
  if (packet.source >= environment_.cpus() || packet.payload.empty()) return false;
  const auto operation =
      static_cast<LinkOperation>(std::to_integer<unsigned>(packet.payload.front()));
  const bool ours = is_for_membership(operation);
  if (config_.alive_interval == 0) return !ours;
  if (view().contains(packet.source, packet.epoch)) {
    hearing_.heard(packet.source, packet.bus, now());
  }
  if (!ours) {
    if (accepts(packet.source, packet.epoch)) return true;
    poison(packet.source);
    return false;
  }
  if (packet.payload.size() < sizeof(Packet::words)) return false;
  const auto about = load<Packet>(packet.payload);
  if (view().contains(packet.source, packet.epoch)) {
    on_member(packet.source, packet.epoch, about);
  } else {
    on_stranger(packet.source, packet.epoch, about);
  }
  arm();
  return false;
}

void Membership::on_member(unsigned from, unsigned epoch, const Packet& packet) {
  if (packet.operation() == LinkOperation::join) {
    on_join(from, epoch);
  } else if (packet.view_number() > view().number) {
    if (!learn_view(packet) && packet.operation() == LinkOperation::poison) {
      halt(KernelEvent::poisoned);
    }
  } else if (packet.view_number() < view().number) {
    bring_up_to_date(from);
  } else if (packet.operation() == LinkOperation::alive) {
    on_alive(from, packet);
  } else if (packet.operation() == LinkOperation::regroup) {
    regroup_.received(from, packet, now());
  }
}

/// Also for all that comes to a CPU that is in no view yet.
void Membership::on_stranger(unsigned from, unsigned epoch, const Packet& packet) {
  if (packet.operation() == LinkOperation::join) {
    on_join(from, epoch);
  } else if (packet.view_number() > view().number && learn_view(packet)) {
    // It came before the commit that tells of it.
  } else if (packet.operation() == LinkOperation::regroup &&
             (view().number == 0 || regroup_.accepted(from, epoch))) {
    regroup_.received(from, packet, now());
  } else if (packet.view_number() <= view().number) {
    poison(from);
  }
}

void Membership::on_alive(unsigned from, const Packet& packet) {
  if (has(packet.heard(), environment_.cpu()) && !regroup_.active()) {
    hearing_.confirmed(from, now());
  }
}

/// A view that others have decided on while this CPU did not hear of it. It does not matter who
/// tells of it, and how many were missed: it was decided.
bool Membership::learn_view(const Packet& packet) {
  const View next = view_of(packet);
  if (!tells_view(packet) || !next.contains(environment_.cpu(), config_.epoch)) return false;
  const bool fresh =
      packet.operation() == LinkOperation::regroup && packet.stage() == RegroupStage::commit &&
      packet.ballot() != 0;
  if (fresh) {
    // It was sent at most so long ago; before it was, nobody in the view could leave it.
    adopt(next, packet.heard(), now() - std::min(now(), commit_times * regroup_.pause()));
  } else {
    adopt(next, all_cpus(contract::max_nodes), never);
  }
  return true;
}

void Membership::on_join(unsigned from, unsigned epoch) {
  if (view().number == 0) return;
  if (view().contains(from, epoch)) {
    bring_up_to_date(from);
  } else if (has(view().members.mask, from)) {
    hearing_.superseded(from);
    regroup_.begin(now());
  } else if (std::countr_zero(view().members.mask) == static_cast<int>(environment_.cpu())) {
    hearing_.renewed(from, now());
    if (loading_.contain(from, epoch)) return;
    give_up(from, loading_.epochs.of(from));  // it has started once more
    loading_.mask |= bit_of(from);
    loading_.epochs.set(from, epoch);
    port_.raise_paths(from);
    listener_.load(from, epoch);
  }
}

void Membership::give_up(unsigned cpu, unsigned epoch) {
  if (!loading_.contain(cpu, epoch)) return;
  loading_.mask &= ~bit_of(cpu);
  listener_.down(cpu);
}

void Membership::admit(unsigned cpu, unsigned epoch) {
  if (!loading_.contain(cpu, epoch)) return;
  regroup_.admit(cpu, epoch, now());  // not if the view changes already
  port_.ring_doorbells();
  arm();
}

// ---- Telling others -----------------------------------------------------------------------------

void Membership::send(CpuMask to, const Packet& packet) { lanes_.send(to, packet); }

Membership::Packet Membership::about_view(LinkOperation operation) const {
  return Regroup::commit(view(), 0, 0).set_operation(operation);
}

/// No CPU is told of the view more than once in a while, whatever it sends.
bool Membership::may_tell(unsigned cpu) {
  if (view().number == 0 || cpu == environment_.cpu() || now() < told_[cpu]) return false;
  told_[cpu] = now() + regroup_.pause();
  return true;
}

void Membership::bring_up_to_date(unsigned from) {
  if (may_tell(from)) send(bit_of(from), about_view(LinkOperation::regroup));
}

void Membership::poison(unsigned cpu) {
  if (may_tell(cpu)) send(bit_of(cpu), about_view(LinkOperation::poison).set_stage({}));
}

void Membership::repeat_commit() {
  if (commits_left_ == 0 || commit_.view_number() != view().number) return;
  const CpuMask others = view().members.mask & ~bit_of(environment_.cpu());
  if (others != 0) send(others, commit_);
  port_.ring_doorbells();
  if (--commits_left_ != 0) dispatcher_.after(regroup_.pause(), [this] { repeat_commit(); });
}

// ---- A new view ---------------------------------------------------------------------------------

void Membership::decided(const View& next, const Packet& commit) {
  commit_ = commit;
  commits_left_ = commit_times - 1;
  dispatcher_.after(regroup_.pause(), [this] { repeat_commit(); });
  adopt(next, commit.heard(), now());
}

/// `since`: from then on all of its members were sure to be in it; never: not known.
void Membership::adopt(const View& next, CpuMask leased, std::uint64_t since) {
  if (!next.contains(environment_.cpu(), config_.epoch)) halt(KernelEvent::poisoned);
  const View before = view();
  regroup_.settle(next);
  for (unsigned cpu = 0; cpu < environment_.cpus(); ++cpu) {
    const unsigned epoch = loading_.epochs.of(cpu);
    if (!next.contains(cpu, epoch)) give_up(cpu, epoch);
  }
  loading_ = {};
  hearing_.forget_confirmations();
  lease_barred_until_ = leased != 0 ? now() + hearing_.lease() : 0;
  environment_.observe({.kind = KernelEvent::view_changed,
                        .link = next.number,
                        .tag = next.members.mask});
  for (unsigned cpu = 0; cpu < environment_.cpus(); ++cpu) {
    if (cpu == environment_.cpu()) continue;
    const bool was_in = has(before.members.mask, cpu), is_in = has(next.members.mask, cpu);
    const bool same = was_in && is_in && before.contains(cpu, next.members.epochs.of(cpu));
    if (was_in && !same) leave(cpu);
    if (is_in && !same) enter(cpu, next.members.epochs.of(cpu));
    if (is_in && since != never) hearing_.confirmed(cpu, since);
  }
  dispatcher_.awake_all(EventBit::pon);
  arm();
}

void Membership::leave(unsigned cpu) {
  environment_.observe({.kind = KernelEvent::cpu_down,
                        .peer = {static_cast<std::uint8_t>(cpu), 0},
                        .error = Error::cpu_failed});
  listener_.down(cpu);
}

void Membership::enter(unsigned cpu, unsigned epoch) {
  hearing_.renewed(cpu, now());
  port_.raise_paths(cpu);
  environment_.observe({.kind = KernelEvent::cpu_up, .peer = {static_cast<std::uint8_t>(cpu), 0}});
  listener_.up(cpu, epoch);
}

// ---- The end ------------------------------------------------------------------------------------

void Membership::outnumbered() { halt(KernelEvent::minority); }

void Membership::halt(KernelEvent::Kind why) {
  environment_.observe({.kind = why, .link = view().number, .tag = view().members.mask});
  listener_.halt();
}

}  // namespace xybus
