/// The form of a packet: how many words it has, and which ones a receiver takes for malformed.
#pragma once

#include <cstddef>

#include "contract/contract.h"

namespace xybus::tlm {

/// Bus words of a packet of this kind with so many bytes of payload.
constexpr unsigned words_of(contract::PacketKind kind, unsigned length) {
  return contract::header_words +
         (kind == contract::PacketKind::message ? 0 : contract::window_words) +
         (length + contract::word_bytes - 1) / contract::word_bytes + contract::crc_words;
}

/// Whether a packet with a right CRC is of a known kind and a possible length.
constexpr bool well_formed(const contract::PacketHeader& header, std::size_t words) {
  if (words <= contract::header_words) return false;
  switch (header.kind()) {
    case contract::PacketKind::message:
    case contract::PacketKind::write:
      if (header.length() > contract::max_payload_bytes) return false;
      break;
    case contract::PacketKind::read:
      if (header.length() != contract::read_payload_bytes) return false;
      break;
    default: return false;
  }
  return words == words_of(header.kind(), header.length());
}

}  // namespace xybus::tlm
