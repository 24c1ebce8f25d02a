#include "model/crc32c.h"

#include <array>
#include <cstring>

namespace xybus {
namespace {

// table[k][b]: what byte b, with k more bytes behind it, adds to the remainder.
constexpr auto make_tables() {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78U : 0);
    table[0][byte] = rest;
  }
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    for (std::size_t k = 1; k < 4; ++k) {
      const std::uint32_t before = table[k - 1][byte];
      table[k][byte] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}
constexpr auto tables = make_tables();

#ifdef __x86_64__
// The processor's own instruction, on all but the oldest: every packet of a run is checked.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(
    std::span<const std::uint32_t> words) {
  std::uint64_t rest = ~0U;
  std::size_t i = 0;
  for (; i + 1 < words.size(); i += 2) {
    std::uint64_t two;
    std::memcpy(&two, &words[i], sizeof two);
    rest = __builtin_ia32_crc32di(rest, two);
  }
  auto half = static_cast<std::uint32_t>(rest);
  if (i < words.size()) half = __builtin_ia32_crc32si(half, words[i]);
  return ~half;
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::uint32_t> words) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return by_instruction(words);
#endif
  return crc32c_by_table(words);
}

std::uint32_t crc32c_by_table(std::span<const std::uint32_t> words) {
  std::uint32_t rest = ~0U;
  for (const std::uint32_t word : words) {
    rest ^= word;
    rest = tables[3][rest & 0xff] ^ tables[2][(rest >> 8) & 0xff] ^
           tables[1][(rest >> 16) & 0xff] ^ tables[0][rest >> 24];
  }
  return ~rest;
}

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t rest = ~0U;
  for (const std::byte byte : bytes) {
    rest = (rest >> 8) ^ tables[0][(rest ^ static_cast<std::uint32_t>(byte)) & 0xff];
  }
  return ~rest;
}

}  // namespace xybus
