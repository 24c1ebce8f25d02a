/// Runs that follow a run: once more to see whether it comes out the same, or with a waveform to
/// see why it failed.
#pragma once

#include <string>

#include "cli/command.h"
#include "report/run_result.h"

namespace xybus {

/// Runs it again, its outputs in `directory`/second-run, and compares the digest with that of the
/// first, whose outputs lie in `directory`. Prints the first event that differs, and then leaves
/// the second run's outputs for a closer look. Exit status: 1 if they differ, else `status`.
int check_determinism(const RunRequest& request, const std::string& directory, int status);

/// What part of a failed run to look at: up to `cycles` before the failure and a little behind it.
/// Behind the last movement of a run that stands still there is more to see: what should have come.
Window failure_window(const RunResult& result, std::uint64_t cycles);

/// Repeats a failed run with a waveform of failure_window() into `directory`, and prints how to
/// look at it. What the run has left there stays.
void trace_failure(const RunRequest& request, const RunResult& result,
                   const std::string& directory);

}  // namespace xybus
