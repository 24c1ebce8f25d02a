/// Who waits for whom in a machine, from what its kernels tell.
#pragma once

#include "check/wait_graph.h"
#include "report/machine_status.h"

namespace xybus {

/// A process that waits for LDONE waits for the servers of its links. One that is held in readlink
/// or writelink waits for the message system of another CPU, not for a process there; one that
/// waits for LREQ, for nobody.
WaitGraph wait_graph(const MachineStatus& status);

}  // namespace xybus
