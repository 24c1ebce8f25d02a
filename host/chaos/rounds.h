/// The restarts of a membership workload, drawn from a seed.
#pragma once

#include <cstdint>

#include "scenario/scenario.h"

namespace xybus {

/// The scenario with the restarts behind its own faults, and no rounds left to be drawn; as it is
/// when there are none. Scenario and seed alone decide.
///
/// A round begins `stable`, and up to an I'm-alive interval more, after the one before, or later
/// when no CPU can be spared: those that are off, or were up to rejoin_intervals before, are to
/// leave more than half of the CPUs, or half of them with CPU 0 - unless `all` is set. What the
/// scenario's own faults do is not counted.
Scenario draw_rounds(const Scenario& scenario, std::uint64_t seed);

}  // namespace xybus
