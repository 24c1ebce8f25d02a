/// Where the bits that a fault inverts lie in a packet.
#pragma once

#include "contract/contract.h"
#include "model/packet_form.h"

namespace xybus {

/// Words of a packet that have been on the wires at packet_opened(): the header and one more.
inline constexpr unsigned opening_words = contract::header_words + 1;

/// Bits behind the header: window word, payload, CRC.
constexpr unsigned bits_behind_header(const contract::PacketHeader& header) {
  const std::size_t words = words_of(header.kind(), header.length()) - contract::header_words;
  return static_cast<unsigned>(8 * contract::word_bytes * words);
}

/// Where bit `bit` of PacketFault::flips lies in a packet that was sent with this header, counted
/// from bit 0 of the header. One past the end is taken modulo what follows the header; of a fault
/// from packet_opened(), `late`, modulo what then follows. A late fault has no bits before that.
constexpr unsigned flip_place(unsigned bit, const contract::PacketHeader& header,
                              bool late = false) {
  constexpr unsigned word_bits = 8 * contract::word_bytes;
  constexpr unsigned header_bits = contract::header_words * word_bits;
  const unsigned front = late ? opening_words * word_bits : header_bits;
  const unsigned end = header_bits + bits_behind_header(header);
  return bit < front || end <= front ? bit : front + (bit - front) % (end - front);
}

}  // namespace xybus
