#include "random/random.h"

#include <bit>
#include <cassert>

namespace xybus {

RandomStream::RandomStream(std::uint64_t seed, std::string_view name) {
  std::uint64_t counter = mix64(seed + golden) ^ hash_name(name);
  for (std::uint64_t& word : state_) word = mix64(counter += golden);
}

std::uint64_t RandomStream::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t RandomStream::below(std::uint64_t limit) {
  assert(limit != 0);
  // What is left of 2^64 after whole multiples of the limit would favour small numbers: draw again.
  const std::uint64_t unfair = (0 - limit) % limit;
  std::uint64_t drawn = next();
  while (drawn < unfair) drawn = next();
  return drawn % limit;
}

bool RandomStream::chance(double probability) {
  constexpr double steps = 9007199254740992.0;  // 2^53: every step is an exact double
  return static_cast<double>(next() >> 11) < probability * steps;
}

}  // namespace xybus
