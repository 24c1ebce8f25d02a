/// Makes a scenario that fails smaller, as long as it fails in the same way.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenario/scenario.h"

namespace xybus {

/// Where a fault hit a packet in a run.
struct PacketStrike {
  contract::BusId bus = contract::BusId::x;
  std::uint64_t cycle = 0;
  FaultKind kind = FaultKind::packet_corrupt;
};

/// Runs scenarios for a shrink.
class ShrinkRunner {
 public:
  virtual ~ShrinkRunner() = default;
  /// Whether it fails in the way that is looked for.
  virtual bool fails(const Scenario& candidate) = 0;
  /// The packets that were hit in the last run that failed so, in time order.
  virtual std::vector<PacketStrike> strikes() = 0;
};

/// What a shrink has come to, for progress.
struct ShrinkState {
  const char* part = "";  ///< what is being made smaller: "faults"
  std::size_t faults = 0, workloads = 0;
  unsigned cpus = 0;
  std::uint64_t runs = 0;
};

/// A smaller scenario that fails in the same way; `failing` does, without [chaos]. Faults go
/// first, and packet faults that hold for a time become single packets; then workloads and their
/// numbers, then CPUs. Goes round until nothing gets smaller. Valid scenarios alone are run.
Scenario shrink(const Scenario& failing, ShrinkRunner& runner,
                const std::function<void(const ShrinkState&)>& progress);

}  // namespace xybus
