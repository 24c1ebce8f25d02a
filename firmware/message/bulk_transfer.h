/// Message data that does not fit beside a link header: asked for by PULL, moved in DATA packets.
///
/// A server pulls request data when it calls readlink; reply data it sends on its own, and its
/// reply follows when all of it has been accepted, so a reply never promises data that then fails
/// to come. DATA packets say where they belong, so their order does not matter; they name only
/// the LCB they are for (the other link field is 0), which tells the direction. The process's
/// buffer is read and written in place, packet by packet as packet buffers come free.
#pragma once

#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/environment.h"
#include "firmware/message/lcb.h"
#include "firmware/message/transmitter.h"

namespace xybus {

class BulkTransfer {
 public:
  BulkTransfer(Environment& environment, Transmitter& transmitter)
      : environment_(environment), transmitter_(transmitter) {}

  /// Whether `bytes` of data need DATA packets.
  static bool needed(std::size_t bytes) { return bytes > contract::inline_bytes; }

  /// Starts sending bytes [offset, offset + length) of the LCB's `outgoing`.
  void send(Lcb& lcb, std::uint32_t offset, std::uint32_t length);
  /// The DATA packet that is next, and what its posting means: true when it was the last.
  OutgoingPacket compose_data(const Lcb& lcb) const;
  bool data_posted(Lcb& lcb) const;
  /// A DATA packet was accepted: true when all data has been.
  bool data_accepted(Lcb& lcb) const;

  /// Prepares to take bytes from `offset` on of the other end's message.
  void expect(Lcb& lcb, std::span<std::byte> into, std::uint32_t offset) const;
  /// The PULL packet that asks for what was prepared.
  OutgoingPacket compose_pull(const Lcb& lcb) const;

  /// A requestor's LCB was pulled: sends what is asked for. False if that is out of range.
  bool pulled(Lcb& lcb, const contract::LinkHeader& pull);
  /// Data for an LCB that expects some. False if it is not what was expected.
  bool received(Lcb& lcb, const contract::LinkHeader& header,
                std::span<const std::byte> data) const;

 private:
  Environment& environment_;
  Transmitter& transmitter_;
};

}  // namespace xybus
