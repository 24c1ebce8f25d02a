/// Watches the wires of both buses, and knows the packet format from the contract alone.
#pragma once

#include <array>
#include <cstdint>

#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/packet.h"

namespace xybus::bench {

/// Throws when a packet that no fault has touched is not as the contract says: length, CRC, source,
/// words without a gap, and answers in their slot alone.
class WireMonitor {
 public:
  /// One cycle; `touched` tells for each bus that a fault acts on the packet on its wires.
  void see(std::uint64_t cycle, const FabricOutputs& now, std::array<bool, 2> touched);
  /// A node was halted: what it was sending ends in rubbish, and it no longer answers.
  void forgive(unsigned node) { forgiven_ |= 1U << node; }

  std::uint64_t packets(unsigned bus) const { return bus_[bus].packets; }
  std::uint64_t words(unsigned bus) const { return bus_[bus].count; }

 private:
  struct Bus {
    Words words;
    bool open = false;
    bool answer_slot = false;
    bool touched = false;
    unsigned source = 0;
    bool starts = false;
    unsigned start_source = 0;
    std::uint64_t packets = 0, count = 0;
  };
  void see_bus(std::uint64_t cycle, unsigned number, const BusOutputs& wires, bool touched);
  void check(const Bus& bus) const;
  void check_answers(const Bus& bus, std::uint32_t answers) const;

  std::array<Bus, 2> bus_{};
  std::uint32_t forgiven_ = 0;
};

}  // namespace xybus::bench
