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
  config.programs = programs_ != nullptr ? programs_ : &plan_.programs();
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

ProcessHandle CpuFirmware::holder(const std::string& name, bool backup) const {
  const auto parsed = ProcessName::parse(name);
  const std::uint32_t mask = operational();
  for (unsigned cpu = 0; parsed && cpu < scenario_.system.cpus; ++cpu) {
    if ((mask >> cpu & 1) == 0) continue;
    const DctEntry* const entry = kernels_[cpu]->control().dct().lookup(*parsed);
    if (entry == nullptr) return {};
    return backup ? entry->backup : entry->primary;
  }
  return {};
}

bool CpuFirmware::has_name(const ProcessAddress& process, const ProcessName& name) const {
  const Kernel* const kernel = kernels_[process.cpu];
  if (kernel == nullptr) return false;
  const DctEntry* const entry = kernel->control().dct().lookup(name);
  return entry != nullptr && (entry->primary.at == process || entry->backup.at == process);
}

std::string CpuFirmware::name_of(const ProcessAddress& process) const {
  const Kernel* const kernel = kernels_[process.cpu];
  if (kernel == nullptr) return {};
  for (const DctEntry& entry : kernel->control().dct().entries()) {
    if (entry.primary.at == process || entry.backup.at == process)
      return std::string(entry.name.text());
  }
  return {};
}

bool CpuFirmware::stop(const ProcessHandle& process) {
  const unsigned cpu = process.at.cpu;
  Kernel* const kernel = kernels_[cpu];
  if (kernel == nullptr || kernel->epoch() != process.epoch) return false;
  const auto find = [kernel, process] {
    Process* const found = kernel->dispatcher().find(process.at.pin);
    return found != nullptr && found->created() == process.created ? found : nullptr;
  };
  if (find() == nullptr) return false;
  kernel->dispatcher().after(1, [kernel, find] {
    if (Process* const found = find()) kernel->dispatcher().stop(*found);
  });
  return true;
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
