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

/// The same of a disk fault: any drive; of its errors any block or, half of them, all.
FaultDetail draw_drive(FaultKind kind, const std::vector<DiskSpec>& disks, RandomStream& random);

}  // namespace xybus
