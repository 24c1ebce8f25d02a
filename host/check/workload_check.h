/// A check that belongs to one workload: what its clients were told, against what there is at the
/// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
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
  /// Before the run: what is on the drives, from runs before it.
  virtual void begin(const DriveContents& drives) = 0;
  /// At the end of a run that came to its end. `whole`: nothing was under way any more; else the
  /// power has failed in the middle of it.
  virtual CheckResult result(const DriveContents& drives, bool whole) const = 0;
  /// When the first thing went wrong that has a time.
  virtual std::optional<std::uint64_t> first_complaint() const = 0;
  /// Its name in the report.
  virtual std::string_view name() const = 0;
  /// Test hook: it is told at this cycle of what never happened, and so has to fail.
  virtual void forge(std::uint64_t cycle) = 0;
  /// Things that clients have seen through, for the display of progress.
  virtual std::uint64_t ended() const = 0;
};

}  // namespace xybus
