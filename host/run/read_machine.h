/// Asks the kernels how they are.
#pragma once

#include <span>

#include "firmware/kernel.h"
#include "report/machine_status.h"

namespace xybus {

/// What kernels know and who waits for whom, without the nodes. nullptr for a CPU whose kernel does
/// not run. Takes no simulated time and changes nothing; not from firmware.
MachineStatus read_machine(std::span<const Kernel* const> kernels, std::uint64_t cycle);

}  // namespace xybus
