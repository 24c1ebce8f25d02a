/// A distribution of latencies in bounded memory.
#pragma once

#include <cstdint>
#include <vector>

#include "report/run_result.h"

namespace xybus {

/// Counts values in buckets: exact below 4096, above it to within one part in 2048 (the lowest
/// value of the bucket is given). The least and the greatest value are always exact.
class LatencyHistogram {
 public:
  LatencyHistogram();

  void add(std::uint64_t value);

  /// The least value that at least `share` (0 to 1) of all values do not exceed. Not when empty.
  std::uint64_t quantile(double share) const;

  LatencyResult result() const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace xybus
