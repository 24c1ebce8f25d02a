/// `xybus bench`: runs benchmarks, prints their figures beside what is possible and asked for.
#pragma once

#include <string>

namespace xybus {

/// `name` is one of known_benchmarks(), or empty for all. With `json`, the figures also go to that
/// file. With `profile`, on the machine of that profile; then `name` has to be one that takes it.
/// Exit status: 1 when a figure misses what is asked for, 2 for bad usage, and when the file
/// cannot be written.
int bench_command(const std::string& name, const std::string& json,
                  const std::string& profile);

}  // namespace xybus
