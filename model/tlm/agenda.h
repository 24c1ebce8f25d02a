/// What is due in which cycle. A timer has at most one due cycle; timers of one cycle fire in the
/// order of their numbers, so nothing depends on the order in which they were set.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "model/tlm/timing.h"

namespace xybus::tlm {

/// Parts of a cycle, in their order.
enum class Phase : unsigned {
  offence,  ///< by bus and record: the guardian's report is seen
  silence,  ///< by node: a halted node is found to ask for the bus
  verdict,  ///< by bus and record: receivers judge a packet
  store,    ///< by node: the lines of the oldest accepted packet are in node RAM
  event,    ///< by node: an entry of the event ring is written
  access,   ///< by node: the CPU's access has its effect
  fetch,    ///< by node and class: a descriptor has been read
  lane,     ///< by node and bus: a step of a transmit lane
  bulk,     ///< by node: a step of its own transfers
  serve,    ///< by node: a step of the reads of others
  choose,   ///< by node: the send scheduler
  age,      ///< by node: the oldest event has waited long enough
  bus_x,    ///< reports by record, then arbitration
  bus_y,
};

class Agenda {
 public:
  static constexpr unsigned units = 32;
  static constexpr unsigned phases = 14;

  static constexpr unsigned timer(Phase phase, unsigned unit) {
    return static_cast<unsigned>(phase) * units + unit;
  }

  /// A later call replaces the due cycle.
  void set(unsigned timer, Cycle cycle) {
    if (due_[timer] == cycle) return;
    due_[timer] = cycle;
    if (cycle == never) return;
    heap_.push_back(cycle << shift | timer);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
  }

  /// Due then at the latest.
  void set_by(unsigned timer, Cycle cycle) {
    if (cycle < due_[timer]) set(timer, cycle);
  }

  void clear(unsigned timer) { due_[timer] = never; }
  Cycle due(unsigned timer) const { return due_[timer]; }

  /// The next cycle in which something is due.
  Cycle next() {
    while (!heap_.empty() && stale(heap_.front())) drop();
    return heap_.empty() ? never : heap_.front() >> shift;
  }

  /// Takes the next timer that is due in this cycle; none: timers.
  unsigned take(Cycle cycle) {
    if (next() != cycle) return units * phases;
    const unsigned timer = static_cast<unsigned>(heap_.front() & mask);
    drop();
    due_[timer] = never;
    return timer;
  }

 private:
  static constexpr unsigned shift = 9;
  static constexpr Cycle mask = (Cycle{1} << shift) - 1;
  static_assert(units * phases < mask);

  bool stale(Cycle entry) const { return due_[entry & mask] != entry >> shift; }
  void drop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
    heap_.pop_back();
  }

  std::vector<Cycle> due_ = std::vector<Cycle>(units * phases, never);
  std::vector<Cycle> heap_;  // cycle and timer
};

}  // namespace xybus::tlm
