#include "firmware/message/event_ring.h"

#include <algorithm>

#include "firmware/message/wire.h"

namespace xybus {

using contract::EventEntry;
using contract::Register;

void EventRing::start(hal::Hal& hal, std::span<std::byte> memory, std::uint32_t address) {
  memory_ = memory;
  size_ = static_cast<std::uint32_t>(memory.size() / contract::line_bytes);
  hal.write(Register::event_base, address);
  hal.write(Register::event_size, size_);
  // The engine tells from where it counts (0 when it was disabled). An old entry must not look new:
  // fill the ring with the phase that the coming pass does not have, and the part of the ring
  // that the pass has behind it with the phase of the pass after.
  taken_ = given_back_ = hal.read(Register::event_tail) & 0xffffU;
  const bool phase = (taken_ / size_ & 1U) == 0;
  for (std::uint32_t i = 0; i < size_; ++i) {
    EventEntry old;
    old.set_phase((i < taken_ % size_) == phase);
    store(old, memory_.subspan(i * contract::line_bytes, contract::line_bytes));
  }
  hal.write(Register::event_head, taken_);
}

std::optional<EventEntry> EventRing::take() {
  const auto line = memory_.subspan(taken_ % size_ * contract::line_bytes, contract::line_bytes);
  const bool phase = (taken_ / size_ & 1U) == 0;
  EventEntry entry;
  entry.words[0] = load_word(line);
  if ((entry.phase() != 0) != phase) return std::nullopt;
  entry = load<EventEntry>(line);
  ++taken_;
  return entry;
}

void EventRing::give_back(hal::Hal& hal) {
  if (given_back_ == taken_) return;
  given_back_ = taken_;
  hal.write(Register::event_head, taken_ & 0xffffU);
}

}  // namespace xybus
