/// `xybus bench`: runs benchmarks, prints their figures beside what is possible and asked for.
#pragma once

#include <string>

namespace xybus {

/// `name` is one of known_benchmarks(), or empty for all. With `json`, the figures also go to that
/// file. Exit status: 1 when a figure misses what is asked for, 2 when the file cannot be written.
int bench_command(const std::string& name, const std::string& json);

}  // namespace xybus
