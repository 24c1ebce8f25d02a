#include "check/change_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace xybus {

ChangeWatch::ChangeWatch(unsigned cpus, std::uint64_t interval, bool judged)
    : cpus_(cpus), interval_(std::max<std::uint64_t>(interval, 1)), judged_(judged) {}

std::uint32_t ChangeWatch::members() const {
  std::uint32_t mask = 0;
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    if (seats_[cpu].on && seats_[cpu].member) mask |= 1U << cpu;
  }
  return mask;
}

void ChangeWatch::off(unsigned cpu, std::uint64_t cycle) {
  Seat& seat = seats_[cpu];
  if (!seat.on) return;
  const bool member = seat.member;
  seat.on = false;
  for (Pending& each : pending_) each.since = cycle;
  std::erase_if(pending_, [&](const Pending& each) { return each.up && each.cpu == cpu; });
  for (Pending& each : pending_) each.waiting &= ~(1U << cpu);
  if (member) pending_.push_back({false, cpu, cycle, cycle, members()});
  sweep(cycle);
}

void ChangeWatch::restarted(unsigned cpu, std::uint64_t cycle) {
  for (Pending& each : pending_) {
    if (each.cpu != cpu) each.since = cycle;
  }
  seats_[cpu] = {};
  seats_[cpu].member = false;
  if (members() != 0) {
    pending_.push_back({true, cpu, cycle, cycle, members() | 1U << cpu});
  }
}

void ChangeWatch::view_changed(unsigned cpu, std::uint64_t cycle) {
  Seat& seat = seats_[cpu];
  if (std::exchange(seat.member, true)) return;
  settle(cpu, cpu, true, cycle);
}

void ChangeWatch::changed(unsigned cpu, unsigned peer, bool up, std::uint64_t cycle) {
  seats_[cpu].seen[peer].push_back(up);
  settle(cpu, peer, up, cycle);
}

void ChangeWatch::settle(unsigned by, unsigned cpu, bool up, std::uint64_t cycle) {
  for (Pending& each : pending_) {
    if (each.cpu != cpu || each.up != up || (each.waiting >> by & 1) == 0) continue;
    each.waiting &= ~(1U << by);
    each.agreed = true;
    break;
  }
  sweep(cycle);
}

// What nobody is left for to agree on is no change any more.
void ChangeWatch::sweep(std::uint64_t cycle) {
  const bool nobody = members() == 0;
  for (std::size_t i = 0; i < pending_.size();) {
    if (pending_[i].waiting != 0 && !nobody) {
      ++i;
      continue;
    }
    const Pending over = pending_[i];
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    if (over.agreed && over.waiting == 0) end(over, cycle);
  }
}

void ChangeWatch::end(const Pending& pending, std::uint64_t cycle) {
  Times& times = pending.up ? returns_ : deaths_;
  ++times.count;
  // A return waits for the deaths that there are, and may be agreed on along with one.
  const bool with_death = pending.up && std::ranges::any_of(pending_, [&](const Pending& each) {
                            return !each.up && each.cpu != pending.cpu;
                          });
  for (Pending& each : pending_) {
    if (each.up && each.cpu != pending.cpu) each.since = cycle;
  }
  if (with_death) return;
  const std::uint64_t took = cycle - pending.since;
  times.most = std::max(times.most, took);
  const unsigned most = pending.up ? return_intervals : death_intervals;
  if (!judged_ || took <= most * interval_) return;
  complaints_.add(fmt::format("cycle {}: CPU {} {} at cycle {}, and the others agree on that after "
                              "{:.2f} intervals; expected {} at most",
                              cycle, pending.cpu, pending.up ? "was started again" : "fell silent",
                              pending.began, intervals(took), most),
                  cycle);
}

void ChangeWatch::told(unsigned cpu, unsigned peer, bool up, std::uint64_t cycle) {
  ++(up ? ups_told_ : downs_told_);
  auto& told = seats_[cpu].told[peer];
  const auto& seen = seats_[cpu].seen[peer];
  const std::size_t place = told.size();
  told.push_back(up);
  if (place < seen.size() && seen[place] == up) return;
  complaints_.add(fmt::format("cycle {}: a process on CPU {} is told that CPU {} is {}, and its "
                              "kernel had no such change",
                              cycle, cpu, peer, up ? "up" : "down"),
                  cycle);
}

void ChangeWatch::check_told(unsigned cpu) {
  const Seat& seat = seats_[cpu];
  for (unsigned peer = 0; peer < cpus_; ++peer) {
    if (seat.told[peer].size() >= seat.seen[peer].size()) continue;
    complaints_.add(fmt::format("a process on CPU {} was told of {} changes of CPU {}, and its "
                                "kernel had {}",
                                cpu, seat.told[peer].size(), peer, seat.seen[peer].size()));
  }
}

void ChangeWatch::finish(std::uint64_t cycle) {
  for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
    if (seats_[cpu].on && seats_[cpu].member) check_told(cpu);
  }
  for (const Pending& each : pending_) {
    const unsigned most = each.up ? return_intervals : death_intervals;
    if (!judged_ || cycle - each.since <= most * interval_) continue;
    complaints_.add(fmt::format("CPU {} {} at cycle {}, and CPUs {:#x} have not agreed on that at "
                                "the end, {:.2f} intervals later",
                                each.cpu, each.up ? "was started again" : "fell silent",
                                each.began, each.waiting, intervals(cycle - each.since)),
                    each.began);
  }
}

CheckResult ChangeWatch::check() const {
  std::string good = fmt::format(
      "{} deaths agreed on within {:.2f} intervals, {} returns within {:.2f}{}; processes were "
      "told of {} CPUs down and {} up",
      deaths_.count, intervals(deaths_.most), returns_.count, intervals(returns_.most),
      judged_ ? "" : " (not judged: more than halts is done to the machine)", downs_told_,
      ups_told_);
  return complaints_.result("membership", std::move(good));
}

}  // namespace xybus
