/// Random faults on the wires of both buses, a decision for each packet.
#pragma once

#include <array>
#include <cstdint>

#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// Odds against each fault, once in so many packets; 0 for never.
struct FaultOdds {
  unsigned flip = 0;         ///< One to three bits of one word.
  unsigned drop = 0;         ///< No node sees the packet.
  unsigned cut = 0;          ///< No node sees the packet from a random word on.
  unsigned answer_drop = 0;  ///< No node sees the answers.
};

class WireFaults {
 public:
  WireFaults(const FaultOdds& odds, std::uint64_t seed) : odds_(odds), random_(seed) {}

  /// From now on this bus carries nothing, either way.
  void kill(unsigned bus) { bus_[bus].dead = true; }
  void revive(unsigned bus) { bus_[bus].dead = false; }

  /// Sets the fault inputs, which act in the next cycle, from what the wires show in this one.
  void apply(const FabricOutputs& now, FabricInputs& inputs);

  /// A fault acted on the current packet of this bus, or its answers.
  bool touched(unsigned bus) const { return bus_[bus].touched; }
  std::uint64_t packets_hit() const { return hit_; }

 private:
  struct Bus {
    bool dead = false;
    bool touched = false;
    unsigned word = 0;  // of the packet, in the next cycle
    unsigned flip_word = ~0U;
    std::uint32_t flip = 0;
    unsigned drop_from = ~0U;
    bool answer_drop = false;
  };
  void decide(Bus& bus);

  FaultOdds odds_;
  Random random_;
  std::array<Bus, 2> bus_{};
  std::uint64_t hit_ = 0;
};

}  // namespace xybus::bench
