/// The status of a machine that runs on.
#pragma once

#include "model/fabric.h"
#include "report/run_result.h"

namespace xybus {

/// Completes what the kernels have told with what the nodes tell: a copy of this process asks
/// them, for nothing goes on after it (see Fabric::peek).
TimedStatus status_now(const MachineStatus& machine, Fabric& fabric);

}  // namespace xybus
