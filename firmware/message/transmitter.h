/// Makes packets of what LCBs want to send, and follows each to its fate.
///
/// A packet for this CPU goes through the same steps, short of the port: it is built in a buffer
/// of its own, counts as accepted, and is handed to the receiving side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "contract/contract.h"
#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/lcb.h"
#include "firmware/message/outbox.h"
#include "firmware/message/packet_port.h"

namespace xybus {

/// A packet to be built: header, data (copied behind it), and whether its LCB has another.
struct OutgoingPacket {
  contract::LinkHeader header;
  std::span<const std::byte> data;
  bool more = false;
};

/// Knows what LCBs want to say.
class PacketSource {
 public:
  virtual ~PacketSource() = default;
  /// The next packet of an LCB that is in the outbox.
  virtual OutgoingPacket compose(Lcb& lcb, contract::TrafficClass traffic_class) = 0;
  /// That packet was built: its data has been copied.
  virtual void posted(Lcb& lcb, contract::TrafficClass traffic_class) = 0;
  /// The other CPU has it.
  virtual void accepted(LinkId link, contract::LinkOperation operation) = 0;
  /// The other CPU was busy for so long that the link packet was given up. Not delivered.
  virtual void link_not_delivered(LinkId link) = 0;
  /// Whether a packet of this link that could not be delivered is still worth sending.
  virtual bool wanted(LinkId link) = 0;
  /// That CPU takes no packets any more.
  virtual void peer_failed(unsigned cpu) = 0;
  /// A packet from this CPU to itself.
  virtual void loopback(const ReceivedPacket& packet) = 0;
};

class Transmitter {
 public:
  using TrafficClass = contract::TrafficClass;

  Transmitter(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
              PacketSource& source);

  /// An LCB has something to send to its peer: one control packet, or a run of data packets.
  void want(TrafficClass traffic_class, Lcb& lcb) { outbox_.push(traffic_class, lcb); }
  /// It has not any more.
  void withdraw(Lcb& lcb) { outbox_.withdraw(lcb); }

  /// Replies with an error to a link packet for which there is no LCB.
  void refuse(unsigned cpu, const contract::LinkHeader& link, contract::Error error);
  /// Forgets a refusal that has not left, because its link was cancelled.
  void forget_refusal(unsigned cpu, LinkId link);
  /// Cancels at the server's CPU a link that it pulls and that is not here. What has not left yet
  /// is bounded for each CPU, and more is dropped: a PULL that finds no link has crossed the
  /// CANCEL of its link, or its CPU is about to be declared down, so this is a second line.
  void cancel_stray(unsigned cpu, const contract::LinkHeader& pull);
  /// Forgets all that was for a CPU without an LCB: it is down.
  void forget(unsigned cpu);

  /// Sends what there is to send and buffers for, then rings the doorbells.
  void pump();

  /// The fate of a packet this class posted.
  SentVerdict sent(const SentPacket& packet);

 private:
  struct Refusal {
    unsigned cpu;
    contract::LinkHeader reply;
  };
  /// For one CPU; in no order, for each is of another link.
  struct StrayCancels {
    std::array<contract::LinkHeader, 8> cancels;
    unsigned count = 0;
  };

  void pump_remote(TrafficClass traffic_class);
  void pump_local();
  bool send_remote_refusal();
  bool send_remote_cancel();
  bool post_unlinked(unsigned cpu, const contract::LinkHeader& header);
  void send_local_unlinked(const contract::LinkHeader& header);
  contract::LinkHeader take_cancel(unsigned cpu);
  bool send_local();
  std::uint32_t build(const OutgoingPacket& packet, std::span<std::byte> into);
  void finish(Lcb& lcb, TrafficClass traffic_class, bool more);
  void deliver_local(TrafficClass traffic_class, std::uint32_t length, LinkId link,
                     contract::LinkOperation operation);
  SentVerdict busy(const SentPacket& packet, contract::LinkOperation operation);

  Environment& environment_;
  Dispatcher& dispatcher_;
  PacketPort& port_;
  PacketSource& source_;
  Outbox outbox_;
  std::deque<Refusal> refusals_;  // at most one for each LCB of another CPU
  std::array<StrayCancels, contract::max_nodes> stray_cancels_{};
  std::uint32_t cancels_for_ = 0;  // bit c: there are some for CPU c
  bool pumping_ = false;
  bool local_timer_ = false;  // local packets are left for a dispatch point to come
  alignas(contract::line_bytes) std::array<std::byte, contract::max_payload_bytes> local_packet_{};
};

}  // namespace xybus
