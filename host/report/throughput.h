/// How much came through in the course of a run, beside what befell the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/latency_result.h"

namespace xybus {

/// Something that befell the machine.
struct RunMark {
  std::uint64_t cycle = 0;
  std::string text;  ///< "CPU 2 halts"
};

/// Of the operations of one workload that came through, such as the transactions of a bank.
struct ThroughputResult {
  std::string what;     ///< "transactions"
  LatencyResult wait;   ///< of their clients, from question to answer
  std::uint64_t period_cycles = 1;
  struct Period {
    std::uint64_t done = 0;          ///< answered in it
    std::uint64_t longest_wait = 0;  ///< of these, in cycles
  };
  std::vector<Period> periods;  ///< from cycle 0 on, to the end of the run
};

/// Operations per simulated second in a run of so many cycles, or in a part of one.
double per_second(std::uint64_t operations, std::uint64_t cycles, double clock_hz);

/// Rate and waits in a line.
std::string throughput_line(const ThroughputResult& result, std::uint64_t cycles, double clock_hz);

/// A line for each period: from when, the rate as number and bar, the longest wait of what was
/// answered in it, and the marks that fall into it, one in a line.
std::string throughput_chart(const ThroughputResult& result, const std::vector<RunMark>& marks,
                             std::uint64_t cycles, double clock_hz);

}  // namespace xybus
