/// CRC-32C (Castagnoli) of words, least significant byte first.
#pragma once

#include <cstdint>
#include <span>

namespace xybus::tlm {

std::uint32_t crc32c(std::span<const std::uint32_t> words);

}  // namespace xybus::tlm
