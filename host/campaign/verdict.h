/// What a run came to, read from what it left.
#pragma once

#include <cstdint>
#include <string>

namespace xybus {

/// What a run came to, as far as another one can have come to the same.
struct RunVerdict {
  std::string outcome;  ///< of summary.json; "crashed" when there is none
  std::string check;    ///< the first check that failed, of a hung run liveness; else empty
  std::string detail;   ///< of that check
  std::uint64_t cycles = 0;
  std::uint64_t sent = 0, failed = 0;  ///< messages
  std::uint64_t faults = 0;
  double longest_wait = 0;  ///< of a client for its operation, simulated seconds

  bool good() const { return outcome == "good"; }
  bool same_failure(const RunVerdict& other) const {
    return !good() && outcome == other.outcome && check == other.check;
  }
};

/// Reads summary.json in a run's directory.
RunVerdict read_verdict(const std::string& directory);

}  // namespace xybus
