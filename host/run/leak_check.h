/// The check "leaks", made at the end of a run.
#pragma once

#include <cstdint>

#include "model/machine.h"
#include "report/run_result.h"
#include "run/checks.h"
#include "run/leaks.h"
#include "run/mishaps.h"

namespace xybus {

/// Winds the machine up and looks what its kernels still hold. In a copy of the process, so that
/// the run is what it was. `alive_interval`: of the scenario, in cycles.
CheckResult leak_check(Machine& machine, const Kernels& kernels, Mishaps& mishaps,
                       const Checks& checks, std::uint64_t alive_interval);

}  // namespace xybus
