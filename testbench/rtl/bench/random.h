/// Seeded random numbers, the same on every machine.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace xybus::bench {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// 0 to bound - 1.
  unsigned below(unsigned bound) { return static_cast<unsigned>(engine_() % bound); }
  /// True once in `odds` times; never for 0.
  bool once_in(unsigned odds) { return odds != 0 && below(odds) == 0; }
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937_64 engine_;
};

/// The seed of a random test: XYBUS_SEED when that is set, or the test's own. Printed, so that a
/// failure can be repeated.
inline std::uint64_t choose_seed(std::uint64_t standard) {
  const char* given = std::getenv("XYBUS_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : standard;
  std::printf("seed %llu (XYBUS_SEED sets it)\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace xybus::bench
