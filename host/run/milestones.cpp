#include "run/milestones.h"

#include <fmt/format.h>

#include "contract/contract.h"

namespace xybus {

void Milestones::event(unsigned cpu, const KernelEvent& event) {
  if (event.kind == KernelEvent::view_changed) return view_changed(event);
  if (event.kind != KernelEvent::took_over) return;
  const std::string name = name_of_({static_cast<std::uint8_t>(cpu), event.pin});
  mark(event.cycle, fmt::format("{} taken over by CPU {}", name.empty() ? "process" : name, cpu));
}

// Told by each CPU that has come into it; the first one counts.
void Milestones::view_changed(const KernelEvent& event) {
  if (event.link <= view_) return;
  view_ = event.link;
  const std::uint32_t before = std::exchange(members_, event.tag);
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    const bool was = (before >> cpu & 1) != 0, is = (members_ >> cpu & 1) != 0;
    if (was && !is) mark(event.cycle, fmt::format("CPU {} is given up", cpu));
    if (is && !was) mark(event.cycle, fmt::format("CPU {} is back", cpu));
  }
}

void Milestones::mark(std::uint64_t cycle, std::string text) {
  constexpr std::size_t most_marks = 1000;
  if (marks_.size() < most_marks) marks_.push_back({cycle, std::move(text)});
}

}  // namespace xybus
