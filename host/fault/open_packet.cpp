#include "fault/open_packet.h"

#include <bit>

namespace xybus {

// An attempt after the first bears the same number, to some of the same destinations. A number that
// nobody can have got is used again for the next packet, which then says something else.
OpenPacket Attempts::read(contract::BusId bus, unsigned source,
                          std::span<const std::uint32_t> words) {
  OpenPacket packet{.bus = bus, .source = source};
  const contract::PacketHeader header{{words[0], words[1]}};
  if (header.source() != source) return packet;  // noise, or a number forged
  const std::uint32_t word = words[contract::header_words];
  if (header.kind() == contract::PacketKind::message &&
      header.length() >= contract::link_words * contract::word_bytes) {
    packet.operation = contract::LinkHeader{{word}}.operation();
  }
  const Last now{true, header.sequence_number(), header.epoch(), word};
  const auto traffic_class = static_cast<std::size_t>(header.traffic_class()) % 2;
  for (std::uint32_t left = header.dst_mask(); left != 0; left &= left - 1) {
    const auto node = static_cast<std::size_t>(std::countr_zero(left));
    Last& last = last_[source][node % contract::max_nodes][traffic_class];
    packet.again = packet.again || last == now;
    last = now;
  }
  return packet;
}

}  // namespace xybus
