/// Test hook: makes one check of a run fail, so that it is seen that the run fails by it.
#pragma once

#include <string>

#include "model/machine.h"
#include "run/checks.h"
#include "run/cpu_firmware.h"
#include "run/kernel_watch.h"
#include "workload/workloads.h"

namespace xybus {

/// Parts of a run that are told what never happened, or made to misbehave. They must live as long
/// as the machine.
struct PlantingGround {
  Machine& machine;
  Checks& checks;
  CpuFirmware& firmware;
  KernelWatch& kernel_watch;
  Workloads& workloads;
};

/// Sets it up, before the run. `what` is one of `plantable`, else std::invalid_argument.
void plant_failure(const std::string& what, PlantingGround ground);

}  // namespace xybus
