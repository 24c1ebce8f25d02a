#include "compare/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace xybus {
namespace {

/// How many rungs agree: once a digest differs, so do all behind it.
std::size_t common_rungs(std::span<const Rung> a, std::span<const Rung> b) {
  std::size_t same = 0;
  std::size_t differ = std::min(a.size(), b.size()) + 1;  // the first that is known to
  while (differ - same > 1) {
    const std::size_t middle = same + (differ - same) / 2;
    const Rung& one = a[middle - 1];
    const Rung& two = b[middle - 1];
    const bool agree = one.events == two.events && one.digest == two.digest;
    (agree ? same : differ) = middle;
  }
  return same;
}

// The events differ, but one log's are elsewhere.
std::optional<Parting> between_rungs(const EventFile& a, const EventFile& b, std::size_t same) {
  if (same == std::min(a.rungs().size(), b.rungs().size())) return {};
  Parting parting;
  parting.after = same > 0 ? a.rungs()[same - 1].events : 0;
  parting.after_cycle = same > 0 ? a.rungs()[same - 1].cycle : 0;
  parting.until = a.rungs()[same].events;
  parting.until_cycle = a.rungs()[same].cycle;
  return parting;
}

}  // namespace

std::optional<Parting> find_parting(const EventFile& a, const EventFile& b) {
  const std::size_t same = common_rungs(a.rungs(), b.rungs());
  if (a.ladder_only() || b.ladder_only()) return between_rungs(a, b, same);
  std::uint64_t number = same > 0 ? a.rungs()[same - 1].events : 0;
  EventLines ours(a.text(), same > 0 ? a.rungs()[same - 1].end : 0);
  EventLines theirs(b.text(), same > 0 ? b.rungs()[same - 1].end : 0);
  for (;;) {
    ++number;
    const bool one = ours.next();
    const bool two = theirs.next();
    if (!one && !two) return {};
    if (one && two && ours.line() == theirs.line()) continue;
    Parting parting;
    parting.after = number - 1;
    parting.until = number;
    if (one) parting.a = {number, ours.line()};
    if (two) parting.b = {number, theirs.line()};
    return parting;
  }
}

std::string parting_text(const SideNames& names, const Parting& parting) {
  if (parting.a.line.empty() && parting.b.line.empty()) {
    return fmt::format("the first {} events are the same (to cycle {}); the first difference is "
                       "in events {} to {}, up to cycle {} in {}\n",
                       parting.after, parting.after_cycle, parting.after + 1, parting.until,
                       parting.until_cycle, names[0]);
  }
  return fmt::format("the first {} events are the same; then\n{}: {}\n{}: {}\n{}", parting.after,
                     names[0], place_of(parting.a), names[1], place_of(parting.b),
                     side_by_side(names, parting.a, parting.b));
}

}  // namespace xybus
