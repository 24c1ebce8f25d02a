#include "check/latency.h"

#include <catch2/catch.hpp>

using namespace xybus;

TEST_CASE("quantiles of small latencies are exact, by nearest rank") {
  LatencyHistogram histogram;
  for (std::uint64_t value = 100; value >= 1; --value) histogram.add(value);
  const LatencyResult result = histogram.result();
  CHECK(result.samples == 100);
  CHECK(result.min == 1);
  CHECK(result.p50 == 50);
  CHECK(result.p99 == 99);
  CHECK(result.max == 100);
  CHECK(histogram.quantile(0) == 1);
  CHECK(histogram.quantile(1) == 100);
}

TEST_CASE("no samples, no numbers") {
  CHECK(LatencyHistogram().result().samples == 0);
}

TEST_CASE("large latencies are right to one part in 2048, least and greatest exactly") {
  for (const std::uint64_t value : {4095ULL, 4096ULL, 4097ULL, 123'456'789ULL, 1ULL << 40, ~0ULL}) {
    LatencyHistogram histogram;
    histogram.add(0);
    for (int i = 0; i < 3; ++i) histogram.add(value);
    const std::uint64_t median = histogram.quantile(0.5);
    CHECK(median <= value);
    CHECK(value - median <= value / 2048);
    CHECK(histogram.result().max == value);
    CHECK(histogram.result().min == 0);
  }
}
