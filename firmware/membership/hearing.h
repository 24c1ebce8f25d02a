/// Whom this CPU hears, and until when it may count on them.
///
/// Three spans, in terms of the interval I between two I'm-alives of a CPU, and why they are as
/// they are. A CPU says in its I'm-alives whom it has heard `recently` (H = 1.125 I). Another that
/// hears that about itself counts on it for a lease of L = 1.125 I. It is `silent` after
/// S = 2.375 I. So S > H + L: when a CPU finds another silent, no lease of that one rests on it any
/// more, with I/8 to spare for packets that were slow; even if that one still hears all others.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "firmware/membership/view.h"

namespace xybus {

class Hearing {
 public:
  Hearing(unsigned cpu, std::uint64_t alive_interval)
      : cpu_(cpu),
        recent_span_(alive_interval + alive_interval / 8),
        silent_span_(2 * alive_interval + 3 * alive_interval / 8),
        deaf_span_(2 * alive_interval + alive_interval / 8) {}

  /// From now on: all have been heard just now.
  void start(std::uint64_t now);

  /// A packet of that CPU came.
  void heard(unsigned cpu, contract::BusId bus, std::uint64_t now);
  /// That CPU has restarted: its former incarnation is silent for ever.
  void superseded(unsigned cpu) { superseded_ |= bit_of(cpu); }
  /// Its present incarnation is now in the view, or was heard.
  void renewed(unsigned cpu, std::uint64_t now);
  /// An I'm-alive of that CPU in the same view says that it has heard this one.
  void confirmed(unsigned cpu, std::uint64_t when) { confirmed_[cpu] = when; }
  /// The confirmations of an earlier view count no more.
  void forget_confirmations() { confirmed_.fill(never_yet); }

  /// CPUs heard within H. This CPU is one.
  CpuMask recent(std::uint64_t now) const;
  /// CPUs of `among` not heard within S, on either bus. This CPU is none.
  CpuMask silent(CpuMask among, std::uint64_t now) const;
  /// The first cycle after `now` in which one more CPU of `among` is silent; ~0 for never.
  std::uint64_t next_silence(CpuMask among, std::uint64_t now) const;
  /// CPUs that this one may count on, by what they have confirmed. This CPU is one.
  CpuMask leased(std::uint64_t now) const;
  /// Whether it hears not even itself, and the cycle from which on that is so.
  bool deaf(std::uint64_t now) const { return now >= deaf_at(); }
  std::uint64_t deaf_at() const { return last(cpu_) + deaf_span_; }
  /// The span L.
  std::uint64_t lease() const { return recent_span_; }

 private:
  static constexpr std::uint64_t never_yet = ~std::uint64_t{0};

  std::uint64_t last(unsigned cpu) const { return std::max(last_[cpu][0], last_[cpu][1]); }

  const unsigned cpu_;
  const std::uint64_t recent_span_, silent_span_, deaf_span_;
  std::array<std::array<std::uint64_t, 2>, contract::max_nodes> last_{};
  std::array<std::uint64_t, contract::max_nodes> confirmed_{};
  CpuMask superseded_ = 0;
};

}  // namespace xybus
