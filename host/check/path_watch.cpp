#include "check/path_watch.h"

#include <algorithm>

namespace xybus {

using contract::Answer;
using contract::BusId;

PathWatch::PathWatch(contract::PathLimitsRegister limits, std::uint64_t alive_interval)
    : limits_(limits),
      cut_window_(alive_interval != 0 ? 2 * alive_interval : ~std::uint64_t{0}),
      paths_(contract::max_nodes * contract::max_nodes * 2),
      cut_off_(contract::max_nodes * contract::max_nodes) {}

void PathWatch::attempt(BusId bus, unsigned source, unsigned destination, Answer answer,
                        std::uint64_t cycle, bool probe) {
  constexpr std::uint32_t most_points = 255;
  Path& its = paths_[index(bus, source, destination)];
  if (its.down && !probe) {
    its.down = false;
    its.points = 0;
  }
  // It was restored, and before the last of its failures perhaps, but it was not down any more.
  if (its.may_be_down && !probe) {
    its.may_be_down = false;
    its.most = std::min(its.most, std::max(limits_.down(), 1U) - 1);
  }
  const auto add = [&](std::uint32_t points) {
    its.points = std::min(its.points + std::max(points, 1U), most_points);
    its.most = std::min(its.most + std::max(points, 1U), most_points);
  };
  switch (answer) {
    case Answer::none: add(limits_.missing()); break;
    case Answer::corrupt: add(limits_.corrupt()); break;
    case Answer::accepted:
    case Answer::busy:
    case Answer::refused: its.points = its.most = 0; break;
  }
  const bool failing = its.points != 0;
  its.down = its.down || (failing && its.points >= limits_.down());
  its.may_be_down = its.down || its.may_be_down || (failing && its.most >= limits_.down());
  const bool troubled = its.may_be_down || (failing && its.most >= limits_.suspect());
  if (troubled != its.troubled) troubled_[source] += troubled ? 1 : ~0U;
  its.troubled = troubled;
  if (its.down && failing) failed(bus, source, destination, cycle);
}

void PathWatch::restarted(unsigned source) {
  for (unsigned d = 0; d < contract::max_nodes; ++d) {
    for (const BusId bus : {BusId::x, BusId::y}) paths_[index(bus, source, d)] = {};
  }
  troubled_[source] = 0;
  for (unsigned d = 0; d < contract::max_nodes; ++d) cut_off_[pair(source, d)].reset();
}

void PathWatch::blocked(BusId bus, std::uint64_t cycle, bool on) {
  Block& its = blocks_[static_cast<std::size_t>(bus)];
  const Block& other = blocks_[1 - static_cast<std::size_t>(bus)];
  its.times += on ? 1 : -1;
  its.ever = true;
  if (on) its.from = cycle;
  its.until = cycle;
  if (other.near(cycle, cut_window_)) all_cut_off_ = cycle;
  if (!on) return;
  for (unsigned source = 0; source < contract::max_nodes; ++source) {
    for (unsigned d = 0; d < contract::max_nodes; ++d) {
      const auto& failed = path(bus == BusId::x ? BusId::y : BusId::x, source, d).failed_cycle;
      if (failed && (*failed >= cycle || cycle - *failed <= cut_window_)) cut(source, d, cycle);
    }
  }
}

void PathWatch::failed(BusId bus, unsigned source, unsigned destination, std::uint64_t cycle) {
  paths_[index(bus, source, destination)].failed_cycle = cycle;
  const BusId other_bus = bus == BusId::x ? BusId::y : BusId::x;
  if (blocks_[static_cast<std::size_t>(other_bus)].near(cycle, cut_window_)) {
    cut(source, destination, cycle);
  }
  const auto other = path(other_bus, source, destination).failed_cycle;
  if (!other) return;
  // Packets of the two buses need not come in order of time.
  const auto [first, last] = std::minmax(*other, cycle);
  if (last - first <= cut_window_) cut(source, destination, last);
}

}  // namespace xybus
