/// The end of a run: summary.json, the table on the terminal, and what to do after a failure.
#pragma once

#include <string>

#include "report/run_result.h"

namespace xybus {

/// Where a run left its files, and how to have it again.
struct RunOutputs {
  std::string directory;
  bool trace = false;   ///< trace.fst and trace.gtkw are there
  std::string command;  ///< runs the same again
  std::string repro{};  ///< the same from a file of its own, where there is one; else empty
};

/// The text of summary.json.
std::string summary_json(const RunResult& result, const RunOutputs& outputs);

/// Share of cycles in which a bus carried a word of a packet, 0 to 1.
double utilisation(const BusResult& bus, std::uint64_t cycles);

/// Accepted payload bytes to the bytes the bus carried in its busy cycles, 0 to 1.
double payload_efficiency(const BusResult& bus);

/// The table, several lines. What is wrong with a check that failed is in failure_text() alone.
std::string result_table(const RunResult& result, const RunOutputs& outputs);

/// For a run that is not good: what went wrong, where, and the command to repeat it. Empty for
/// a good one.
std::string failure_text(const RunResult& result, const RunOutputs& outputs);

}  // namespace xybus
