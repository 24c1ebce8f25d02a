/// The events that a node's engine owes its CPU, and those that it has written.
///
/// The sender's and the receiver's side enter what must come; poll() compares it with the event
/// ring in node RAM. Events of received packets come in order by bus, others in any order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>

#include "check/reference/report.h"
#include "check/reference/settings.h"
#include "contract/contract.h"

namespace xybus::reference {

/// An event that is owed.
struct Owed {
  contract::EventEntry entry;    // of a received packet, its cookie is the least slot count
  std::uint16_t spread = 0;      // by which the slot count may be more
  bool optional = false;         // it may never come
  Cycle cycle = 0;               // in which it came about
  std::uint32_t bytes = 0;       // payload in the receive slot
  std::array<std::uint32_t, contract::max_payload_bytes / contract::word_bytes> payload;
};

class EventBook {
 public:
  EventBook(unsigned node, const Settings& settings, Report& report)
      : node_(node), settings_(settings), report_(report) {}

  /// Is asked about an event of a sent packet, or of a read, that is not owed: true when it may
  /// come all the same.
  void on_unexpected(std::function<bool(const contract::EventEntry&, Cycle)> explains) {
    explains_ = std::move(explains);
  }

  /// Enters an event that must come, or may. The reference is valid until the next call.
  Owed& owe(const contract::EventEntry& entry, bool optional, Cycle cycle);
  /// The same for a received packet, which fills a receive slot.
  void owe_received(contract::BusId bus, contract::EventEntry entry,
                    std::span<const std::uint32_t> payload, std::uint32_t bytes, bool optional,
                    Cycle cycle);

  /// Takes the events that the ring has got.
  void poll(std::span<const std::byte> ram, Cycle cycle);

  /// Complains about what should have come long ago.
  void overdue(Cycle cycle);

  /// The engine was disabled.
  void clear();

  /// What is owed may not come.
  void forgive() {
    for (Owed& owed : owed_) owed.optional = true;
  }

  std::size_t owed() const { return owed_.size(); }
  /// Count of the event that comes next, as event_tail counts.
  std::uint16_t taken_count() const { return next_; }

  /// Receive slots filled: at least, and at most.
  std::uint16_t least_filled(unsigned bus) const { return least_[bus]; }
  std::uint16_t most_filled(unsigned bus) const { return most_[bus]; }

 private:
  /// The engine writes an event long before: 3000 cycles are RAM taken by 40 packets.
  static constexpr Cycle patience = 3000;

  void take(const contract::EventEntry& entry, std::span<const std::byte> ram, Cycle cycle);
  bool take_arrival(const contract::EventEntry& entry, std::span<const std::byte> ram,
                    Cycle cycle);
  bool take_fate(const contract::EventEntry& entry, Cycle cycle);
  void learn_slot(std::uint16_t slot, unsigned bus);
  void check_slot(const Owed& owed, std::uint16_t slot, std::span<const std::byte> ram,
                  Cycle cycle);
  void complain(const contract::EventEntry& entry, Cycle cycle, const std::string& model);

  unsigned node_;
  const Settings& settings_;
  Report& report_;
  std::function<bool(const contract::EventEntry&, Cycle)> explains_;
  std::deque<Owed> owed_;
  std::uint16_t next_ = 0;  // count of the event that comes next
  std::array<std::uint16_t, 2> least_{};
  std::array<std::uint16_t, 2> most_{};
};

}  // namespace xybus::reference
