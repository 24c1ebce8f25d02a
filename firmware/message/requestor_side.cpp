#include "firmware/message/requestor_side.h"

#include <limits>

namespace xybus {

using contract::EventBit;
using contract::LinkHeader;
using contract::LinkOperation;
using contract::TrafficClass;

namespace {
constexpr std::size_t max_message_bytes = std::numeric_limits<std::int32_t>::max();
}

// ---- What processes call ------------------------------------------------------------------------

Result<LinkId> RequestorSide::link(Process& requestor, ProcessAddress server,
                                   std::span<const std::byte> request, std::span<std::byte> reply,
                                   std::uint32_t tag) {
  if (request.size() > max_message_bytes || reply.size() > max_message_bytes) return Error::bounds;
  Lcb* lcb = table_.allocate();
  if (lcb == nullptr) return Error::no_lcb;
  lcb->state = LinkState::queued;
  lcb->pin = requestor.pin();
  lcb->peer = server;
  lcb->tag = tag;
  lcb->request_length = static_cast<std::uint32_t>(request.size());
  lcb->reply_room = static_cast<std::uint32_t>(reply.size());
  lcb->outgoing = request;
  bulk_.expect(*lcb, reply, 0);
  transmitter_.want(TrafficClass::control, *lcb);
  observe(KernelEvent::link_sent, *lcb, Error::none, lcb->request_length);
  return lcb->id;
}

std::optional<Completion> RequestorSide::done(Process& requestor) {
  const Lcb* lcb = table_.mailbox(requestor.pin()).done.pop();
  if (lcb == nullptr) return std::nullopt;
  return Completion{lcb->id, lcb->error, lcb->reply_length};
}

RequestorSide::Error RequestorSide::breaklink(Process& requestor, LinkId link) {
  Lcb* lcb = table_.find(link);
  if (lcb == nullptr || lcb->pin != requestor.pin() || lcb->state == LinkState::breaking) {
    return Error::not_open;
  }
  if (!is_requestor_end(lcb->state)) return Error::invalid_state;
  observe(KernelEvent::link_broken, *lcb, Error::none, 0);
  break_off(*lcb);
  return Error::none;
}

void RequestorSide::break_off(Lcb& lcb) {
  switch (lcb.state) {
    case LinkState::queued:  // the server does not know of it, and never will
      transmitter_.withdraw(lcb);
      table_.release(lcb);
      break;
    case LinkState::outstanding:
      transmitter_.withdraw(lcb);
      lcb.outgoing = {};
      lcb.in = {};
      lcb.state = LinkState::breaking;
      transmitter_.want(TrafficClass::control, lcb);
      break;
    case LinkState::done:
      table_.mailbox(lcb.pin).done.remove(lcb);
      table_.release(lcb);
      break;
    default: break;  // breaking: goes on by itself
  }
}

// ---- Packets from servers -----------------------------------------------------------------------

Lcb* RequestorSide::outstanding(std::uint32_t link, unsigned cpu) {
  Lcb* lcb = table_.find({link});
  if (lcb == nullptr || lcb->state != LinkState::outstanding) return nullptr;
  return lcb->peer.cpu == cpu ? lcb : nullptr;
}

bool RequestorSide::on_pull(unsigned cpu, const LinkHeader& header) {
  if (Lcb* lcb = outstanding(header.requestor_link(), cpu)) return bulk_.pulled(*lcb, header);
  const Lcb* lcb = table_.find({header.requestor_link()});
  const bool cancel_is_coming = lcb != nullptr && lcb->state == LinkState::breaking;
  if (!cancel_is_coming) transmitter_.cancel_stray(cpu, header);
  return false;
}

bool RequestorSide::on_data(unsigned cpu, const LinkHeader& header,
                            std::span<const std::byte> data) {
  Lcb* lcb = outstanding(header.requestor_link(), cpu);
  if (lcb == nullptr || !bulk_.received(*lcb, header, data)) return false;
  complete_if_all_here(*lcb);
  return true;
}

bool RequestorSide::on_reply(unsigned cpu, const LinkHeader& header,
                             std::span<const std::byte> data) {
  Lcb* lcb = outstanding(header.requestor_link(), cpu);
  if (lcb == nullptr) return false;
  const bool bulk = BulkTransfer::needed(header.length());
  if (header.length() > lcb->reply_room || data.size() != (bulk ? 0 : header.length())) {
    complete(*lcb, Error::bounds, 0);  // never from a message system like this one
    return false;
  }
  lcb->reply_seen = true;
  lcb->error = header.error();
  lcb->reply_length = header.length();
  if (!bulk) {
    environment_.copy(data, lcb->in.into);
    lcb->in.received = header.length();
  }
  complete_if_all_here(*lcb);
  return true;
}

void RequestorSide::complete_if_all_here(Lcb& lcb) {
  if (lcb.reply_seen && lcb.in.received >= lcb.reply_length) {
    complete(lcb, lcb.error, lcb.reply_length);
  }
}

void RequestorSide::complete(Lcb& lcb, Error error, std::uint32_t reply_length) {
  transmitter_.withdraw(lcb);
  lcb.state = LinkState::done;
  lcb.error = error;
  lcb.reply_length = reply_length;
  lcb.outgoing = {};
  lcb.in = {};
  table_.mailbox(lcb.pin).done.push(lcb);
  observe(KernelEvent::link_done, lcb, error, reply_length);
  if (Process* process = dispatcher_.find(lcb.pin)) dispatcher_.awake(*process, EventBit::ldone);
}

// ---- This side's packets ------------------------------------------------------------------------

OutgoingPacket RequestorSide::compose(const Lcb& lcb, TrafficClass traffic_class) const {
  if (traffic_class == TrafficClass::data) return bulk_.compose_data(lcb);
  return lcb.state == LinkState::breaking ? compose_cancel(lcb) : compose_link(lcb);
}

OutgoingPacket RequestorSide::compose_link(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::link)
      .set_requestor_link(lcb.id.value)
      .set_requestor_pin(lcb.pin)
      .set_server_pin(lcb.peer.pin)
      .set_length(lcb.request_length)
      .set_reply_room(lcb.reply_room)
      .set_tag(lcb.tag);
  const bool bulk = BulkTransfer::needed(lcb.outgoing.size());
  return {header, bulk ? std::span<const std::byte>{} : lcb.outgoing, false};
}

OutgoingPacket RequestorSide::compose_cancel(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::cancel)
      .set_requestor_link(lcb.id.value)
      .set_server_link(lcb.peer_link.value)
      .set_requestor_pin(lcb.pin)
      .set_server_pin(lcb.peer.pin);
  return {header, {}, false};
}

void RequestorSide::posted(Lcb& lcb, TrafficClass traffic_class) {
  if (traffic_class == TrafficClass::data) {
    bulk_.data_posted(lcb);
  } else if (lcb.state == LinkState::queued) {
    lcb.state = LinkState::outstanding;
  }
}

void RequestorSide::accepted(Lcb& lcb, LinkOperation operation) {
  if (operation == LinkOperation::data) bulk_.data_accepted(lcb);
  if (operation == LinkOperation::cancel) table_.release(lcb);
}

void RequestorSide::not_delivered(Lcb& lcb) {
  if (lcb.state == LinkState::outstanding) complete(lcb, Error::timeout, 0);
}

// ---- Failures -----------------------------------------------------------------------------------

void RequestorSide::process_stopped(Lcb& lcb) { break_off(lcb); }

void RequestorSide::cpu_down(Lcb& lcb) {
  switch (lcb.state) {
    case LinkState::queued: complete(lcb, Error::path_down, 0); break;
    case LinkState::outstanding: complete(lcb, Error::cpu_failed, 0); break;
    case LinkState::breaking:  // nobody to tell any more
      transmitter_.withdraw(lcb);
      table_.release(lcb);
      break;
    default: break;
  }
}

void RequestorSide::observe(KernelEvent::Kind kind, const Lcb& lcb, Error error,
                            std::uint32_t bytes) const {
  environment_.observe({.kind = kind, .pin = lcb.pin, .peer = lcb.peer, .link = lcb.id.value,
                        .tag = lcb.tag, .error = error, .bytes = bytes});
}

}  // namespace xybus
