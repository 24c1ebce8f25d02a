#include "rtl/bench/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace xybus::bench {

using contract::SendStatus;

std::uint32_t Scoreboard::posted(unsigned source, unsigned destination,
                                 contract::TrafficClass traffic_class, Bytes payload) {
  const auto cookie = static_cast<std::uint32_t>(packets_.size());
  packets_.push_back({source, destination, traffic_class, std::move(payload)});
  flows_[{source, destination, traffic_class}].cookies.push_back(cookie);
  return cookie;
}

void Scoreboard::received(unsigned node, const contract::PacketHeader& header,
                          const Bytes& payload) {
  if (header.dst_mask() != 1U << node) {
    throw std::runtime_error(
        fmt::format("node {} got a packet for {:#06x}", node, header.dst_mask()));
  }
  Sequence& flow = flows_[{header.source(), node, header.traffic_class()}];
  for (std::size_t i = flow.next; i < flow.cookies.size(); ++i) {
    Packet& packet = packets_[flow.cookies[i]];
    if (packet.payload == payload) {
      packet.delivered = true;
      ++delivered_;
      flow.next = i + 1;
      if (packet.reported && packet.status != SendStatus::ok &&
          packet.status != SendStatus::unreachable) {
        wrong(flow.cookies[i], "delivered after it was reported as not delivered");
      }
      return;
    }
    // Passed over: only a packet that did not get through may be.
    if (packet.reported && packet.status == SendStatus::ok) {
      wrong(flow.cookies[i], fmt::format("not delivered as sent, in its turn ({} bytes came)",
                                         payload.size()));
    }
  }
  throw std::runtime_error(
      fmt::format("node {} got a packet from {}, class {}, sequence number {}, {} bytes, that "
                  "nobody sent, or that came before",
                  node, header.source(), name(header.traffic_class()), header.sequence_number(),
                  payload.size()));
}

void Scoreboard::sent(unsigned node, const contract::EventEntry& event) {
  if (event.cookie() >= packets_.size()) {
    throw std::runtime_error(fmt::format("node {}: sent event with cookie {:#x}, which nobody "
                                         "posted", node, event.cookie()));
  }
  Packet& packet = packets_[event.cookie()];
  contract::PacketHeader header;
  header.words = {event.header_0(), event.header_1()};
  if (packet.source != node) wrong(event.cookie(), fmt::format("reported by node {}", node));
  if (packet.reported) wrong(event.cookie(), "reported twice");
  packet.reported = true;
  packet.status = event.status();
  if (packet.status == SendStatus::refused) return;
  if (header.dst_mask() != 1U << packet.destination || header.source() != node ||
      header.length() != packet.payload.size() || header.traffic_class() != packet.traffic_class) {
    wrong(event.cookie(), "reported with another header");
  }
  if (packet.delivered && packet.status == SendStatus::busy) {
    wrong(event.cookie(), "delivered, but reported as busy");
  }
}

bool Scoreboard::is_open(const Packet& packet) const {
  if (is_halted(packet.source)) return false;
  if (!packet.reported) return true;
  return packet.status == SendStatus::ok && !packet.delivered && !is_halted(packet.destination);
}

std::size_t Scoreboard::open() const {
  return static_cast<std::size_t>(std::count_if(
      packets_.begin(), packets_.end(), [&](const Packet& packet) { return is_open(packet); }));
}

void Scoreboard::finish() const {
  for (std::uint32_t cookie = 0; cookie < packets_.size(); ++cookie) {
    if (is_open(packets_[cookie])) wrong(cookie, "has not met its fate");
  }
}

std::size_t Scoreboard::count(SendStatus status) const {
  return static_cast<std::size_t>(
      std::count_if(packets_.begin(), packets_.end(), [&](const Packet& packet) {
        return packet.reported && packet.status == status;
      }));
}

void Scoreboard::wrong(std::uint32_t cookie, const std::string& what) const {
  const Packet& packet = packets_[cookie];
  throw std::runtime_error(fmt::format(
      "packet {} ({} -> {}, class {}, {} bytes): {}; reported {}, delivered {}", cookie,
      packet.source, packet.destination, name(packet.traffic_class), packet.payload.size(), what,
      packet.reported ? name(packet.status) : "not", packet.delivered));
}

}  // namespace xybus::bench
