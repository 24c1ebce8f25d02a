/// A node's paths on one bus: points, and what follows from them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "contract/contract.h"
#include "model/tlm/packet.h"

namespace xybus::tlm {

struct Path {
  std::uint16_t failures = 0;
  std::uint8_t points = 0;
  bool operator==(const Path&) const = default;
};

struct Paths {
  Nodes suspect = 0;
  Nodes down = 0;
  std::array<Path, contract::max_nodes> path{};

  bool operator==(const Paths&) const = default;

  /// What an attempt at these nodes has shown.
  void judge(const Verdict& verdict, contract::PathLimitsRegister limits) {
    for (Nodes left = verdict.good(); left != 0; left &= left - 1) {
      path[lowest(left)].points = 0;
    }
    suspect &= ~verdict.good();
    fail(verdict.missing, std::max(limits.missing(), 1u), limits);
    fail(verdict.corrupt, std::max(limits.corrupt(), 1u), limits);
  }

  void restore(Nodes nodes) {
    down &= ~nodes;
    suspect &= ~nodes;
    for (Nodes left = nodes; left != 0; left &= left - 1) {
      path[lowest(left)].points = 0;
    }
  }

 private:
  void fail(Nodes nodes, unsigned points, contract::PathLimitsRegister limits) {
    for (; nodes != 0; nodes &= nodes - 1) {
      const unsigned node = lowest(nodes);
      Path& its = path[node];
      if (its.failures != 0xffff) ++its.failures;
      its.points = static_cast<std::uint8_t>(std::min(its.points + points, 255u));
      if (its.points >= limits.suspect()) suspect |= 1u << node;
      if (its.points >= limits.down()) down |= 1u << node;
    }
  }
};

}  // namespace xybus::tlm
