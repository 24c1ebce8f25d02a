/// What was posted, and what became of it: the reference of the fabric benches.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "contract/contract.h"
#include "rtl/bench/packet.h"

namespace xybus::bench {

/// Follows every packet from its posting to its delivery and its sent event, by nothing but the
/// rules of the contract: exactly once and in order for each source, destination and class, byte
/// for byte, and one sent event for each packet, which tells the truth.
class Scoreboard {
 public:
  /// A packet is about to be posted; its cookie.
  std::uint32_t posted(unsigned source, unsigned destination, contract::TrafficClass traffic_class,
                       Bytes payload);
  /// CPU `node` found a received event with this header, and this payload in the slot.
  void received(unsigned node, const contract::PacketHeader& header, const Bytes& payload);
  /// CPU `node` found a sent event.
  void sent(unsigned node, const contract::EventEntry& event);
  /// This node's CPU and engine stopped: nothing more is expected of it, or known about it.
  void halted(unsigned node) { halted_ |= 1U << node; }

  /// Packets that have no sent event yet, or an `ok` one and no delivery yet.
  std::size_t open() const;
  /// Everything has met its fate, and the fates agree.
  void finish() const;

  std::size_t posted_count() const { return packets_.size(); }
  std::size_t delivered_count() const { return delivered_; }
  std::size_t count(contract::SendStatus status) const;

 private:
  struct Packet {
    unsigned source, destination;
    contract::TrafficClass traffic_class;
    Bytes payload;
    bool delivered = false;
    bool reported = false;
    contract::SendStatus status{};
  };
  using Flow = std::tuple<unsigned, unsigned, contract::TrafficClass>;
  struct Sequence {
    std::vector<std::uint32_t> cookies;
    std::size_t next = 0;  // the first that may still come
  };

  bool is_halted(unsigned node) const { return (halted_ >> node & 1) != 0; }
  bool is_open(const Packet& packet) const;
  [[noreturn]] void wrong(std::uint32_t cookie, const std::string& what) const;

  std::vector<Packet> packets_;  // by cookie
  std::map<Flow, Sequence> flows_;
  std::size_t delivered_ = 0;
  std::uint32_t halted_ = 0;
};

}  // namespace xybus::bench
