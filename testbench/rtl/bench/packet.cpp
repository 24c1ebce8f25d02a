#include "rtl/bench/packet.h"

namespace xybus::bench {

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  std::uint32_t rest = ~0U;
  for (const std::uint8_t byte : bytes) {
    rest ^= byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~rest;
}

std::uint32_t crc32c(std::span<const std::uint32_t> words) {
  Bytes bytes;
  for (const std::uint32_t word : words) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(word >> 8 * i));
  }
  return crc32c(std::span<const std::uint8_t>(bytes));
}

Words to_words(std::span<const std::uint8_t> bytes) {
  Words words((bytes.size() + 3) / 4);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    words[i / 4] |= std::uint32_t{bytes[i]} << 8 * (i % 4);
  }
  return words;
}

Words packet_words(const contract::PacketHeader& header, std::span<const std::uint8_t> payload) {
  Words words(header.words.begin(), header.words.end());
  const Words body = to_words(payload);
  words.insert(words.end(), body.begin(), body.end());
  words.push_back(crc32c(std::span<const std::uint32_t>(words)));
  return words;
}

contract::PacketHeader message_header(unsigned source, unsigned destination, unsigned length,
                                      unsigned sequence_number,
                                      contract::TrafficClass traffic_class) {
  contract::PacketHeader header;
  header.set_dst_mask(1U << destination)
      .set_source(source)
      .set_kind(contract::PacketKind::message)
      .set_traffic_class(traffic_class)
      .set_length(length)
      .set_sequence_number(sequence_number)
      .set_epoch(0);
  return header;
}

}  // namespace xybus::bench
