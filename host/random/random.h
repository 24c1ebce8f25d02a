/// Random numbers of a run: one seed, and from it a stream for each name.
///
/// A stream depends on the seed and its name alone, so a part that draws more or fewer numbers
/// never changes what another part draws.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace xybus {

/// A 64-bit mix with full avalanche: SplitMix64's output function (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014). Distinct inputs give distinct outputs.
constexpr std::uint64_t mix64(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

/// SplitMix64's increment: 2^64 divided by the golden ratio, odd.
inline constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

/// 64-bit FNV-1a of a name.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

/// One named stream: xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number
/// generators", 2018), seeded through SplitMix64 as its authors advise.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name);

  /// With a state, not all zeros: to compare with published sequences.
  explicit RandomStream(const std::array<std::uint64_t, 4>& state) : state_(state) {}

  /// The next 64 bits.
  std::uint64_t next();

  /// A number from 0 to limit - 1, each as likely. `limit` must not be 0.
  std::uint64_t below(std::uint64_t limit);

  /// True with the given probability (0 to 1, in steps of 2^-53).
  bool chance(double probability);

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace xybus
