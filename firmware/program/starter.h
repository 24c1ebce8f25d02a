/// Brings up a process pair when the machine starts.
#pragma once

#include <cstdint>
#include <string>

#include "firmware/process/guardian.h"

namespace xybus {

/// What a starter is to bring up.
struct StartedPair {
  std::string program;
  ProcessName name;
  unsigned cpu = 0;  ///< Where its primary is to begin.
};

/// To be run by a process on each CPU where the pair may be, when the machine starts, and on none
/// that joins it later. The one on `pair.cpu` makes the primary; while that CPU is not in the view,
/// any other one does. Ends when the pair takes requests, which is when it is two: from then on it
/// keeps itself, and if it is lost it stays so, as a new one could not know what it had promised.
Task<> start_pair(Guardian& guardian, StartedPair pair);

}  // namespace xybus
