/// What can be done to the hardware at its fault points.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/contract.h"

namespace xybus {

/// Whether an upset can invert bits of this register: the CPU can write it, and it is neither a
/// window nor a path.
constexpr bool can_be_upset(const contract::RegisterInfo& info) {
  return info.writable && info.count == 1 && info.reg != contract::Register::path_down_x &&
         info.reg != contract::Register::path_down_y;
}

/// What is done to one packet while it is on the wires.
struct PacketFault {
  /// No node sees any word of it.
  bool drop = false;
  /// Its sender sees none of its answers.
  bool answer_drop = false;
  /// Bits to invert, counted on the wire from bit 0 of the first header word; see flip_place().
  std::vector<unsigned> flips{};
  /// Answer wires to invert in its answer slot, bit by bit: max_nodes for each answer, accepted
  /// first, then busy, corrupt, refused; a node's own wire is at its number. Of dropped answers
  /// nothing is inverted.
  std::uint64_t answer_flips = 0;
  /// Behind its answers the bus repeats it, as its receivers saw it, and nothing is granted
  /// meanwhile. Not if it is cut.
  bool duplicate = false;

  bool any() const {
    return drop || answer_drop || duplicate || answer_flips != 0 || !flips.empty();
  }
};

/// What a node does to both buses against the rules. Each is on or off for itself.
enum class Misdeed : std::uint8_t {
  /// It asks for the bus all the time, and sends noise under its own number; now and then without
  /// an end. A halted node is to be silent and is not.
  babble,
  /// Its packets bear another node's number.
  forge,
  /// Its packets do not end.
  hold,
};

/// What is wrong with a bus for a time, beside being down.
struct BusFault {
  /// Data wires, of each word, that are stuck, and at what.
  std::uint32_t stuck_mask = 0;
  std::uint32_t stuck_value = 0;
  /// Nodes on one side of a partition: no word and no answer passes between them and the others.
  /// 0: none.
  std::uint32_t partition = 0;
  /// The controller grants nothing any more. What has the bus ends as it would.
  bool dead = false;
  /// The controller leaves so many cycles between two packets, 0 to 255.
  unsigned slow = 0;
  /// With each packet the controller grants a second node that asks, and both drive.
  bool double_grant = false;
  bool operator==(const BusFault&) const = default;
};

/// What is wrong with a node for a time, beside its misdeeds.
struct NodeFault {
  /// Its CPU does not see the interrupt; or sees it all the time.
  bool interrupt_lost = false;
  bool interrupt_stuck = false;
  /// Its event ring writes nothing: completions and arrivals wait.
  bool events_held = false;
  bool operator==(const NodeFault&) const = default;
};

}  // namespace xybus
