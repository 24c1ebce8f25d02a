/// Makes a workload smaller, key by key.
#pragma once

#include <functional>

#include "scenario/scenario.h"

namespace xybus {

/// Numbers, times and shares become lower, lists of CPUs shorter, as long as `fails` of what comes
/// of it; that of `workload` is taken for granted. Pauses stay: without them it is another load.
WorkloadSpec shrink_workload(WorkloadSpec workload, const SystemSpec& system,
                             const std::function<bool(const WorkloadSpec&)>& fails);

}  // namespace xybus
