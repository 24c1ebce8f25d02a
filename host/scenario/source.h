/// Where something in a scenario was written.
#pragma once

#include <string>

namespace xybus {

/// Where something was written: `file:line`, or `--set key=value` with line 0.
struct Source {
  std::string file;
  unsigned line = 0;
  bool operator==(const Source&) const = default;
};

}  // namespace xybus
