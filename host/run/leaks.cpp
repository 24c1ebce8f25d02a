#include "run/leaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace xybus {
namespace {

void wind_up(Machine& machine, const Kernels& kernels, std::uint32_t down) {
  for (unsigned cpu = 0; cpu < machine.cpus(); ++cpu) {
    Kernel* const kernel = kernels[cpu];
    if (kernel == nullptr) continue;
    for (unsigned other = 0; other < machine.cpus(); ++other) {
      if ((down >> other & 1) == 0) continue;
      kernel->dispatcher().after(1, [kernel, other] { kernel->messages().cpu_down(other); });
    }
    kernel->dispatcher().wind_up();
    machine.cpu(cpu).nudge();
  }
}

bool stopped(const Kernel& kernel) {
  return std::ranges::all_of(kernel.dispatcher().processes(), [](const auto& process) {
    return process == nullptr || process->state() == ProcessState::stopped;
  });
}

bool clean(const Kernel* kernel) {
  return kernel == nullptr || (kernel->held() == Held{} && stopped(*kernel));
}

std::string describe(const Held& held) {
  std::string text;
  const auto add = [&](unsigned count, std::string_view one, std::string_view many) {
    if (count == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, count == 1 ? one : many);
  };
  add(held.lcbs, "link control block", "link control blocks");
  add(held.windows, "window", "windows");
  add(held.processes, "process in a kernel call", "processes in kernel calls");
  add(held.timers, "timer of a stopped process", "timers of stopped processes");
  return text.empty() ? "a process that does not stop" : text;
}

/// The links that are left, and how.
std::string links_left(const Kernel& kernel) {
  constexpr std::size_t most = 3;
  const auto links = kernel.messages().links();
  std::string text;
  for (std::size_t i = 0; i < std::min(links.size(), most); ++i) {
    text += fmt::format("{}{} of pin {} with CPU {} pin {} since cycle {}", i == 0 ? " (" : "; ",
                        name(links[i].state), links[i].pin, links[i].peer.cpu, links[i].peer.pin,
                        links[i].since);
  }
  if (links.size() > most) text += fmt::format("; {} more", links.size() - most);
  return text.empty() ? text : text + ')';
}

}  // namespace

std::string leaks(Machine& machine, const Kernels& kernels, std::uint32_t down,
                  std::uint64_t patience) {
  wind_up(machine, kernels, down);
  const std::uint64_t begin = machine.cycle();
  std::uint64_t step = 2000;
  while (!std::ranges::all_of(kernels, clean) && machine.cycle() - begin < patience) {
    machine.run(machine.cycle() + step);
    step = std::min<std::uint64_t>(2 * step, 100'000);
  }
  std::string text;
  for (unsigned cpu = 0; cpu < kernels.size(); ++cpu) {
    if (clean(kernels[cpu])) continue;
    text += fmt::format("{}CPU {} still holds {}{}", text.empty() ? "" : "; ", cpu,
                        describe(kernels[cpu]->held()), links_left(*kernels[cpu]));
  }
  return text;
}

}  // namespace xybus
