#include "report/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "report/format.h"

namespace xybus {

std::string progress_line(const ProgressState& state) {
  const double simulated = state.clock_hz > 0 ? double(state.cycle) / state.clock_hz : 0;
  const double rate =
      state.elapsed_seconds > 0 ? double(state.cycle) / state.elapsed_seconds : 0;
  const double fraction = std::clamp(state.fraction, 0.0, 1.0);
  // Too early to tell: the first messages say little about the rest.
  const bool known = fraction > 0.001 && state.elapsed_seconds > 0.2;
  const double left = known ? state.elapsed_seconds * (1 - fraction) / fraction : 0;
  return fmt::format("{:>10} simulated  {:>3.0f} %  {:>8} cycles/s  {}", format_time(simulated),
                     100 * fraction, format_rate(rate),
                     known ? format_duration(left) + " to go" : "");
}

Progress::Progress(bool shown, double clock_hz)
    : shown_(shown), clock_hz_(clock_hz), start_(Clock::now()), next_(start_) {}

Progress::~Progress() { clear(); }

void Progress::update(std::uint64_t cycle, std::uint64_t done, std::uint64_t total) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  const ProgressState state{cycle, clock_hz_, total > 0 ? double(done) / double(total) : 0,
                            std::chrono::duration<double>(now - start_).count()};
  fmt::print(stderr, "\r{}\033[K", progress_line(state));
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace xybus
