/// What a descriptor asks for, and whether it can be had.
#pragma once

#include <bit>

#include "contract/contract.h"
#include "model/tlm/packet.h"
#include "model/tlm/window.h"

namespace xybus::tlm {

inline bool is_transfer(const contract::SendDescriptor& d) {
  return d.kind() == contract::PacketKind::write || d.kind() == contract::PacketKind::read;
}

/// Whether a descriptor in the ring of this class asks for something possible, of nodes present.
inline bool well_formed(const contract::SendDescriptor& d, unsigned traffic_class,
                        Nodes present) {
  const bool in_ram = d.address() + d.length() <= node_ram_bytes;
  const bool good = d.dst_mask() != 0 && (d.dst_mask() & ~present) == 0 &&
                    static_cast<unsigned>(d.route()) <=
                        static_cast<unsigned>(contract::Route::y) &&
                    d.address() % contract::line_bytes == 0;
  if (is_transfer(d)) {
    return good && traffic_class == 0 && std::has_single_bit(d.dst_mask()) && d.length() != 0 &&
           (d.kind() == contract::PacketKind::read || in_ram);
  }
  return good && d.kind() == contract::PacketKind::message &&
         d.length() <= contract::max_payload_bytes && in_ram;
}

/// The packet of a message's descriptor.
inline Offer message_of(const contract::SendDescriptor& d, unsigned traffic_class) {
  return {.origin = Origin::ring,
          .route = d.route(),
          .traffic_class = static_cast<std::uint8_t>(traffic_class),
          .kind = d.kind(),
          .notify = is_transfer(d) && d.notify() != 0,
          .destinations = d.dst_mask(),
          .length = d.length(),
          .address = d.address(),
          .window = 0,
          .request = {},
          .cookie = d.cookie()};
}

/// The packets of a transfer: what they have in common.
inline Offer transfer_of(const contract::SendDescriptor& d) {
  return {.origin = Origin::write,
          .route = d.route(),
          .traffic_class = 0,
          .kind = d.kind(),
          .notify = false,
          .destinations = d.dst_mask(),
          .length = 0,
          .address = 0,
          .window = d.window() | d.generation() << 8 | (d.cookie() >> 16) << 16,
          .request = {},
          .cookie = d.cookie()};
}

/// What a read asks the far node for, when its own window is of this generation.
inline std::array<std::uint32_t, 2> request_of(const contract::SendDescriptor& d,
                                               unsigned generation) {
  return {d.length(), d.own_window() | generation << 8 | d.address() / contract::line_bytes << 16};
}

/// The packet with which a read of another node is served.
inline Offer reply_to(unsigned reader) {
  return {.origin = Origin::serve,
          .route = contract::Route::any,
          .traffic_class = 0,
          .kind = contract::PacketKind::write,
          .notify = false,
          .destinations = 1u << reader,
          .length = 0,
          .address = 0,
          .window = 0,
          .request = {},
          .cookie = 0};
}

}  // namespace xybus::tlm
