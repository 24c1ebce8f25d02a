/// What a drawn fault says beyond its kind, where and when.
#pragma once

#include "random/random.h"
#include "scenario/scenario.h"

namespace xybus {

/// Draws it, for a machine of so many CPUs: which wire and level, which CPUs are cut off from the
/// others (a random proper subset), how slow, which bit of an answer slot, of node RAM or of a
/// register. Draws nothing for kinds that have no such thing, and for packet-corrupt, whose bits
/// are drawn packet by packet.
FaultDetail draw_detail(FaultKind kind, unsigned cpus, RandomStream& random);

}  // namespace xybus
