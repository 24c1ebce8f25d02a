/// CRC-32C (Castagnoli), from the definition, by table, or by the processor's instruction: for the
/// tlm fabric and the checks, shared with no RTL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace xybus {

/// CRC-32C of 32-bit words, each taken least significant byte first: polynomial 0x1EDC6F41
/// reflected, all ones to start, result inverted. Of the bytes "123456789" it is 0xE3069283.
std::uint32_t crc32c(std::span<const std::uint32_t> words);

/// The same without the processor's instruction for it.
std::uint32_t crc32c_by_table(std::span<const std::uint32_t> words);

/// The same over bytes.
std::uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace xybus
