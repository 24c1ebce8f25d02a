/// Packets made and checked by software, from the contract alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"

namespace xybus::bench {

using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::uint32_t>;

/// CRC-32C a bit at a time, straight from the definition in RFC 3720: polynomial 0x1EDC6F41
/// reflected, start with ones, invert the result.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes);
std::uint32_t crc32c(std::span<const std::uint32_t> words);

/// Bytes as bus words, least significant byte first, the last one filled up with zeros.
Words to_words(std::span<const std::uint8_t> bytes);

/// Header, payload and CRC as they go over the bus.
Words packet_words(const contract::PacketHeader& header, std::span<const std::uint8_t> payload);

/// A header with kind message and the given fields.
contract::PacketHeader message_header(
    unsigned source, unsigned destination, unsigned length, unsigned sequence_number,
    contract::TrafficClass traffic_class = contract::TrafficClass::data);

}  // namespace xybus::bench
