#include "firmware/membership/membership.h"

#include <algorithm>

#include "firmware/message/wire.h"

namespace xybus {

using contract::Error;
using contract::EventBit;
using contract::LinkOperation;

namespace {

// How often a CPU asks to be taken in, in each interval.
constexpr unsigned joins_in_interval = 4;

bool is_for_membership(LinkOperation operation) {
  return operation == LinkOperation::alive || operation == LinkOperation::regroup ||
         operation == LinkOperation::poison || operation == LinkOperation::join;
}

KernelEvent::Kind event_of(ViewKeeper::Reason reason) {
  switch (reason) {
    case ViewKeeper::Reason::own_bus_failed: return KernelEvent::own_bus_failed;
    case ViewKeeper::Reason::minority: return KernelEvent::minority;
    case ViewKeeper::Reason::poisoned: return KernelEvent::poisoned;
    case ViewKeeper::Reason::tables_differ: return KernelEvent::tables_differ;
  }
  return KernelEvent::halted;
}

}  // namespace

Membership::Membership(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                       const Config& config, Listener listener)
    : environment_(environment),
      dispatcher_(dispatcher),
      port_(port),
      config_(config),
      listener_(std::move(listener)),
      keeper_({environment.cpu(), environment.cpus(), config.alive_interval, config.epoch,
               config.joining},
              *this),
      lanes_(port, environment.cpu()) {}

void Membership::start() {
  if (config_.alive_interval == 0) return;
  keeper_.start(now());
  // CPUs that start together take turns within the interval, so their packets do not bunch.
  next_alive_ = now() + config_.alive_interval * (environment_.cpu() + 1) / environment_.cpus();
  dispatcher_.after(next_alive_ - now(), [this] { alive_tick(); });
  if (keeper_.joining()) join_tick();
  arm();
}

CpuMask Membership::up_mask() const { return view().members.mask | bit_of(environment_.cpu()); }

void Membership::admit(unsigned cpu, unsigned epoch) {
  keeper_.admit(cpu, epoch, now());
  port_.ring_doorbells();
  arm();
}

void Membership::loaded_by(unsigned cpu, unsigned epoch) {
  keeper_.loaded_by(cpu, epoch, now());
  arm();
}

// ---- Time ---------------------------------------------------------------------------------------

void Membership::alive_tick() {
  while (next_alive_ <= now()) next_alive_ += config_.alive_interval;
  dispatcher_.after(next_alive_ - now(), [this] { alive_tick(); });
  if (keeper_.joining()) return;
  lanes_.send_alive(keeper_.audience(), keeper_.alive(now()));
  port_.ring_doorbells();
}

void Membership::join_tick() {
  if (!keeper_.joining()) return;
  Packet join;
  join.set_operation(LinkOperation::join);
  lanes_.send(all_cpus(environment_.cpus()) & ~bit_of(environment_.cpu()), join);
  port_.ring_doorbells();
  dispatcher_.after(std::max<std::uint64_t>(config_.alive_interval / joins_in_interval, 1),
                    [this] { join_tick(); });
}

void Membership::arm() {
  const std::uint64_t next = keeper_.next(now());
  if (next == hal::never || (timer_ && timer_at_ <= next)) return;  // armed anew when it goes off
  dispatcher_.cancel(timer_);
  timer_at_ = next;
  timer_ = dispatcher_.after(next > now() ? next - now() : 1, [this] {
    timer_ = {};
    keeper_.tick(now());
    port_.ring_doorbells();
    arm();
  });
}

// ---- Packets that come --------------------------------------------------------------------------

bool Membership::received(const ReceivedPacket& packet) {
  if (packet.source >= environment_.cpus() || packet.payload.empty()) return refuse();
  const auto operation =
      static_cast<LinkOperation>(std::to_integer<unsigned>(packet.payload.front()));
  const bool ours = is_for_membership(operation);
  if (config_.alive_interval == 0) return !ours || refuse();
  keeper_.heard(packet.source, packet.epoch, packet.bus, now());
  if (!ours) {
    if (accepts(packet.source, packet.epoch)) return true;
    keeper_.intruded(packet.source, now());
    return refuse();
  }
  if (packet.payload.size() < sizeof(Packet::words)) return refuse();
  keeper_.received(packet.source, packet.epoch, xybus::load<Packet>(packet.payload), now());
  arm();
  return false;
}

// ---- Decisions ----------------------------------------------------------------------------------

void Membership::view_changed(const View& view) {
  environment_.observe({.kind = KernelEvent::view_changed,
                        .link = view.number,
                        .tag = view.members.mask});
  dispatcher_.awake_all(EventBit::pon);
}

void Membership::left(unsigned cpu) {
  environment_.observe({.kind = KernelEvent::cpu_down,
                        .peer = {static_cast<std::uint8_t>(cpu), 0},
                        .error = Error::cpu_failed});
  listener_.down(cpu);
}

void Membership::load(unsigned cpu, unsigned epoch) {
  port_.raise_paths(cpu);
  listener_.load(cpu, epoch);
}

void Membership::entered(unsigned cpu, unsigned epoch) {
  port_.raise_paths(cpu);
  environment_.observe({.kind = KernelEvent::cpu_up, .peer = {static_cast<std::uint8_t>(cpu), 0}});
  listener_.up(cpu, epoch);
}

void Membership::halt(ViewKeeper::Reason reason) {
  environment_.observe(
      {.kind = event_of(reason), .link = view().number, .tag = view().members.mask});
  listener_.halt();
}

}  // namespace xybus
