/// Which packets a receiver takes for malformed.
#pragma once

#include <cstddef>

#include "contract/contract.h"
#include "model/packet_form.h"

namespace xybus::tlm {

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
