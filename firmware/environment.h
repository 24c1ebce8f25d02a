/// What every part of one CPU's kernel has in common: the hardware, the price of work, and the
/// one who watches.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/dispatcher/cost_table.h"
#include "firmware/hal/hal.h"
#include "firmware/observer.h"

namespace xybus {

class Environment {
 public:
  Environment(hal::Hal& hal, const CostTable& cost_table, unsigned cpu, unsigned cpus,
              KernelObserver* observer)
      : costs(cost_table), hal_(hal), cpu_(cpu), cpus_(cpus), observer_(observer) {}

  hal::Hal& hal() const { return hal_; }
  unsigned cpu() const { return cpu_; }
  unsigned cpus() const { return cpus_; }

  /// Spends the time of a piece of kernel work.
  void charge(std::uint32_t cycles) const {
    if (cycles != 0) hal_.consume(cycles);
  }

  /// Copies `from` to the front of `to`, which has room, and spends the time it takes.
  void copy(std::span<const std::byte> from, std::span<std::byte> to) const {
    if (from.empty()) return;
    const auto lines = (from.size() + contract::line_bytes - 1) / contract::line_bytes;
    charge(static_cast<std::uint32_t>(lines * costs.copy_line));
    std::copy(from.begin(), from.end(), to.begin());
  }

  /// Tells the observer, with the current cycle filled in.
  void observe(KernelEvent event) const {
    if (observer_ == nullptr) return;
    event.cycle = hal_.now();
    observer_->on(cpu_, event);
  }
  void observe(const DiskRequest& request) const {
    if (observer_ != nullptr) observer_->on_disk_request(cpu_, request, hal_.now());
  }

  const CostTable costs;

 private:
  hal::Hal& hal_;
  const unsigned cpu_;
  const unsigned cpus_;
  KernelObserver* const observer_;
};

}  // namespace xybus
