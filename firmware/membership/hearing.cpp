#include "firmware/membership/hearing.h"

namespace xybus {

void Hearing::start(std::uint64_t now) {
  for (auto& of_cpu : last_) of_cpu.fill(now);
  forget_confirmations();
}

void Hearing::heard(unsigned cpu, contract::BusId bus, std::uint64_t now) {
  last_[cpu][static_cast<unsigned>(bus)] = now;
}

void Hearing::renewed(unsigned cpu, std::uint64_t now) {
  superseded_ &= ~bit_of(cpu);
  last_[cpu].fill(now);
}

CpuMask Hearing::recent(std::uint64_t now) const {
  CpuMask mask = bit_of(cpu_);
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    if (now < last(cpu) + recent_span_) mask |= bit_of(cpu);
  }
  return mask & ~superseded_;
}

CpuMask Hearing::silent(CpuMask among, std::uint64_t now) const {
  CpuMask mask = superseded_;
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    if (now >= last(cpu) + silent_span_) mask |= bit_of(cpu);
  }
  return mask & among & ~bit_of(cpu_);
}

std::uint64_t Hearing::next_silence(CpuMask among, std::uint64_t now) const {
  std::uint64_t next = ~std::uint64_t{0};
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    if (cpu == cpu_ || !has(among & ~superseded_, cpu)) continue;
    const std::uint64_t at = last(cpu) + silent_span_;
    if (at > now) next = std::min(next, at);
  }
  return next;
}

CpuMask Hearing::leased(std::uint64_t now) const {
  CpuMask mask = bit_of(cpu_);
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    if (confirmed_[cpu] != never_yet && now < confirmed_[cpu] + recent_span_) mask |= bit_of(cpu);
  }
  return mask;
}

}  // namespace xybus
