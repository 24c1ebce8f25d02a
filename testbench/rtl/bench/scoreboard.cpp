#include "rtl/bench/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace xybus::bench {

using contract::SendStatus;

std::uint32_t Scoreboard::posted(unsigned source, Nodes destinations,
                                 contract::TrafficClass traffic_class, Bytes payload) {
  const auto cookie = static_cast<std::uint32_t>(messages_.size()) | message_bit;
  messages_.push_back({source, destinations, traffic_class, std::move(payload)});
  for (unsigned node = 0; node < contract::max_nodes; ++node) {
    if ((destinations >> node & 1) != 0) {
      flows_[{source, node, traffic_class}].cookies.push_back(cookie);
    }
  }
  return cookie;
}

void Scoreboard::received(unsigned node, const contract::PacketHeader& header,
                          const Bytes& payload) {
  const Nodes self = 1U << node;
  Sequence& flow = flows_[{header.source(), node, header.traffic_class()}];
  for (std::size_t i = flow.next; i < flow.cookies.size(); ++i) {
    const std::uint32_t cookie = flow.cookies[i];
    Message& message = at(cookie);
    if (message.payload == payload) {
      message.delivered |= self;
      ++delivered_;
      ++delivered_from_[message.source];
      flow.next = i + 1;
      if ((header.dst_mask() & self) == 0 || (header.dst_mask() & ~message.destinations) != 0) {
        wrong(cookie, fmt::format("node {} got it addressed to {:#06x}", node, header.dst_mask()));
      }
      if (message.reported && (message.missed & self) != 0 &&
          message.status != SendStatus::unreachable) {
        wrong(cookie, "delivered after it was reported as not delivered");
      }
      return;
    }
    // Passed over: only one that did not get through may be.
    if (message.reported && (message.missed & self) == 0 && (message.excused & self) == 0) {
      wrong(cookie, fmt::format("not delivered to node {} as sent, in its turn ({} bytes came)",
                                node, payload.size()));
    }
  }
  throw std::runtime_error(
      fmt::format("node {} got a message from {}, class {}, sequence number {}, {} bytes, that "
                  "nobody sent, or that came before",
                  node, header.source(), name(header.traffic_class()), header.sequence_number(),
                  payload.size()));
}

void Scoreboard::sent(unsigned node, const contract::EventEntry& event) {
  const std::uint32_t cookie = event.cookie();
  if ((cookie & message_bit) == 0 || (cookie & ~message_bit) >= messages_.size()) {
    throw std::runtime_error(
        fmt::format("node {}: sent event with cookie {:#x}, which nobody posted", node, cookie));
  }
  Message& message = at(cookie);
  contract::PacketHeader header;
  header.words = {event.header_0(), event.header_1()};
  if (message.source != node) wrong(cookie, fmt::format("reported by node {}", node));
  if (message.reported) wrong(cookie, "reported twice");
  message.reported = true;
  message.status = event.status();
  message.missed = event.missed();
  if (message.status == SendStatus::refused) {
    if (message.delivered != 0) wrong(cookie, "delivered, but reported as refused");
    message.missed = message.destinations;
    return;
  }
  if (header.dst_mask() != message.destinations || header.source() != node ||
      header.kind() != contract::PacketKind::message ||
      header.length() != message.payload.size() ||
      header.traffic_class() != message.traffic_class) {
    wrong(cookie, fmt::format("reported with another header {:#010x} {:#010x}", header.words[0],
                              header.words[1]));
  }
  if ((message.status == SendStatus::ok) != (message.missed == 0) ||
      (message.missed & ~message.destinations) != 0) {
    wrong(cookie, "the status does not fit the destinations that it missed");
  }
  if (message.status == SendStatus::busy && (message.delivered & message.missed) != 0) {
    wrong(cookie, "delivered, but reported as busy");
  }
}

void Scoreboard::halted(unsigned node) { restarted(node); }

void Scoreboard::restarted(unsigned node) {
  open();
  for (std::size_t i = closed_; i < messages_.size(); ++i) {
    Message& message = messages_[i];
    if (message.source == node && !message.reported) message.orphaned = true;
    message.excused |= message.destinations & ~message.delivered & 1U << node;
  }
}

bool Scoreboard::is_open(const Message& message) const {
  if (message.orphaned) return false;
  if (!message.reported) return true;
  return (message.destinations & ~message.missed & ~message.delivered & ~message.excused) != 0;
}

std::size_t Scoreboard::open() const {
  while (closed_ < messages_.size() && !is_open(messages_[closed_])) ++closed_;
  return static_cast<std::size_t>(
      std::count_if(messages_.begin() + static_cast<std::ptrdiff_t>(closed_), messages_.end(),
                    [&](const Message& message) { return is_open(message); }));
}

void Scoreboard::finish() const {
  for (std::uint32_t cookie = 0; cookie < messages_.size(); ++cookie) {
    if (is_open(messages_[cookie])) wrong(cookie, "has not met its fate");
  }
}

std::size_t Scoreboard::count(SendStatus status) const {
  return static_cast<std::size_t>(
      std::count_if(messages_.begin(), messages_.end(), [&](const Message& message) {
        return message.reported && message.status == status;
      }));
}

void Scoreboard::wrong(std::uint32_t cookie, const std::string& what) const {
  const Message& message = at(cookie);
  throw std::runtime_error(fmt::format(
      "message {} ({} -> {:#06x}, class {}, {} bytes): {}; reported {}, missed {:#06x}, "
      "delivered {:#06x}",
      cookie & ~message_bit, message.source, message.destinations, name(message.traffic_class),
      message.payload.size(), what, message.reported ? name(message.status) : "not",
      message.missed, message.delivered));
}

}  // namespace xybus::bench
