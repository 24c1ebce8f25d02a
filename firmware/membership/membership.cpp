#include "firmware/membership/membership.h"

namespace xybus {

using contract::Error;
using contract::EventBit;
using contract::SendStatus;

Membership::Membership(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                       std::uint64_t alive_interval, Listener listener)
    : environment_(environment),
      dispatcher_(dispatcher),
      port_(port),
      alive_interval_(alive_interval),
      listener_(std::move(listener)),
      up_mask_((1U << environment.cpus()) - 1) {}

void Membership::start() {
  if (alive_interval_ == 0) return;
  // CPUs that start together take turns within the interval, so their packets do not bunch.
  const std::uint64_t first = alive_interval_ * (environment_.cpu() + 1) / environment_.cpus();
  dispatcher_.after(first, [this] { tick(); });
}

void Membership::tick() {
  port_.raise_failed_paths(up_mask_);  // the I'm-alive packets below are the probe
  for (unsigned cpu = 0; cpu < environment_.cpus(); ++cpu) {
    if (++peers_[cpu].silent > silent_intervals) declare_down(cpu, Error::cpu_failed);
    if (up(cpu)) port_.post_heartbeat(cpu);
  }
  port_.ring_doorbells();
  dispatcher_.after(alive_interval_, [this] { tick(); });
}

bool Membership::heard(unsigned cpu, unsigned epoch) {
  if (cpu >= environment_.cpus()) return false;
  Peer& peer = peers_[cpu];
  const bool new_incarnation = peer.known && peer.epoch != epoch;
  // The first epoch heard may be the one that was declared down before: it brings nobody back.
  peer.known = true;
  peer.epoch = epoch;
  if (new_incarnation) {
    declare_down(cpu, Error::cpu_failed);
    if (!up(cpu)) readmit(cpu);
  }
  peer.silent = 0;
  return up(cpu);
}

void Membership::alive_sent(unsigned cpu, SendStatus status) {
  if (cpu == environment_.cpu() && status == SendStatus::unreachable) own_bus_failed();
}

void Membership::declare_down(unsigned cpu, Error reason) {
  if (cpu == environment_.cpu()) {
    own_bus_failed();
    return;
  }
  if (!up(cpu)) return;
  up_mask_ &= ~(1U << cpu);
  environment_.observe({.kind = KernelEvent::cpu_down,
                        .peer = {static_cast<std::uint8_t>(cpu), 0},
                        .error = reason});
  listener_.down(cpu);
  dispatcher_.awake_all(EventBit::pon);
}

void Membership::readmit(unsigned cpu) {
  up_mask_ |= 1U << cpu;
  port_.raise_paths(cpu);
  environment_.observe({.kind = KernelEvent::cpu_up, .peer = {static_cast<std::uint8_t>(cpu), 0}});
  listener_.up(cpu, peers_[cpu].epoch);
  dispatcher_.awake_all(EventBit::pon);
}

void Membership::own_bus_failed() {
  if (own_bus_failed_) return;
  own_bus_failed_ = true;
  environment_.observe({.kind = KernelEvent::own_bus_failed, .error = Error::path_down});
}

}  // namespace xybus
