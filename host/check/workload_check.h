/// A check that belongs to one workload: what its clients were told, against what there is at the
/// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "report/run_result.h"

namespace xybus {

/// What is on a drive of a volume, such as drive 0 of "$DATA1".
using DriveContents =
    std::function<std::span<const std::byte>(std::string_view volume, unsigned drive)>;

class WorkloadCheck {
 public:
  virtual ~WorkloadCheck() = default;
  /// At the end of a run that came to its end.
  virtual CheckResult result(const DriveContents& drives) const = 0;
  /// Things that clients have seen through, for the display of progress.
  virtual std::uint64_t ended() const = 0;
};

}  // namespace xybus
