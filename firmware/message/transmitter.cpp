#include "firmware/message/transmitter.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "firmware/message/wire.h"

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;
using contract::SendStatus;

namespace {

// Packets in flight to one destination in one class. The engine has one at a time on the bus for
// each; the others cover the time until software sees that it is through.
constexpr unsigned in_flight_limit = 8;

// How often a packet is posted again that its destination was too busy to take. A CPU that is
// busy for that many send limits on end is as good as down.
constexpr unsigned resend_limit = 3;

// Local packets handled at one go; what is left waits for the next dispatch point, so that a long
// transfer on one CPU does not shut out interrupts.
constexpr unsigned local_burst = 16;

}  // namespace

Transmitter::Transmitter(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                         PacketSource& source)
    : environment_(environment),
      dispatcher_(dispatcher),
      port_(port),
      source_(source),
      outbox_(environment.cpu(), in_flight_limit) {}

// ---- Answers without an LCB ---------------------------------------------------------------------

void Transmitter::refuse(unsigned cpu, const LinkHeader& link, contract::Error error) {
  LinkHeader reply = link;
  reply.set_operation(LinkOperation::reply).set_error(error).set_length(0).set_reply_room(0);
  refusals_.push_back({cpu, reply});
}

void Transmitter::forget_refusal(unsigned cpu, LinkId link) {
  std::erase_if(refusals_, [&](const Refusal& refusal) {
    return refusal.cpu == cpu && refusal.reply.requestor_link() == link.value;
  });
}

void Transmitter::cancel_stray(unsigned cpu, const LinkHeader& pull) {
  StrayCancels& stray = stray_cancels_[cpu];
  const auto end = stray.cancels.begin() + stray.count;
  const bool there = std::any_of(stray.cancels.begin(), end, [&](const LinkHeader& cancel) {
    return cancel.requestor_link() == pull.requestor_link();
  });
  if (there || stray.count == stray.cancels.size()) return;
  LinkHeader cancel = pull;
  cancel.set_operation(LinkOperation::cancel).set_length(0).set_offset(0);
  stray.cancels[stray.count++] = cancel;
  cancels_for_ |= 1U << cpu;
}

LinkHeader Transmitter::take_cancel(unsigned cpu) {
  StrayCancels& stray = stray_cancels_[cpu];
  const LinkHeader cancel = stray.cancels[--stray.count];
  if (stray.count == 0) cancels_for_ &= ~(1U << cpu);
  return cancel;
}

void Transmitter::forget(unsigned cpu) {
  std::erase_if(refusals_, [cpu](const Refusal& refusal) { return refusal.cpu == cpu; });
  stray_cancels_[cpu].count = 0;
  cancels_for_ &= ~(1U << cpu);
}

// ---- Sending ------------------------------------------------------------------------------------

void Transmitter::pump() {
  if (pumping_) return;  // a local packet brought us here; the loop below goes on
  pumping_ = true;
  pump_local();
  pump_remote(TrafficClass::control);
  pump_remote(TrafficClass::data);
  port_.ring_doorbells();
  pumping_ = false;
}

void Transmitter::pump_remote(TrafficClass traffic_class) {
  const bool control = traffic_class == TrafficClass::control;
  for (;;) {
    if (control && (send_remote_refusal() || send_remote_cancel())) continue;
    Lcb* lcb = outbox_.next_remote(traffic_class);
    if (lcb == nullptr) return;
    const auto buffer = port_.allocate(traffic_class);
    if (!buffer) return;
    const unsigned destination = lcb->peer.cpu;
    const LinkId link = lcb->id;
    const OutgoingPacket packet = source_.compose(*lcb, traffic_class);
    const std::uint32_t length = build(packet, buffer->bytes);
    outbox_.posted(traffic_class, destination);
    port_.post(*buffer, destination, length, link.value);
    finish(*lcb, traffic_class, packet.more);
  }
}

bool Transmitter::send_remote_refusal() {
  const auto refusal = std::find_if(refusals_.begin(), refusals_.end(), [this](const Refusal& r) {
    return r.cpu != environment_.cpu() && outbox_.may_post(TrafficClass::control, r.cpu);
  });
  if (refusal == refusals_.end()) return false;
  if (!post_unlinked(refusal->cpu, refusal->reply)) return false;
  refusals_.erase(refusal);
  return true;
}

bool Transmitter::send_remote_cancel() {
  for (std::uint32_t left = cancels_for_ & ~(1U << environment_.cpu()); left != 0;
       left &= left - 1) {
    const auto cpu = static_cast<unsigned>(std::countr_zero(left));
    if (!outbox_.may_post(TrafficClass::control, cpu)) continue;
    const StrayCancels& stray = stray_cancels_[cpu];
    if (!post_unlinked(cpu, stray.cancels[stray.count - 1])) return false;
    take_cancel(cpu);
    return true;
  }
  return false;
}

bool Transmitter::post_unlinked(unsigned cpu, const LinkHeader& header) {
  const auto buffer = port_.allocate(TrafficClass::control);
  if (!buffer) return false;
  const std::uint32_t length = build({header, {}, false}, buffer->bytes);
  outbox_.posted(TrafficClass::control, cpu);
  port_.post(*buffer, cpu, length, 0);
  return true;
}

std::uint32_t Transmitter::build(const OutgoingPacket& packet, std::span<std::byte> into) {
  store(packet.header, into);
  environment_.copy(packet.data, into.subspan(link_header_bytes));
  return static_cast<std::uint32_t>(link_header_bytes + packet.data.size());
}

void Transmitter::finish(Lcb& lcb, TrafficClass traffic_class, bool more) {
  if (!more) outbox_.withdraw(traffic_class, lcb);
  source_.posted(lcb, traffic_class);
}

// ---- On this CPU --------------------------------------------------------------------------------

void Transmitter::pump_local() {
  for (unsigned i = 0; i < local_burst; ++i) {
    if (!send_local()) return;
  }
  if (local_timer_) return;
  local_timer_ = true;
  dispatcher_.after(1, [this] {
    local_timer_ = false;
    pump();
  });
}

bool Transmitter::send_local() {
  const unsigned here = environment_.cpu();
  const auto refusal = std::find_if(refusals_.begin(), refusals_.end(),
                                    [here](const Refusal& r) { return r.cpu == here; });
  if (refusal != refusals_.end()) {
    const LinkHeader reply = refusal->reply;
    refusals_.erase(refusal);
    send_local_unlinked(reply);
    return true;
  }
  if ((cancels_for_ >> here & 1U) != 0) {
    send_local_unlinked(take_cancel(here));
    return true;
  }
  for (const auto traffic_class : {TrafficClass::control, TrafficClass::data}) {
    Lcb* lcb = outbox_.next_local(traffic_class);
    if (lcb == nullptr) continue;
    const LinkId link = lcb->id;
    const OutgoingPacket packet = source_.compose(*lcb, traffic_class);
    const std::uint32_t length = build(packet, local_packet_);
    finish(*lcb, traffic_class, packet.more);
    deliver_local(traffic_class, length, link, packet.header.operation());
    return true;
  }
  return false;
}

void Transmitter::send_local_unlinked(const LinkHeader& header) {
  const std::uint32_t length = build({header, {}, false}, local_packet_);
  deliver_local(TrafficClass::control, length, {}, header.operation());
}

void Transmitter::deliver_local(TrafficClass traffic_class, std::uint32_t length, LinkId link,
                                LinkOperation operation) {
  if (link) source_.accepted(link, operation);
  environment_.charge(environment_.costs.take_packet);
  source_.loopback({environment_.cpu(), 0, traffic_class,
                    std::span<const std::byte>(local_packet_).first(length)});
}

// ---- The fate of packets ------------------------------------------------------------------------

SentVerdict Transmitter::sent(const SentPacket& packet) {
  const auto operation = load<LinkHeader>(packet.payload).operation();
  const auto verdict =
      packet.status == SendStatus::busy ? busy(packet, operation) : SentVerdict::release;
  if (verdict == SentVerdict::resend) return verdict;
  outbox_.completed(packet.traffic_class, packet.destination);
  switch (packet.status) {
    case SendStatus::ok:
      if (packet.cookie != 0) source_.accepted({packet.cookie}, operation);
      break;
    case SendStatus::busy: break;
    case SendStatus::unreachable: source_.peer_failed(packet.destination); break;
    case SendStatus::refused: throw std::logic_error("the engine refused a send descriptor");
  }
  return verdict;
}

SentVerdict Transmitter::busy(const SentPacket& packet, LinkOperation operation) {
  if (operation == LinkOperation::link) {
    source_.link_not_delivered({packet.cookie});
    return SentVerdict::release;
  }
  if (packet.cookie != 0 && !source_.wanted({packet.cookie})) return SentVerdict::release;
  if (packet.resends < resend_limit) return SentVerdict::resend;
  source_.peer_failed(packet.destination);
  return SentVerdict::release;
}

}  // namespace xybus
