#include "check/latency.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace xybus {
namespace {

// A value of b bits, b > 12, keeps its 12 leading bits: 2048 buckets for each b.
constexpr unsigned exact_bits = 12;
constexpr unsigned half = 1U << (exact_bits - 1);

unsigned bucket_of(std::uint64_t value) {
  const auto bits = static_cast<unsigned>(std::bit_width(value));
  if (bits <= exact_bits) return static_cast<unsigned>(value);
  const unsigned shift = bits - exact_bits;
  return shift * half + static_cast<unsigned>(value >> shift);
}

std::uint64_t lowest_of(unsigned bucket) {
  if (bucket < 2 * half) return bucket;
  const unsigned shift = bucket / half - 1;
  return static_cast<std::uint64_t>(bucket - shift * half) << shift;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_((64 - exact_bits + 2) * half) {}

void LatencyHistogram::add(std::uint64_t value) {
  ++buckets_[bucket_of(value)];
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

std::uint64_t LatencyHistogram::quantile(double share) const {
  assert(count_ > 0);
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::clamp(lowest_of(bucket), min_, max_);
  }
  return max_;
}

LatencyResult LatencyHistogram::result() const {
  if (count_ == 0) return {};
  return {count_, min_, quantile(0.5), quantile(0.99), max_};
}

}  // namespace xybus
