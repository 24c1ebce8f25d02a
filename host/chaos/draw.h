/// Faults drawn from a seed, as a scenario's [chaos] asks.
#pragma once

#include <cstdint>

#include "scenario/scenario.h"

namespace xybus {

/// The scenario that a seed makes of one with [chaos]: the drawn faults stand behind its own,
/// everything has to be complete `drain` after the last of them, and there is no [chaos] any more.
/// Scenario and seed alone decide. The rounds of a membership workload are drawn first, see
/// rounds.h; a scenario without either comes back as it is.
///
/// A random half of the allowed kinds is enabled for the seed (at least one), so that seeds differ
/// in kind: with all kinds in every run, some would always hide what others could show (swarm
/// testing, Groce et al., ISSTA 2012).
///
/// What holds of the drawn faults:
/// - All are over at `until`, but for halts, for upsets, which happen once, and for a fault of one
///   packet on a bus that is silent up to then: it waits for its packet. Halts never leave fewer
///   than two CPUs.
/// - What else a fault says is drawn, too; see detail.h. Faults of a bus are of one bus each; with
///   tolerance any, every other partition is on both.
/// - A fault of a node for 0.75 I'm-alive intervals or longer that keeps it from being heard, or
///   from hearing, may halt its CPU for good, and so counts as a halt: interrupt-lost,
///   completion-delayed, cpu-slow, and nodes that misbehave. Where no CPU may halt any more it is
///   shorter.
/// - single: one at a time, `stable` between the end of one and the next, each on one bus or one
///   CPU's node. At most one CPU halts, and it counts as over when it has begun.
/// - A CPU that restarts is not one that halts, unless the halt is drawn after it; it is off for at
///   least least_off_cycles.
/// - any: they overlap as they come; `stable` lies between their beginnings.
/// Where not all have room before `until`, the last are left out.
Scenario draw_chaos(const Scenario& scenario, std::uint64_t seed);

}  // namespace xybus
