/// How many bus words a packet has, and which.
#pragma once

#include <cstddef>
#include <cstdint>

#include "contract/contract.h"

namespace xybus {

/// Whether a packet of this kind has a window word.
constexpr bool has_window(contract::PacketKind kind) {
  return kind == contract::PacketKind::write || kind == contract::PacketKind::read;
}

/// Words in front of the payload.
constexpr std::size_t words_before_payload(contract::PacketKind kind) {
  return contract::header_words + (has_window(kind) ? contract::window_words : 0);
}

/// Words of a packet with so many bytes of payload.
constexpr std::size_t words_of(contract::PacketKind kind, std::uint32_t length) {
  return words_before_payload(kind) +
         (length + contract::word_bytes - 1) / contract::word_bytes + contract::crc_words;
}

/// Words of the longest packet.
inline constexpr std::size_t max_packet_words =
    words_of(contract::PacketKind::write, contract::max_payload_bytes);

}  // namespace xybus
