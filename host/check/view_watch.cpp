#include "check/view_watch.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

namespace xybus {

ViewWatch::ViewWatch(unsigned cpus, Excused excused)
    : cpus_(cpus), excused_(std::move(excused)), views_{{1, (1U << cpus) - 1}} {}

void ViewWatch::view_changed(unsigned cpu, std::uint64_t cycle, std::uint32_t number,
                             std::uint32_t mask) {
  Seat& seat = seats_[cpu];
  if (number <= seat.number) {
    complaints_.add(fmt::format("cycle {}: CPU {} goes from view {} back to {}", cycle, cpu,
                                seat.number, number),
                    cycle);
  }
  seat = {.number = number, .on = true, .restarted = false};
  if ((mask >> cpu & 1) == 0) {
    complaints_.add(
        fmt::format("cycle {}: CPU {} is in view {} that it is not in", cycle, cpu, number), cycle);
  }
  const auto [known, fresh] = views_.emplace(number, mask);
  if (fresh) {
    ++changes_;
    compare(cycle, number, mask);
  } else if (known->second != mask) {
    complaints_.add(fmt::format("cycle {}: view {} is {:#x} on CPU {}, but {:#x} on another", cycle,
                                number, mask, cpu, known->second),
                    cycle);
  }
}

void ViewWatch::compare(std::uint64_t cycle, std::uint32_t number, std::uint32_t mask) {
  const auto before = views_.find(number - 1);
  if (before == views_.end()) return;  // decided by CPUs that halted before they could tell
  const std::uint32_t leavers = before->second & ~mask, comers = mask & ~before->second;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    if ((comers >> cpu & 1) != 0) seats_[cpu].restarted = false;
    if ((leavers >> cpu & 1) == 0 || seats_[cpu].restarted) continue;
    left_ |= 1U << cpu;
    if (excused_(cpu, cycle)) continue;
    complaints_.add(fmt::format("cycle {}: CPU {} has left the view (number {}, {:#x}), and "
                                "nothing was done to it",
                                cycle, cpu, number, mask),
                    cycle);
  }
}

void ViewWatch::gave_up(unsigned cpu, std::uint64_t cycle) {
  ++gave_up_;
  const auto view = views_.find(seats_[cpu].number);
  const std::uint32_t mask = view == views_.end() ? 0 : view->second;
  std::uint32_t disturbed = 0;
  for (unsigned other = 0; other < cpus_; ++other) {
    if (excused_(other, cycle)) disturbed |= 1U << other;
  }
  const bool many = 2 * std::popcount(mask & disturbed) >= std::popcount(mask);
  if (((disturbed >> cpu & 1) == 0) && !many) {
    complaints_.add(fmt::format("cycle {}: CPU {} has halted by itself in view {} ({:#x}), and "
                                "nothing was done to it",
                                cycle, cpu, seats_[cpu].number, mask),
                    cycle);
  }
}

void ViewWatch::off(unsigned cpu) {
  seats_[cpu].on = false;
  seats_[cpu].restarted = false;
}

void ViewWatch::restarted(unsigned cpu) {
  seats_[cpu].on = false;
  seats_[cpu].restarted = true;
  left_ &= ~(1U << cpu);
}

void ViewWatch::look(std::uint64_t cycle, std::uint32_t operational) {
  std::optional<unsigned> first;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    if ((operational >> cpu & 1) == 0 || !seats_[cpu].on) continue;
    if (!first) first = cpu;
    if (seats_[cpu].number == seats_[*first].number) continue;
    complaints_.add(fmt::format("cycle {}: CPU {} acts in view {} and CPU {} in view {}", cycle,
                                *first, seats_[*first].number, cpu, seats_[cpu].number),
                    cycle);
  }
}

bool ViewWatch::divided() const {
  std::optional<std::uint32_t> number;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    if (!seats_[cpu].on) continue;
    if (number && *number != seats_[cpu].number) return true;
    number = seats_[cpu].number;
  }
  return false;
}

CheckResult ViewWatch::check() const {
  std::string good = fmt::format("{} changes of the view", changes_);
  if (gave_up_ > 0) good += fmt::format("; {} times a CPU halted by itself", gave_up_);
  return complaints_.result("views", std::move(good));
}

}  // namespace xybus
