/// A node's message engine, driven by hand through registers and node RAM.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/hal/hal.h"

namespace xybus::test {

class Engine {
 public:
  static constexpr std::uint32_t entries = 16;  // in each ring

  explicit Engine(hal::Hal& hal) : hal_(hal) {}

  /// Sets up the rings and enables the engine.
  void start();

  /// Posts a packet. Its number is the cookie.
  void post(unsigned to, std::span<const std::byte> payload,
            contract::TrafficClass traffic_class = contract::TrafficClass::control);

  /// The next event, if one is there; consumes it, and gives its receive slot back.
  std::optional<contract::EventEntry> poll();

  /// Sleeps until there is one.
  contract::EventEntry next();

  /// The payload of the packet last received.
  const std::vector<std::byte>& payload() const { return payload_; }

 private:
  struct Ring {
    std::uint32_t base;
    contract::Register base_register;
    contract::Register size_register;
  };

  void take_slot(const contract::EventEntry& event);

  hal::Hal& hal_;
  std::uint32_t posted_[2] = {0, 0};
  std::uint32_t consumed_ = 0;
  std::uint32_t given_back_[2] = {0, 0};
  std::vector<std::byte> payload_;
};

}  // namespace xybus::test
