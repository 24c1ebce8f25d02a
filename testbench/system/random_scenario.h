/// Short scenarios drawn from a number: sizes, workloads, costs and faults of every kind of mix.
#pragma once

#include <cstdint>

#include "scenario/scenario.h"

namespace xybus::test {

/// What may be in one.
struct RandomMix {
  unsigned most_cpus = 8;
  bool faults = true;
};

/// The same number and mix give the same scenario. It takes up to some 200,000 cycles, and ends
/// well: its faults are within what the machine tolerates without a message that fails.
Scenario random_scenario(std::uint64_t number, const RandomMix& mix = {});

}  // namespace xybus::test
