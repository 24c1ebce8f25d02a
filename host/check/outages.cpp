#include "check/outages.h"

namespace xybus {

void Outages::restarted(unsigned cpu) {
  halted_ &= ~(1U << cpu);
  ++restarts_[cpu];
  for (auto& views : views_) views[cpu].current = false;
}

bool Outages::readmitted(unsigned by, unsigned cpu, std::uint64_t cycle) {
  View& view = views_[by][cpu];
  if (view.readmissions == restarts_[cpu]) return false;
  ++view.readmissions;
  view.cycle = cycle;
  view.current = true;
  return true;
}

bool Outages::excuse(unsigned from, unsigned to, std::uint64_t sent_cycle) const {
  return excuse_of(from, to, sent_cycle) || excuse_of(to, from, sent_cycle);
}

bool Outages::excuse_of(unsigned by, unsigned cpu, std::uint64_t sent_cycle) const {
  if (is_halted(cpu)) return true;
  const View& view = views_[by][cpu];
  return restarts_[cpu] != 0 && (!view.current || sent_cycle <= view.cycle);
}

}  // namespace xybus
