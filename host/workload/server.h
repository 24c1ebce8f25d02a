/// The server's half of a workload.
#pragma once

#include "workload/workload.h"

namespace xybus {

/// Listens for ever; reads each request whole, has it verified, and replies with as many bytes of
/// known contents as the requestor has room for.
Task<> serve(Process& process, Site& site, WorkloadContext& context);

}  // namespace xybus
