#include "model/tlm/crc32c.h"

#include <array>
#include <cstring>

namespace xybus::tlm {

namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // reflected

// tables[k][b]: the CRC of byte b with k bytes of zeros behind it.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (unsigned bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    table[0][byte] = crc;
  }
  for (unsigned k = 1; k < 8; ++k) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = table[k - 1][byte];
      table[k][byte] = before >> 8 ^ table[0][before & 0xff];
    }
  }
  return table;
}();

std::uint32_t fold(std::uint32_t word, unsigned zeros) {
  return tables[zeros + 3][word & 0xff] ^ tables[zeros + 2][word >> 8 & 0xff] ^
         tables[zeros + 1][word >> 16 & 0xff] ^ tables[zeros][word >> 24];
}

#ifdef __x86_64__
// By the instruction that all but the oldest of these processors have.
__attribute__((target("sse4.2"))) std::uint32_t by_processor(
    std::span<const std::uint32_t> words) {
  std::uint64_t crc = ~std::uint32_t{0};
  std::size_t i = 0;
  for (std::uint64_t two = 0; i + 1 < words.size(); i += 2) {
    std::memcpy(&two, &words[i], sizeof two);
    crc = __builtin_ia32_crc32di(crc, two);
  }
  auto low = static_cast<std::uint32_t>(crc);
  if (i < words.size()) low = __builtin_ia32_crc32si(low, words[i]);
  return ~low;
}
#endif

}  // namespace

std::uint32_t crc32c(std::span<const std::uint32_t> words) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return by_processor(words);
#endif
  std::uint32_t crc = ~std::uint32_t{0};
  std::size_t i = 0;
  for (; i + 1 < words.size(); i += 2) crc = fold(crc ^ words[i], 4) ^ fold(words[i + 1], 0);
  if (i < words.size()) crc = fold(crc ^ words[i], 0);
  return ~crc;
}

}  // namespace xybus::tlm
