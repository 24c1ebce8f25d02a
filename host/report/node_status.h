/// What the nodes themselves say at the end of a run: every register that counts or tells a state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"

namespace xybus {

/// Counters of a bus, in the order of their registers from sent to broken_off.
inline constexpr std::size_t counters_per_bus =
    (static_cast<std::size_t>(contract::Register::sent_y) -
     static_cast<std::size_t>(contract::Register::sent_x)) /
    contract::word_bytes;

/// The register of a counter.
contract::Register counter_register(contract::BusId bus, std::size_t counter);
/// "sent", "accepted" and so on.
std::string counter_name(std::size_t counter);

/// The path from a node to a destination by one bus.
struct PathStatus {
  contract::PathState state = contract::PathState::up;
  std::uint32_t points = 0;
  std::uint32_t failures = 0;
  bool plain() const {
    return state == contract::PathState::up && points == 0 && failures == 0;
  }
};

/// What the guardian of a bus has caught, as the node has noted it.
struct GuardianStatus {
  std::uint32_t offences = 0;
  unsigned offender = 0;  ///< of the last
  contract::Offence offence = contract::Offence::none;
};

struct NodeStatus {
  bool halted = true;  ///< its CPU port does not answer: all else is unknown
  bool enabled = false;
  bool interrupts = false;
  bool storing = false;
  bool serving = false;
  unsigned epoch = 0;
  unsigned events_made = 0, events_taken = 0;  ///< 16-bit counts
  std::array<std::vector<PathStatus>, 2> paths;  ///< by bus and destination
  std::array<std::array<std::uint32_t, counters_per_bus>, 2> counters{};
  std::array<GuardianStatus, 2> guardian;
};

/// For a person: a column for each CPU, a row for each counter that is not zero anywhere, and every
/// path that is not as good as new. Empty for no nodes.
std::string status_text(const std::vector<NodeStatus>& nodes);

}  // namespace xybus
