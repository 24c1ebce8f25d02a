#include "check/operations.h"

#include <algorithm>

#include "check/latency.h"

namespace xybus {

namespace {

/// The shortest of 1, 2 or 5 times a power of ten that needs no more than so many periods.
std::uint64_t period_for(std::uint64_t cycles, std::uint64_t most_periods) {
  for (std::uint64_t power = 1;; power *= 10) {
    for (const std::uint64_t step : {1, 2, 5}) {
      if ((cycles + step * power - 1) / (step * power) <= most_periods) return step * power;
    }
  }
}

}  // namespace

ThroughputResult Operations::result(std::uint64_t cycles) const {
  constexpr std::uint64_t most_periods = 30;
  ThroughputResult result;
  result.what = what_;
  result.period_cycles = period_for(cycles, most_periods);
  result.periods.resize((cycles + result.period_cycles - 1) / result.period_cycles);
  LatencyHistogram waits;
  for (const Operation& operation : done_) {
    const std::uint64_t wait = operation.answered - operation.asked;
    waits.add(wait);
    if (operation.answered >= cycles) continue;
    auto& period = result.periods[operation.answered / result.period_cycles];
    ++period.done;
    period.longest_wait = std::max(period.longest_wait, wait);
  }
  result.wait = waits.result();
  return result;
}

}  // namespace xybus
