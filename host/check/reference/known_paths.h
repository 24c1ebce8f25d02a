/// A node's paths, worked out from the attempts that were seen and the registers that were written.
#pragma once

#include <array>

#include "check/reference/report.h"
#include "model/tlm/paths.h"

namespace xybus::reference {

class KnownPaths {
 public:
  const tlm::Paths& on(unsigned bus) const { return paths_[bus]; }

  /// Counts changes of any state.
  unsigned version() const { return version_; }
  Cycle changed() const { return changed_; }

  /// Since when a path is down; the cycle is not in the past when it is not.
  Cycle down_since(unsigned bus, unsigned node) const {
    return (paths_[bus].down >> node & 1) != 0 ? since_[bus][node] : ~Cycle{0};
  }

  /// Nodes to which a path's state is not known.
  Nodes unknown() const { return unknown_[0] | unknown_[1]; }

  void attempt(unsigned bus, const tlm::Verdict& verdict, Nodes tried,
               contract::PathLimitsRegister limits, Cycle cycle) {
    const Nodes down = paths_[bus].down;
    const Nodes suspect = paths_[bus].suspect;
    paths_[bus].judge(verdict, limits);
    for (Nodes left = paths_[bus].down & ~down; left != 0; left &= left - 1) {
      since_[bus][tlm::lowest(left)] = cycle;
    }
    if (down != paths_[bus].down || suspect != paths_[bus].suspect) change(cycle);
    // The CPU may have raised the path before or after.
    if (cycle <= raised_[bus] + margin) unknown_[bus] |= tried & raised_nodes_[bus];
    tried_[bus] = tried;
    tried_cycle_[bus] = cycle;
  }

  void raise(unsigned bus, Nodes nodes, Cycle cycle) {
    if (((paths_[bus].down | paths_[bus].suspect) & nodes) != 0) change(cycle);
    paths_[bus].restore(nodes);
    unknown_[bus] &= ~nodes;
    if (cycle <= tried_cycle_[bus] + margin) unknown_[bus] |= nodes & tried_[bus];
    raised_[bus] = cycle;
    raised_nodes_[bus] = nodes;
  }

  /// Nothing is known any more.
  void forget(Cycle cycle) {
    *this = {};
    unknown_ = {~Nodes{0}, ~Nodes{0}};
    change(cycle);
  }

 private:
  void change(Cycle cycle) {
    ++version_;
    changed_ = cycle;
  }

  std::array<tlm::Paths, 2> paths_{};
  std::array<Nodes, 2> unknown_{};
  std::array<std::array<Cycle, contract::max_nodes>, 2> since_{};
  std::array<Nodes, 2> raised_nodes_{};
  std::array<Cycle, 2> raised_{};
  std::array<Nodes, 2> tried_{};
  std::array<Cycle, 2> tried_cycle_{};
  unsigned version_ = 0;
  Cycle changed_ = 0;
};

}  // namespace xybus::reference
