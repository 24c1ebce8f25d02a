/// Random calls of the message system, in random states, by several processes on three CPUs.
#pragma once

#include <cstdint>
#include <map>

#include "rig.h"

namespace firmware_test {

/// What a run of random calls came to.
struct FuzzResult {
  std::uint64_t calls = 0;
  std::uint64_t links = 0;        ///< That link gave.
  std::uint64_t ended = 0;        ///< Reported by done.
  std::uint64_t broken = 0;       ///< Ended by breaklink before they were done.
  std::uint64_t served = 0;       ///< Requests that were listened to.
  std::uint64_t stopped = 0;      ///< Processes that were stopped or stopped themselves.
  std::uint64_t wrong_bytes = 0;  ///< Data that were not those that were sent.
  std::map<Error, std::uint64_t> errors;  ///< That calls gave.
  std::uint64_t digest = 0;       ///< Of all that the kernels reported.
};

/// Makes at least `calls` calls, then ends whatever is left.
FuzzResult fuzz(std::uint32_t seed, std::uint64_t calls);

}  // namespace firmware_test
