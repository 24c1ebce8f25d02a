/// Runs in processes of their own: the simulator elaborates once in a process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "scenario/scenario.h"

namespace xybus {

/// Starts this program again with these arguments; what it prints goes to `output`, a file. Throws
/// std::system_error when there can be no process.
pid_t start_child(const std::vector<std::string>& arguments, const std::string& output);

/// A child that has ended.
struct Ended {
  pid_t pid = 0;
  int status = 0;  ///< exit status; 128 and the signal's number when one ended it
};

/// Waits for any child.
Ended wait_for_child();

/// What a run came to, as far as another one can have come to the same.
struct Verdict {
  std::string outcome;  ///< of summary.json; "crashed" when there is none
  std::string check;    ///< the first check that failed, of a hung run liveness; else empty
  std::string detail;   ///< of that check
  std::uint64_t cycles = 0;
  std::uint64_t sent = 0, failed = 0;  ///< messages
  std::uint64_t faults = 0;

  bool good() const { return outcome == "good"; }
  bool same_failure(const Verdict& other) const {
    return !good() && outcome == other.outcome && check == other.check;
  }
};

/// Reads summary.json in a run's directory.
Verdict read_verdict(const std::string& directory);

}  // namespace xybus
