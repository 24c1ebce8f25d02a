/// What each node must think of its paths, worked out from the answers on the wires.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "contract/contract.h"

namespace xybus {

/// Points of every path (source, destination, bus), as the contract gives them: for a missing
/// answer, for an answer corrupt; any other answer clears them. A path that was down and carries
/// packets again has been restored by its CPU, or is being probed. When it was restored the wires
/// do not tell: its points may be fewer than were counted, or, after it has carried a packet, more.
class PathWatch {
 public:
  /// `alive_interval`, in cycles, is how often firmware restores paths that are down; 0: never.
  PathWatch(contract::PathLimitsRegister limits, std::uint64_t alive_interval);

  /// An attempt has met its answer slot in `cycle`. `probe`: it went by a fixed route, so that a
  /// path that is down need not have been restored.
  void attempt(contract::BusId bus, unsigned source, unsigned destination,
               contract::Answer answer, std::uint64_t cycle, bool probe);

  /// A message was answered as if it had asked for a window, which only a fault can do: its sender
  /// takes the destination for failed.
  void denied(unsigned source, unsigned destination, std::uint64_t cycle) {
    cut(source, destination, cycle);
  }

  /// From this cycle on a bus takes no packet, or not for sure, or does again: any of its paths may
  /// fail unseen.
  void blocked(contract::BusId bus, std::uint64_t cycle, bool on);

  /// A node has been started again: its paths are as new.
  void restarted(unsigned source);

  /// A CPU takes another one for up again, which it had taken for failed.
  void readmitted(unsigned source, unsigned destination) {
    cut_off_[pair(source, destination)].reset();
  }

  /// Whether a path may be down, by the most points that it can have.
  bool may_be_down(contract::BusId bus, unsigned source, unsigned destination) const {
    return path(bus, source, destination).may_be_down;
  }
  bool both_may_be_down(unsigned source, unsigned destination) const {
    return may_be_down(contract::BusId::x, source, destination) &&
           may_be_down(contract::BusId::y, source, destination);
  }

  /// Whether all paths of a node are up for certain: neither suspect nor down.
  bool all_up(unsigned source) const { return troubled_[source] == 0; }

  /// Whether no bus led from one CPU to another, at some time from cycle `since` on: both paths
  /// went down within two I'm-alive intervals. A path that failed longer ago has been restored
  /// since. What was before one of them started again and was readmitted is forgotten.
  bool was_cut_off(unsigned source, unsigned destination, std::uint64_t since = 0) const {
    const auto within = [since](const std::optional<std::uint64_t>& last) {
      return last && *last >= since;
    };
    const bool all_now = blocks_[0].times > 0 && blocks_[1].times > 0;
    return all_now || within(all_cut_off_) || within(cut_off_[pair(source, destination)]);
  }

 private:
  struct Path {
    std::uint32_t points = 0;
    std::uint32_t most = 0;    // points, if it was restored as early as it may have been
    bool troubled = false;     // suspect or down, or may be
    bool down = false;
    bool may_be_down = false;
    std::optional<std::uint64_t> failed_cycle;  // when it last went down, or failed while down
  };

  static std::size_t index(contract::BusId bus, unsigned source, unsigned destination) {
    return (source * contract::max_nodes + destination) * 2 + static_cast<std::size_t>(bus);
  }
  static std::size_t pair(unsigned source, unsigned destination) {
    return source * contract::max_nodes + destination;
  }
  void cut(unsigned source, unsigned destination, std::uint64_t cycle) {
    auto& last = cut_off_[pair(source, destination)];
    last = std::max(last.value_or(0), cycle);
  }
  const Path& path(contract::BusId bus, unsigned source, unsigned destination) const {
    return paths_[index(bus, source, destination)];
  }
  void failed(contract::BusId bus, unsigned source, unsigned destination, std::uint64_t cycle);

  // When a bus last took nothing.
  struct Block {
    std::uint64_t from = 0, until = 0;
    int times = 0;
    bool ever = false;
    bool near(std::uint64_t cycle, std::uint64_t window) const {
      return ever && (times > 0 || cycle <= until || cycle - until <= window);
    }
  };

  std::array<Block, 2> blocks_{};
  std::optional<std::uint64_t> all_cut_off_;  // when both were last blocked, or nearly
  contract::PathLimitsRegister limits_;
  std::uint64_t cut_window_;  // cycles within which the failures of two paths add up
  std::vector<Path> paths_;
  std::array<std::uint32_t, contract::max_nodes> troubled_{};  // paths, by source
  std::vector<std::optional<std::uint64_t>> cut_off_;          // by pair: when last
};

}  // namespace xybus
