/// The answer slot of a packet: what each node said in it.
#pragma once

#include <cstdint>

#include "contract/contract.h"

namespace xybus {

/// A set of nodes for each answer, a bit for each node. A node is in one of them, or silent.
struct Answers {
  std::uint32_t accepted = 0;
  std::uint32_t busy = 0;
  std::uint32_t corrupt = 0;
  std::uint32_t refused = 0;

  /// From the wires: planes of max_nodes bits, accepted in the lowest.
  static constexpr Answers from_wires(std::uint64_t planes) {
    constexpr std::uint64_t all = (std::uint64_t{1} << contract::max_nodes) - 1;
    const auto plane = [&](unsigned number) {
      return static_cast<std::uint32_t>(planes >> (number * contract::max_nodes) & all);
    };
    return {plane(0), plane(1), plane(2), plane(3)};
  }

  /// One node's answer, nobody else's.
  static constexpr Answers only(unsigned node, contract::Answer answer) {
    return Answers{}.add(node, answer);
  }

  constexpr Answers& add(unsigned node, contract::Answer answer) {
    const std::uint32_t bit = 1U << node;
    switch (answer) {
      case contract::Answer::none: break;
      case contract::Answer::accepted: accepted |= bit; break;
      case contract::Answer::busy: busy |= bit; break;
      case contract::Answer::corrupt: corrupt |= bit; break;
      case contract::Answer::refused: refused |= bit; break;
    }
    return *this;
  }

  /// What a node said. Of several, which no node may say, the last in the order of the contract.
  constexpr contract::Answer of(unsigned node) const {
    if ((refused >> node & 1) != 0) return contract::Answer::refused;
    if ((corrupt >> node & 1) != 0) return contract::Answer::corrupt;
    if ((busy >> node & 1) != 0) return contract::Answer::busy;
    if ((accepted >> node & 1) != 0) return contract::Answer::accepted;
    return contract::Answer::none;
  }

  /// Nodes that said anything.
  constexpr std::uint32_t any() const { return accepted | busy | corrupt | refused; }

  /// Nodes that said two things at once.
  constexpr std::uint32_t contradictory() const {
    return (accepted & (busy | corrupt | refused)) | (busy & (corrupt | refused)) |
           (corrupt & refused);
  }

  /// What a sender takes them for: of who says two things at once, nothing.
  constexpr Answers plain() const {
    const std::uint32_t clear = ~contradictory();
    return {accepted & clear, busy & clear, corrupt & clear, refused & clear};
  }

  /// With some wires inverted, numbered as in from_wires().
  constexpr Answers flipped(std::uint64_t wires) const {
    const Answers by = from_wires(wires);
    return {accepted ^ by.accepted, busy ^ by.busy, corrupt ^ by.corrupt, refused ^ by.refused};
  }

  constexpr bool operator==(const Answers&) const = default;
};

}  // namespace xybus
