/// Random faults on the wires of both buses, a decision for each packet.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// Odds against each fault, once in so many packets; 0 for never.
struct FaultOdds {
  unsigned flip = 0;         ///< One to five bits, anywhere in the first `span` beats.
  unsigned burst = 0;        ///< A burst of up to 32 bits that begins in the first `span` beats.
  unsigned drop = 0;         ///< No node sees the packet.
  unsigned cut = 0;          ///< No node sees the packet from a random beat on.
  unsigned answer_drop = 0;  ///< No node sees the answers.
  unsigned span = 20;        ///< Beats. Where a packet is shorter, nothing happens behind its end.
};

class WireFaults {
 public:
  WireFaults(const FaultOdds& odds, unsigned data_width, std::uint64_t seed)
      : odds_(odds), data_width_(data_width), random_(seed) {}

  void set(const FaultOdds& odds) { odds_ = odds; }
  /// What to do to one packet: nothing; or hide it, invert one bit of it, or hide its answers.
  enum class Fault { none, drop, flip, answer_drop };
  /// When set, asked for each packet, instead of the odds.
  std::function<Fault(unsigned bus, unsigned source)> script;
  /// From now on this bus carries nothing, either way.
  void kill(unsigned bus) { bus_[bus].dead = true; }
  void revive(unsigned bus) { bus_[bus].dead = false; }

  /// Sets the fault inputs, which act in the next cycle, from what the wires show in this one.
  void apply(const FabricOutputs& now, FabricInputs& inputs);

  /// Packets with at least one bit inverted.
  std::uint64_t packets_flipped() const { return flipped_; }
  /// Packets for which any fault was decided.
  std::uint64_t packets_hit() const { return hit_; }

 private:
  struct Flip {
    unsigned beat;
    std::uint64_t bits;
  };
  struct Bus {
    bool dead = false;
    unsigned beat = 0;  // of the packet, in the next cycle
    std::vector<Flip> flips{};
    bool flipped = false;
    unsigned drop_from = ~0U;
    bool answer_drop = false;
    std::array<bool, contract::answer_delay> answer_due{};  // the first: in the next cycle
  };
  void decide(unsigned number, unsigned source);
  void invert(Bus& bus, unsigned bit);

  FaultOdds odds_;
  unsigned data_width_;
  Random random_;
  std::array<Bus, 2> bus_{};
  std::uint64_t flipped_ = 0, hit_ = 0;
};

}  // namespace xybus::bench
