#include "run/cpu_firmware.h"

#include <fmt/format.h>

#include <vector>

#include "fault/hostile_cpu.h"
#include "run/read_machine.h"

namespace xybus {

void CpuFirmware::install(Machine& machine) {
  for (unsigned cpu = 0; cpu < scenario_.system.cpus; ++cpu) {
    machine.set_firmware(cpu, [this, cpu](hal::Hal& hal) { run(cpu, hal); });
  }
}

void CpuFirmware::run(unsigned cpu, hal::Hal& hal) {
  if (hostile_[cpu] != nullptr) return run_hostile(cpu, hal, *hostile_[cpu]);
  KernelConfig config;
  config.cpu = cpu;
  config.cpus = scenario_.system.cpus;
  config.costs = scenario_.system.cost;
  config.epoch = static_cast<std::uint8_t>(epoch(cpu));
  config.joining = checks_.outages().restarts(cpu) != 0;
  config.alive_interval = scenario_.system.alive_interval_cycles;
  config.programs = &plan_.programs();
  Kernel kernel(hal, config, &watch_);
  Site site{cpu, hal, kernel};
  plan_.install(site);
  if (on_boot_) on_boot_(site);
  struct Known {
    Kernel*& kernel;
    ~Known() { kernel = nullptr; }
  } known{kernels_[cpu] = &kernel};
  checks_.cluster().begun(cpu, kernel.replica());
  kernel.run();
}

void CpuFirmware::run_hostile(unsigned cpu, hal::Hal& hal, const FaultSpec& fault) {
  const HostileConfig config{.cpu = cpu,
                             .cpus = scenario_.system.cpus,
                             .epoch = epoch(cpu),
                             .inside = fault.detail.inside,
                             .alive_interval = scenario_.system.alive_interval_cycles};
  HostileCpu(hal, config, {seed_, fmt::format("hostile.cpu.{}", cpu)}).run();
}

std::uint32_t CpuFirmware::operational() const {
  std::uint32_t mask = 0;
  for (unsigned cpu = 0; cpu < scenario_.system.cpus; ++cpu) {
    const bool acts = kernels_[cpu] != nullptr && kernels_[cpu]->membership().operational();
    mask |= std::uint32_t{acts} << cpu;
  }
  return mask;
}

MachineStatus CpuFirmware::status(std::uint64_t cycle) const {
  const std::vector<const Kernel*> kernels(kernels_.begin(),
                                           kernels_.begin() + scenario_.system.cpus);
  return read_machine(kernels, cycle);
}

}  // namespace xybus
