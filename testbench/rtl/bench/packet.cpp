#include "rtl/bench/packet.h"

#include <algorithm>
#include <array>

namespace xybus::bench {

namespace {

std::array<std::uint32_t, 256> crc_of_each_byte() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78U : 0U);
    table[byte] = rest;
  }
  return table;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  static const auto table = crc_of_each_byte();
  std::uint32_t rest = ~0U;
  for (const std::uint8_t byte : bytes) rest = (rest >> 8) ^ table[(rest ^ byte) & 0xff];
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

WirePacket take_apart(std::span<const std::uint64_t> beats, unsigned data_width) {
  using contract::PacketKind;
  WirePacket packet;
  const auto wrong = [&packet](const char* what) {
    packet.fault = what;
    return packet;
  };
  const unsigned beat_bytes = data_width / 8;
  const std::size_t header_beats = 8 / beat_bytes;
  if (beats.size() < header_beats + 1) return wrong("too few beats");

  Bytes covered;
  for (const std::uint64_t beat : beats.first(beats.size() - 1)) {
    for (unsigned i = 0; i < beat_bytes; ++i) {
      covered.push_back(static_cast<std::uint8_t>(beat >> 8 * i));
    }
  }
  packet.good_crc = beats.back() == crc32c(std::span<const std::uint8_t>(covered));
  const Words words = to_words(covered);
  packet.header.words = {words[0], words[1]};

  const PacketKind kind = packet.header.kind();
  const bool has_window = kind == PacketKind::write || kind == PacketKind::read;
  const std::size_t front = header_beats + (has_window ? 1 : 0);
  const std::size_t length = packet.header.length();
  if (beats.size() < front + 1) return wrong("no window word");
  if (kind != PacketKind::message && !has_window) return wrong("no such kind");
  if (length > contract::max_payload_bytes) return wrong("the length is over the most");
  if (beats.size() - front - 1 != (length + beat_bytes - 1) / beat_bytes) {
    return wrong("the beats do not match the length");
  }
  if (has_window) {
    packet.window.words[0] = static_cast<std::uint32_t>(beats[header_beats]);
    if (beats[header_beats] >> 32 != 0) return wrong("rubbish beside the window word");
  }
  const auto payload = covered.begin() + static_cast<std::ptrdiff_t>(front * beat_bytes);
  const auto end = payload + static_cast<std::ptrdiff_t>(length);
  packet.payload.assign(payload, end);
  if (std::any_of(end, covered.end(), [](std::uint8_t byte) { return byte != 0; })) {
    return wrong("the bytes behind the payload are not zero");
  }
  if (words[0] >> 26 != 0) return wrong("reserved bits of the header are set");
  if (packet.header.notify() != 0 && kind != PacketKind::write) return wrong("notify of no write");
  if (kind == PacketKind::read) {
    if (length != contract::read_payload_bytes) return wrong("a read request of another length");
    if (std::any_of(payload + 8, end, [](std::uint8_t byte) { return byte != 0; })) {
      return wrong("the bytes behind the read request are not zero");
    }
  }
  return packet;
}

Beats packet_beats(unsigned data_width, const contract::PacketHeader& header,
                   std::optional<contract::WindowWord> window,
                   std::span<const std::uint8_t> payload) {
  const bool wide = data_width == 64;
  Words words(header.words.begin(), header.words.end());
  if (window) words.push_back(window->words[0]);
  if (window && wide) words.push_back(0);
  const Words body = to_words(payload);
  words.insert(words.end(), body.begin(), body.end());
  if (wide && words.size() % 2 != 0) words.push_back(0);
  const std::uint32_t crc = crc32c(std::span<const std::uint32_t>(words));
  if (!wide) {
    words.push_back(crc);
    return {words.begin(), words.end()};
  }
  Beats beats;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    beats.push_back(words[i] | std::uint64_t{words[i + 1]} << 32);
  }
  beats.push_back(crc);
  return beats;
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
