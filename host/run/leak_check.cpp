#include "run/leak_check.h"

#include <fmt/format.h>

#include <string>

#include "child/copy.h"

namespace xybus {

CheckResult leak_check(Machine& machine, const Kernels& kernels, Mishaps& mishaps,
                       const Checks& checks, std::uint64_t alive_interval) {
  if (checks.upset()) return {"leaks", true, "not looked for: bits of a CPU's memory have flipped"};
  const CopyResult found = in_copy([&] {
    machine.fabric().set_observer(nullptr);
    machine.fabric().drop_trace();
    mishaps.put_right();
    // With I'm-alives the others find out.
    const std::uint32_t down = alive_interval == 0 ? checks.outages().all_halted() : 0;
    constexpr std::uint64_t patience = 2'000'000;
    return leaks(machine, kernels, down, patience + 8 * alive_interval);
  });
  if (found.status != 0) {
    const std::string why =
        found.text.empty() ? fmt::format("signal {}", found.status - 128) : found.text;
    return {"leaks", false, fmt::format("winding up the machine failed: {}", why)};
  }
  if (!found.text.empty()) return {"leaks", false, found.text};
  return {"leaks", true, "with all processes stopped no kernel holds anything"};
}

}  // namespace xybus
