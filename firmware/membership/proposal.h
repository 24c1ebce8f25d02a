/// Whom a coordinator proposes for the next view.
#pragma once

#include <array>

#include "firmware/membership/view.h"

namespace xybus {

/// Bit d of element c: CPU c hears CPU d.
using HeardBy = std::array<CpuMask, contract::max_nodes>;

/// CPUs of `candidates` that all hear each other. While there are two that do not, whoever has most
/// such troubles is left out; of equals the highest-numbered. With one faulty CPU, or a machine in
/// two parts, that leaves the most that can be left.
CpuMask hear_each_other(CpuMask candidates, const HeardBy& heard_by);

}  // namespace xybus
