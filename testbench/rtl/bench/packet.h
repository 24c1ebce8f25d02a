/// Packets made and checked by software, from the contract alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

/// A packet as it was on a bus.
struct WirePacket {
  contract::PacketHeader header;
  contract::WindowWord window;  ///< Write and read packets.
  Bytes payload;
  bool good_crc = false;
  /// What is not as the contract says; null when all is. With a wrong CRC it means nothing.
  const char* fault = nullptr;
};

/// Takes the beats of a packet apart, first to last, `data_width` bits each.
WirePacket take_apart(std::span<const std::uint64_t> beats, unsigned data_width);

/// The beats of a packet on a bus of 32 or 64 bits. A write or read packet has a window word. What
/// a beat has beyond that word, the payload or the CRC is zero; the CRC is over all beats before
/// it.
using Beats = std::vector<std::uint64_t>;
Beats packet_beats(unsigned data_width, const contract::PacketHeader& header,
                   std::optional<contract::WindowWord> window,
                   std::span<const std::uint8_t> payload);

/// A header with kind message and the given fields.
contract::PacketHeader message_header(
    unsigned source, unsigned destination, unsigned length, unsigned sequence_number,
    contract::TrafficClass traffic_class = contract::TrafficClass::data);

}  // namespace xybus::bench
