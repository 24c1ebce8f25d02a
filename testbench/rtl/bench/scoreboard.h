/// The messages that were posted, and what became of them: the reference of the fabric benches.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "contract/contract.h"
#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/packet.h"

namespace xybus::bench {

/// Follows every message from its posting to its delivery at each destination and its sent event,
/// by nothing but the rules of the contract: exactly once and in order for each source, destination
/// and class, byte for byte, and one sent event for each, which tells the truth.
class Scoreboard {
 public:
  /// Cookies of messages have this bit set, those of transfers have not.
  static constexpr std::uint32_t message_bit = 0x80000000;

  /// A message is about to be posted; its cookie.
  std::uint32_t posted(unsigned source, Nodes destinations, contract::TrafficClass traffic_class,
                       Bytes payload);
  /// CPU `node` found a received event with this header, and this payload in the slot.
  void received(unsigned node, const contract::PacketHeader& header, const Bytes& payload);
  /// CPU `node` found a sent event.
  void sent(unsigned node, const contract::EventEntry& event);
  /// This node stopped: nothing more is expected of it, or known about it.
  void halted(unsigned node);
  /// This node starts afresh: the fate of what it posted is not known, and what was on its way to
  /// it may be lost.
  void restarted(unsigned node);

  /// Messages that have no sent event yet, or are not delivered everywhere they should be.
  std::size_t open() const;
  /// Everything has met its fate, and the fates agree.
  void finish() const;

  std::size_t posted_count() const { return messages_.size(); }
  /// Deliveries, each destination counted; and those of messages from one node.
  std::size_t delivered_count() const { return delivered_; }
  std::size_t delivered_from(unsigned node) const { return delivered_from_[node]; }
  /// Messages reported with this status.
  std::size_t count(contract::SendStatus status) const;
  bool is_reported(std::uint32_t cookie) const { return at(cookie).reported; }
  Nodes delivered_to(std::uint32_t cookie) const { return at(cookie).delivered; }
  Nodes missed(std::uint32_t cookie) const { return at(cookie).missed; }
  contract::SendStatus status(std::uint32_t cookie) const { return at(cookie).status; }

 private:
  struct Message {
    unsigned source;
    Nodes destinations;
    contract::TrafficClass traffic_class;
    Bytes payload;
    Nodes delivered = 0;
    Nodes excused = 0;      // destinations that need not get it
    bool orphaned = false;  // nobody reports it
    bool reported = false;
    contract::SendStatus status{};
    Nodes missed = 0;
  };
  using Flow = std::tuple<unsigned, unsigned, contract::TrafficClass>;
  struct Sequence {
    std::vector<std::uint32_t> cookies;
    std::size_t next = 0;  // the first that may still come
  };

  const Message& at(std::uint32_t cookie) const { return messages_.at(cookie & ~message_bit); }
  Message& at(std::uint32_t cookie) { return messages_.at(cookie & ~message_bit); }
  bool is_open(const Message& message) const;
  [[noreturn]] void wrong(std::uint32_t cookie, const std::string& what) const;

  std::vector<Message> messages_;  // by cookie
  std::map<Flow, Sequence> flows_;
  std::size_t delivered_ = 0;
  std::array<std::size_t, contract::max_nodes> delivered_from_{};
  mutable std::size_t closed_ = 0;  // all before this one are closed
};

}  // namespace xybus::bench
