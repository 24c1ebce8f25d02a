/// The CPU's end of the event ring.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "contract/contract.h"
#include "firmware/hal/hal.h"

namespace xybus {

/// Finds new entries by their phase bit, so that looking costs no register access.
class EventRing {
 public:
  /// Sets the engine's registers, with the engine switched off, and clears the ring. `memory` is
  /// the ring in node RAM, at byte `address`; its size in entries is a power of two.
  void start(hal::Hal& hal, std::span<std::byte> memory, std::uint32_t address);

  /// Takes the next entry, if the engine has written one.
  std::optional<contract::EventEntry> take();

  /// Lets the engine have the entries back that were taken; one register write, or none.
  void give_back(hal::Hal& hal);

 private:
  std::span<std::byte> memory_;
  std::uint32_t size_ = 0;
  std::uint32_t taken_ = 0;  // free-running
  std::uint32_t given_back_ = 0;
};

}  // namespace xybus
