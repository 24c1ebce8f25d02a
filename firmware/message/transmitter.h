/// Makes packets of what LCBs want to say, and follows each to its fate.
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
#include "firmware/message/repeater.h"

namespace xybus {

/// A packet to be built: header, and data (copied behind it).
struct OutgoingPacket {
  contract::LinkHeader header;
  std::span<const std::byte> data;
};

/// Knows what LCBs want to say.
class PacketSource {
 public:
  virtual ~PacketSource() = default;
  /// The next packet of an LCB that is in the outbox.
  virtual OutgoingPacket compose(Lcb& lcb) = 0;
  /// That packet was built: its data has been copied.
  virtual void posted(Lcb& lcb) = 0;
  /// The other CPU has it.
  virtual void accepted(LinkId link, contract::LinkOperation operation) = 0;
  /// Whether the requestor of a link that has not been delivered still wants it to be.
  virtual bool link_wanted(LinkId link) = 0;
  /// The other CPU was busy for so long that the link packet was given up. Not delivered.
  virtual void link_not_delivered(LinkId link) = 0;
  /// A packet from this CPU to itself.
  virtual void loopback(const ReceivedPacket& packet) = 0;
  /// Moves some large message data between processes of this CPU; false when there is none.
  virtual bool move_local() = 0;
  /// Moves what there are windows for between this CPU and others.
  virtual void move_remote() = 0;
};

class Transmitter : private Repeater::Client {
 public:
  /// `longest_pause`: cycles until what was not taken is posted again, at most. `most_refusals`
  /// wait for one CPU, so that one that means harm, or is out of order, does not take all memory:
  /// at least as many as links that a CPU like this one can have outstanding.
  Transmitter(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
              std::uint64_t longest_pause, std::size_t most_refusals, PacketSource& source);

  /// An LCB has a packet to send to its peer.
  void want(Lcb& lcb) { outbox_.push(lcb); }
  /// It has not any more.
  void withdraw(Lcb& lcb) { outbox_.withdraw(lcb); }
  /// Takes back the link packet of an LCB that was posted, but for certain not delivered. False if
  /// that cannot be.
  bool withdraw_posted(const Lcb& lcb) { return repeater_.withdraw_link(lcb.peer.cpu, lcb.id); }

  /// Replies with an error to a link packet for which there is no LCB.
  void refuse(unsigned cpu, const contract::LinkHeader& link, contract::Error error);
  /// Forgets a refusal that has not left, because its link was cancelled.
  void forget_refusal(unsigned cpu, LinkId link);
  /// Cancels at the server's CPU a link that it pulls and that is not here. What has not left yet
  /// is bounded for each CPU, and more is dropped: a PULL that finds no link has crossed the
  /// CANCEL of its link, or its CPU is about to be declared down, so this is a second line.
  void cancel_stray(unsigned cpu, const contract::LinkHeader& pull);
  /// Tells a server's CPU that what it wanted to read remotely into that window does not come.
  void tell_again(unsigned cpu, WindowName window);
  /// Packets to that CPU are for this incarnation from now on.
  void begin(unsigned cpu, unsigned epoch) { repeater_.begin(cpu, epoch); }
  /// Forgets all that was for a CPU, what is in LCBs apart: it is down.
  void forget(unsigned cpu);

  /// Sends what there is to send and buffers for, then rings the doorbells.
  void pump();

  /// The fate of a packet this class posted.
  SentVerdict sent(const SentPacket& packet);

  /// Packets that were posted again.
  std::uint64_t repeats() const { return repeater_.repeats(); }
  /// Refusals that were dropped: some CPU has sent more requests than one like this can.
  std::uint64_t answers_left_out() const { return answers_left_out_; }

 private:
  /// For one CPU; in no order, for each is of another link.
  struct StrayCancels {
    std::array<contract::LinkHeader, 8> cancels;
    unsigned count = 0;
  };

  void add_answer(unsigned cpu, const contract::LinkHeader& answer);
  contract::LinkHeader take_answer(unsigned cpu);
  void pump_remote();
  void pump_local();
  bool send_remote_answer();
  bool send_remote_cancel();
  bool post_unlinked(unsigned cpu, const contract::LinkHeader& header);
  void post(unsigned cpu, const PacketBuffer& buffer, OutgoingPacket packet, LinkId link);
  void send_local_unlinked(const contract::LinkHeader& header);
  contract::LinkHeader take_cancel(unsigned cpu);
  bool send_local();
  std::uint32_t build(const OutgoingPacket& packet, std::span<std::byte> into);
  void finish(Lcb& lcb);
  void deliver_local(std::uint32_t length, LinkId link, contract::LinkOperation operation);
  bool link_wanted(LinkId link) override { return source_.link_wanted(link); }
  void link_given_up(LinkId link) override { source_.link_not_delivered(link); }

  Environment& environment_;
  Dispatcher& dispatcher_;
  PacketPort& port_;
  const std::size_t most_refusals_;
  PacketSource& source_;
  Repeater repeater_;
  Outbox<&Lcb::control_hook> outbox_;
  // By CPU: refusals, which are bounded, and one for each of its windows.
  std::array<std::deque<contract::LinkHeader>, contract::max_nodes> answers_;
  std::uint32_t answers_for_ = 0;  // bit c: there are some for CPU c
  unsigned last_answered_ = 0;     // among other CPUs
  std::array<StrayCancels, contract::max_nodes> stray_cancels_{};
  std::uint32_t cancels_for_ = 0;  // bit c: there are some for CPU c
  std::uint64_t answers_left_out_ = 0;
  bool pumping_ = false;
  bool local_timer_ = false;  // local packets are left for a dispatch point to come
  alignas(contract::line_bytes) std::array<std::byte, contract::max_payload_bytes> local_packet_{};
};

}  // namespace xybus
