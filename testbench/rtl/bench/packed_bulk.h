/// The packed structures of xybus_pkg that bulk transfers use, as Verilator shows them at a port.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "contract/contract.h"
#include "rtl/bench/packed.h"

namespace xybus::bench {

/// A packed structure of up to 192 bits, read or written field by field from the top.
class PackedFields {
 public:
  explicit PackedFields(unsigned bits) : position_(bits), bits_(bits) {}
  template <class Port>
  PackedFields(unsigned bits, const Port& port) : PackedFields(bits) {
    for (unsigned i = 0; i < (bits + 31) / 32; ++i) {
      if constexpr (std::is_integral_v<Port>) {
        words_[i] = static_cast<std::uint32_t>(std::uint64_t{port} >> 32 * i);
      } else {
        words_[i] = port[i];
      }
    }
  }

  std::uint32_t take(unsigned width) {
    position_ -= width;
    std::uint32_t value = 0;
    for (unsigned i = 0; i < width; ++i) {
      const unsigned at = position_ + i;
      value |= (words_[at / 32] >> at % 32 & 1) << i;
    }
    return value;
  }
  PackedFields& put(unsigned width, std::uint32_t value) {
    position_ -= width;
    for (unsigned i = 0; i < width; ++i) {
      const unsigned at = position_ + i;
      words_[at / 32] |= (value >> i & 1) << at % 32;
    }
    return *this;
  }
  /// All fields must have been put.
  template <class Port>
  void drive(Port& port) const {
    if constexpr (std::is_integral_v<Port>) {
      port = static_cast<Port>(words_[0] | std::uint64_t{words_[1]} << 32);
    } else {
      for (unsigned i = 0; i < (bits_ + 31) / 32; ++i) port[i] = words_[i];
    }
  }

 private:
  unsigned position_, bits_;
  std::array<std::uint32_t, 6> words_{};
};

/// offer_t: a packet that asks to be sent.
struct OfferedPacket {
  Origin origin{};
  contract::Route route{};
  contract::TrafficClass traffic_class{};
  contract::PacketKind kind{};
  bool notify = false;
  unsigned destinations = 0, length = 0, line = 0;
  contract::WindowWord window;
  contract::ReadRequest request;
  std::uint32_t cookie = 0;
  bool operator==(const OfferedPacket&) const = default;

  template <class Port>
  static OfferedPacket get(const Port& port) {
    PackedFields fields(179, port);
    OfferedPacket packet;
    packet.origin = static_cast<Origin>(fields.take(2));
    packet.route = static_cast<contract::Route>(fields.take(2));
    packet.traffic_class = static_cast<contract::TrafficClass>(fields.take(1));
    packet.kind = static_cast<contract::PacketKind>(fields.take(4));
    packet.notify = fields.take(1) != 0;
    packet.destinations = fields.take(16);
    packet.length = fields.take(9);
    packet.line = fields.take(16);
    packet.window.words[0] = fields.take(32);
    packet.request.words[1] = fields.take(32);
    packet.request.words[0] = fields.take(32);
    packet.cookie = fields.take(32);
    return packet;
  }
};

/// fate_t: what has become of a packet.
struct PacketFate {
  bool valid = false;
  Origin origin{};
  contract::SendStatus status{};
  unsigned bus = 0;
  contract::PacketHeader header;

  template <class Port>
  void drive(Port& port) const {
    PackedFields(72)
        .put(1, valid)
        .put(2, static_cast<std::uint32_t>(origin))
        .put(4, static_cast<std::uint32_t>(status))
        .put(1, bus)
        .put(32, header.words[1])
        .put(32, header.words[0])
        .drive(port);
  }
};

/// window_t
struct OpenWindow {
  unsigned generation = 0, peer = 0;
  bool write = false, read = false;
  unsigned length = 0, line = 0;

  /// window_post_t
  template <class Port>
  void post(Port& port, unsigned index) const {
    PackedFields(59)
        .put(1, 1)
        .put(8, index)
        .put(8, generation)
        .put(4, peer)
        .put(1, write)
        .put(1, read)
        .put(20, length)
        .put(16, line)
        .drive(port);
  }
};

/// lookup_t: a question to the window table.
struct WindowQuestion {
  bool own = false, write = false;
  unsigned peer = 0, length = 0;
  contract::WindowWord place;
  bool operator==(const WindowQuestion&) const = default;

  template <class Port>
  static WindowQuestion get(const Port& port) {
    PackedFields fields(58, port);
    WindowQuestion question;
    question.own = fields.take(1) != 0;
    question.write = fields.take(1) != 0;
    question.peer = fields.take(4);
    question.length = fields.take(20);
    question.place.words[0] = fields.take(32);
    return question;
  }
  template <class Port>
  void drive(Port& port) const {
    PackedFields(58)
        .put(1, own)
        .put(1, write)
        .put(4, peer)
        .put(20, length)
        .put(32, place.words[0])
        .drive(port);
  }
};

/// lookup_reply_t
struct WindowReply {
  bool allowed = false;
  unsigned generation = 0, line = 0;
  bool operator==(const WindowReply&) const = default;

  template <class Port>
  static WindowReply get(const Port& port) {
    PackedFields fields(25, port);
    WindowReply reply;
    reply.allowed = fields.take(1) != 0;
    reply.generation = fields.take(8);
    reply.line = fields.take(16);
    return reply;
  }
  template <class Port>
  void drive(Port& port) const {
    PackedFields(25).put(1, allowed).put(8, generation).put(16, line).drive(port);
  }
};

/// read_take_t: a remote read that was accepted.
struct RemoteRead {
  unsigned bus = 0, source = 0;
  contract::WindowWord window;
  contract::ReadRequest request;

  template <class Port>
  void drive(Port& port) const {
    PackedFields(101)
        .put(1, bus)
        .put(4, source)
        .put(32, window.words[0])
        .put(32, request.words[1])
        .put(32, request.words[0])
        .drive(port);
  }
};

}  // namespace xybus::bench
