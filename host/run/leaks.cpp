#include "run/leaks.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "run/read_machine.h"

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

template <class Done>
void run_until(Machine& machine, std::uint64_t patience, Done done) {
  const std::uint64_t begin = machine.cycle();
  std::uint64_t step = 2000;
  while (!done() && machine.cycle() - begin < patience) {
    machine.run(machine.cycle() + step);
    step = std::min<std::uint64_t>(2 * step, 100'000);
  }
}

/// Servers' ends of links that their requestors have not any more, and that no server has to end.
/// They are looked for first: a process that stops takes such ends with it.
std::string orphans(const Machine& machine, const Kernels& kernels) {
  const std::vector<const Kernel*> known(kernels.begin(), kernels.begin() + machine.cpus());
  std::string text;
  for (const LinkRow& link : links_of(read_machine(known, machine.cycle()))) {
    const bool owed = link.server_state == LinkState::listened ||
                      link.server_state == LinkState::cancelled;
    if (link.requestor_state || link.system != SystemCode::none || owed) continue;
    if (kernels[link.requestor.cpu] == nullptr) continue;
    text += fmt::format("{}CPU {} still holds a link control block ({} of pin {}) for a link that "
                        "CPU {} pin {} has ended",
                        text.empty() ? "" : "; ", link.server.cpu, name(*link.server_state),
                        link.server.pin, link.requestor.cpu, link.requestor.pin);
  }
  return text;
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
  add(held.control, "notice or update of process control",
      "notices or updates of process control");
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
  run_until(machine, patience, [&] { return orphans(machine, kernels).empty(); });
  std::string text = orphans(machine, kernels);
  if (!text.empty()) return text;
  wind_up(machine, kernels, down);
  run_until(machine, patience, [&] { return std::ranges::all_of(kernels, clean); });
  for (unsigned cpu = 0; cpu < kernels.size(); ++cpu) {
    if (clean(kernels[cpu])) continue;
    text += fmt::format("{}CPU {} still holds {}{}", text.empty() ? "" : "; ", cpu,
                        describe(kernels[cpu]->held()), links_left(*kernels[cpu]));
  }
  return text;
}

}  // namespace xybus
