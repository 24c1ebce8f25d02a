/// Speeds of whole runs, for `xybus bench sim`.
#pragma once

#include "bench/bench.h"

namespace xybus {

/// Appends the rows: saturated, lightly loaded and idle machines on both fabrics, and the ratios
/// that are asked for.
void bench_runs(BenchRows& rows);

}  // namespace xybus
