/// Packets for the benches of the receiving side, and what must not be seen of bad ones.
#pragma once

#include <catch2/catch.hpp>

#include "rtl/bench/random.h"
#include "rtl/module/receive_side_driver.h"

namespace xybus::bench {

inline Bytes some_bytes(unsigned count, std::uint64_t seed = 1) {
  Random random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.word());
  return bytes;
}

template <class Bus>
struct PacketsFor {
  static constexpr unsigned me = ReceiveSideDriver<Bus>::node;

  static contract::PacketHeader header(contract::PacketKind kind, unsigned length,
                                       unsigned sequence_number, unsigned source = 2) {
    return message_header(source, me, length, sequence_number).set_kind(kind);
  }
  static Beats message(const contract::PacketHeader& header, const Bytes& payload) {
    return packet_beats(Bus::width, header, std::nullopt, payload);
  }
  static Beats message(unsigned length, unsigned sequence_number, unsigned source = 2) {
    return message(header(contract::PacketKind::message, length, sequence_number, source),
                   some_bytes(length));
  }
  static Beats write(unsigned length, unsigned sequence_number, contract::WindowWord window,
                     bool notify = false, unsigned source = 2) {
    const auto front = header(contract::PacketKind::write, length, sequence_number, source);
    return packet_beats(Bus::width, contract::PacketHeader(front).set_notify(notify ? 1 : 0),
                        window, some_bytes(length));
  }
  static Beats read(contract::ReadRequest request, unsigned sequence_number,
                    contract::WindowWord window, unsigned source = 2) {
    Bytes payload(contract::read_payload_bytes);
    for (unsigned i = 0; i < 8; ++i) {
      payload[i] = static_cast<std::uint8_t>(request.words[i / 4] >> 8 * (i % 4));
    }
    return packet_beats(Bus::width,
                        header(contract::PacketKind::read, contract::read_payload_bytes,
                               sequence_number, source),
                        window, payload);
  }
};

inline contract::WindowWord window_word(unsigned window, unsigned generation, unsigned offset) {
  return contract::WindowWord{}.set_window(window).set_generation(generation).set_offset(offset);
}

/// Nothing of a packet can be seen: no event, no read, no slot taken, node RAM as it was.
template <class Bus>
void check_nothing_accepted(ReceiveSideDriver<Bus>& driver) {
  driver.steps(20);
  CHECK(driver.events.empty());
  CHECK(driver.reads.empty());
  CHECK(driver.written.empty());
  CHECK(driver.claims == 0);
  CHECK(driver.tail(0) == 0);
  CHECK(driver.tail(1) == 0);
  CHECK(driver.idle());
}

}  // namespace xybus::bench
