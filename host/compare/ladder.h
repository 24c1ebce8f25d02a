/// Where two runs that should be the same part: found by bisection of their ladders of digests,
/// then event by event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compare/event_file.h"
#include "compare/side_by_side.h"

namespace xybus {

/// The first difference of two logs.
struct Parting {
  /// It lies behind this many events that are the same, and at or before event `until`; with the
  /// events themselves at hand both are known exactly and `until` is `after + 1`.
  std::uint64_t after = 0;
  std::uint64_t until = 0;
  /// Cycles of the last event that is known to be the same (0 if none is), and of event `until` in
  /// the first log; only when the events are not at hand.
  std::uint64_t after_cycle = 0;
  std::uint64_t until_cycle = 0;
  /// The events, at most one of them missing (that log ends before it); both missing when a log has
  /// only its ladder.
  PlacedEvent a, b;
};

/// Nothing when the logs are the same. A log of which there is only the ladder is compared as far
/// as that goes: to the last rung that both have.
std::optional<Parting> find_parting(const EventFile& a, const EventFile& b);

/// What to tell the user, several lines.
std::string parting_text(const SideNames& names, const Parting& parting);

}  // namespace xybus
