#include "firmware/message/transmitter.h"

#include <algorithm>
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

// ---- Refusals -----------------------------------------------------------------------------------

void Transmitter::refuse(unsigned cpu, const LinkHeader& link, contract::Error error) {
  LinkHeader reply = link;
  reply.set_operation(LinkOperation::reply).set_error(error).set_length(0).set_reply_room(0);
  refusals_.push_back({cpu, reply});
}

void Transmitter::forget_refusals(unsigned cpu, std::optional<LinkId> link) {
  std::erase_if(refusals_, [&](const Refusal& refusal) {
    return refusal.cpu == cpu && (!link || refusal.reply.requestor_link() == link->value);
  });
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
    if (control && send_remote_refusal()) continue;
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
  const auto buffer = port_.allocate(TrafficClass::control);
  if (!buffer) return false;
  const std::uint32_t length = build({refusal->reply, {}, false}, buffer->bytes);
  outbox_.posted(TrafficClass::control, refusal->cpu);
  port_.post(*buffer, refusal->cpu, length, 0);
  refusals_.erase(refusal);
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
    const std::uint32_t length = build({refusal->reply, {}, false}, local_packet_);
    refusals_.erase(refusal);
    deliver_local(TrafficClass::control, length, {}, LinkOperation::reply);
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
