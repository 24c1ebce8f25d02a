/// Contract structures as they lie in node RAM: words, least significant byte first.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "contract/contract.h"

namespace xybus {

/// Bytes of link header in front of a packet's data.
inline constexpr std::size_t link_header_bytes = contract::link_words * contract::word_bytes;
static_assert(link_header_bytes + contract::inline_bytes == contract::max_payload_bytes);

/// Reads one word. Volatile, because the engine may have written it since the last look.
inline std::uint32_t load_word(std::span<const std::byte> from) {
  const volatile std::byte* bytes = from.first<4>().data();
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= std::to_integer<std::uint32_t>(bytes[i]) << 8 * i;
  return word;
}

inline void store_word(std::uint32_t word, std::span<std::byte> to) {
  for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(word >> 8 * i);
}

/// Bytes that are characters.
inline std::string_view text_in(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a contract structure from the front of `from`.
template <class Struct>
Struct load(std::span<const std::byte> from) {
  Struct result;
  assert(from.size() >= 4 * result.words.size());
  for (std::size_t i = 0; i < result.words.size(); ++i) {
    result.words[i] = load_word(from.subspan(4 * i, 4));
  }
  return result;
}

/// Writes a contract structure to the front of `to`.
template <class Struct>
void store(const Struct& value, std::span<std::byte> to) {
  assert(to.size() >= 4 * value.words.size());
  for (std::size_t i = 0; i < value.words.size(); ++i) {
    store_word(value.words[i], to.subspan(4 * i, 4));
  }
}

}  // namespace xybus
