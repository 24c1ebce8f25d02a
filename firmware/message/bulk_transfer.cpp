#include "firmware/message/bulk_transfer.h"

#include <algorithm>

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;
using contract::TrafficClass;

// ---- Sending ------------------------------------------------------------------------------------

void BulkTransfer::send(Lcb& lcb, std::uint32_t offset, std::uint32_t length) {
  lcb.out = {.next = offset, .end = offset + length, .in_flight = 0, .active = true};
  transmitter_.want(TrafficClass::data, lcb);
}

OutgoingPacket BulkTransfer::compose_data(const Lcb& lcb) const {
  const std::uint32_t length = std::min(lcb.out.end - lcb.out.next, contract::inline_bytes);
  LinkHeader header;
  header.set_operation(LinkOperation::data).set_length(length).set_offset(lcb.out.next);
  if (is_requestor_end(lcb.state)) {
    header.set_server_link(lcb.peer_link.value);
    header.set_requestor_pin(lcb.pin).set_server_pin(lcb.peer.pin);
  } else {
    header.set_requestor_link(lcb.peer_link.value);
    header.set_requestor_pin(lcb.peer.pin).set_server_pin(lcb.pin);
  }
  return {header, lcb.outgoing.subspan(lcb.out.next, length), lcb.out.next + length < lcb.out.end};
}

bool BulkTransfer::data_posted(Lcb& lcb) const {
  lcb.out.next += std::min(lcb.out.end - lcb.out.next, contract::inline_bytes);
  ++lcb.out.in_flight;
  return lcb.out.next == lcb.out.end;
}

bool BulkTransfer::data_accepted(Lcb& lcb) const {
  // A requestor can be pulled again before it sees that the last data was accepted.
  if (lcb.out.in_flight > 0) --lcb.out.in_flight;
  const bool complete = lcb.out.active && lcb.out.in_flight == 0 && lcb.out.next == lcb.out.end;
  if (complete) lcb.out.active = false;
  return complete;
}

bool BulkTransfer::pulled(Lcb& lcb, const LinkHeader& pull) {
  const std::uint64_t end = std::uint64_t{pull.offset()} + pull.length();
  if (pull.length() == 0 || end > lcb.outgoing.size()) return false;
  lcb.peer_link = {pull.server_link()};
  send(lcb, pull.offset(), pull.length());
  return true;
}

// ---- Receiving ----------------------------------------------------------------------------------

void BulkTransfer::expect(Lcb& lcb, std::span<std::byte> into, std::uint32_t offset) const {
  lcb.in = {.into = into, .offset = offset, .received = 0};
}

OutgoingPacket BulkTransfer::compose_pull(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::pull)
      .set_requestor_link(lcb.peer_link.value)
      .set_server_link(lcb.id.value)
      .set_requestor_pin(lcb.peer.pin)
      .set_server_pin(lcb.pin)
      .set_length(static_cast<std::uint32_t>(lcb.in.into.size()))
      .set_offset(lcb.in.offset);
  return {header, {}, false};
}

bool BulkTransfer::received(Lcb& lcb, const LinkHeader& header,
                            std::span<const std::byte> data) const {
  if (data.size() != header.length() || header.offset() < lcb.in.offset) return false;
  const std::uint64_t at = header.offset() - lcb.in.offset;
  if (at + data.size() > lcb.in.into.size()) return false;
  if (lcb.in.received + data.size() > lcb.in.into.size()) return false;
  environment_.copy(data, lcb.in.into.subspan(at));
  lcb.in.received += header.length();
  return true;
}

}  // namespace xybus
