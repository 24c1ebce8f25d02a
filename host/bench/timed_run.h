/// A run of a scenario in a process of its own, for its speed: the simulator elaborates once in a
/// process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xybus {

/// What is measured of a run.
struct TimedRun {
  std::uint64_t cycles = 0;
  double simulated_seconds = 0;
  double wall_seconds = 0;  ///< of the simulation alone, without start and end of the process
  std::uint64_t delivered = 0;
  double bus_use = 0;  ///< cycles with a word, mean of both buses, 0 to 1
  double round_trip = 0;  ///< median of all messages, from link to LDONE, in cycles

  double cycles_per_second() const { return static_cast<double>(cycles) / wall_seconds; }
  double messages_per_second() const { return static_cast<double>(delivered) / wall_seconds; }
};

/// Runs `xybus run SCENARIO ARGUMENTS` `times` times, one after the other, and gives the fastest:
/// what disturbs a run can only make it slower. The run may be good or end at its limit; throws
/// std::runtime_error if it ends otherwise.
TimedRun timed_run(const std::string& scenario, const std::vector<std::string>& arguments,
                   unsigned times = 1);

}  // namespace xybus
