/// What is due in which cycle. A timer has at most one due cycle; timers of one cycle fire in the
/// order of their numbers, so nothing depends on the order in which they were set.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
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

/// Most timers are due soon: those stand in a ring of cycles, each with a bit for every timer. The
/// few others wait in a heap until their cycle comes within reach of the ring. One that is put off
/// over and over, as a timeout that never comes, stays there as it is until then.
class Agenda {
 public:
  static constexpr unsigned units = 32;
  static constexpr unsigned phases = 14;

  static constexpr unsigned timer(Phase phase, unsigned unit) {
    return static_cast<unsigned>(phase) * units + unit;
  }

  /// A later call replaces the due cycle. It must not lie before the cycle of the last take().
  void set(unsigned timer, Cycle cycle) {
    if (due_[timer] == cycle) return;
    clear(timer);
    if (cycle == never) return;
    assert(cycle >= now_);
    due_[timer] = cycle;
    if (cycle - now_ < reach) {
      put(timer, cycle);
    } else if (cycle < far_cycles_[timer]) {
      push_far(timer, cycle);
    }
  }

  /// Due then at the latest.
  void set_by(unsigned timer, Cycle cycle) {
    if (cycle < due_[timer]) set(timer, cycle);
  }

  void clear(unsigned timer) {
    const Cycle cycle = due_[timer];
    due_[timer] = never;
    if (cycle != never && cycle - now_ < reach) remove(timer, cycle);
  }

  Cycle due(unsigned timer) const { return due_[timer]; }

  /// The next cycle in which something is due.
  Cycle next() {
    const auto start = static_cast<unsigned>(now_ % reach);
    const unsigned word = start / word_bits;
    const std::uint64_t from = ~std::uint64_t{0} << start % word_bits;
    if (const auto here = used_[word] & from) return now_ + distance(start, word, here);
    for (unsigned i = 1; i < used_.size(); ++i) {
      const unsigned other = (word + i) % used_.size();
      if (used_[other] != 0) return now_ + distance(start, other, used_[other]);
    }
    if (const auto here = used_[word] & ~from) return now_ + distance(start, word, here);
    while (!far_.empty() && due_[far_.front() & mask] != far_.front() >> shift) move_far();
    return far_.empty() ? never : far_.front() >> shift;
  }

  /// Takes the next timer that is due in this cycle, not before an earlier call's; none: timers.
  unsigned take(Cycle cycle) {
    if (cycle != now_) go_to(cycle);
    const Slot& slot = slots_[cycle % reach];
    if (slot.used == 0) return units * phases;
    const auto word = static_cast<unsigned>(std::countr_zero(slot.used));
    const auto bit = static_cast<unsigned>(std::countr_zero(slot.words[word]));
    const unsigned timer = word * word_bits + bit;
    due_[timer] = never;
    remove(timer, cycle);
    return timer;
  }

 private:
  static constexpr unsigned word_bits = 64;
  static constexpr Cycle reach = 128;  // cycles; a packet of 256 bytes takes some 70
  struct Slot {
    std::array<std::uint64_t, units * phases / word_bits> words{};
    std::uint64_t used = 0;  // words with a bit
  };
  static_assert(units * phases % word_bits == 0 && reach % word_bits == 0);

  static constexpr unsigned shift = 9;
  static constexpr Cycle mask = (Cycle{1} << shift) - 1;
  static_assert(units * phases < mask);

  static constexpr std::array<Cycle, units * phases> filled() {
    std::array<Cycle, units * phases> due;
    due.fill(never);
    return due;
  }

  static Cycle distance(unsigned start, unsigned word, std::uint64_t bits) {
    const unsigned place = word * word_bits + static_cast<unsigned>(std::countr_zero(bits));
    return (place - start) % reach;
  }

  void put(unsigned timer, Cycle cycle) {
    const auto place = static_cast<unsigned>(cycle % reach);
    Slot& slot = slots_[place];
    slot.words[timer / word_bits] |= std::uint64_t{1} << timer % word_bits;
    slot.used |= std::uint64_t{1} << timer / word_bits;
    used_[place / word_bits] |= std::uint64_t{1} << place % word_bits;
  }

  void remove(unsigned timer, Cycle cycle) {
    const auto place = static_cast<unsigned>(cycle % reach);
    Slot& slot = slots_[place];
    std::uint64_t& word = slot.words[timer / word_bits];
    word &= ~(std::uint64_t{1} << timer % word_bits);
    if (word != 0) return;
    slot.used &= ~(std::uint64_t{1} << timer / word_bits);
    if (slot.used != 0) return;
    used_[place / word_bits] &= ~(std::uint64_t{1} << place % word_bits);
  }

  void push_far(unsigned timer, Cycle cycle) {
    far_cycles_[timer] = cycle;
    far_.push_back(cycle << shift | timer);
    std::push_heap(far_.begin(), far_.end(), std::greater<>{});
  }

  // The first entry of the heap goes to where its timer belongs by now.
  void move_far() {
    const Cycle cycle = far_.front() >> shift;
    const auto timer = static_cast<unsigned>(far_.front() & mask);
    std::pop_heap(far_.begin(), far_.end(), std::greater<>{});
    far_.pop_back();
    if (far_cycles_[timer] != cycle) return;  // there was an earlier one
    far_cycles_[timer] = never;
    if (due_[timer] == never) return;
    if (due_[timer] - now_ < reach) {
      put(timer, due_[timer]);
    } else {
      push_far(timer, due_[timer]);
    }
  }

  // Nothing is due before this cycle any more: what comes within reach goes into the ring.
  void go_to(Cycle cycle) {
    assert(cycle > now_);
    now_ = cycle;
    while (!far_.empty() && (far_.front() >> shift) - now_ < reach) move_far();
  }

  std::array<Cycle, units * phases> due_ = filled();
  Cycle now_ = 0;  // of the last take()
  std::array<Slot, reach> slots_{};
  std::array<std::uint64_t, reach / word_bits> used_{};  // slots with a bit
  std::vector<Cycle> far_;  // cycle and timer; a timer may be due later, or no longer
  std::array<Cycle, units * phases> far_cycles_ = filled();  // of a timer's entry, if it has one
};

}  // namespace xybus::tlm
