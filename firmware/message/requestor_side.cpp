#include "firmware/message/requestor_side.h"

namespace xybus {

using contract::EventBit;
using contract::LinkHeader;
using contract::LinkOperation;

// ---- What processes call ------------------------------------------------------------------------

Result<LinkId> RequestorSide::link(Process& requestor, ProcessAddress server,
                                   std::span<const std::byte> request, std::span<std::byte> reply,
                                   std::uint32_t tag) {
  if (request.size() > most_message_bytes || reply.size() > most_message_bytes) {
    return Error::bounds;
  }
  Lcb* lcb = table_.allocate(LinkState::queued, requestor.pin());
  if (lcb == nullptr) return Error::no_lcb;
  lcb->since = environment_.hal().now();
  lcb->peer = server;
  lcb->priority = requestor.priority();
  lcb->tag = tag;
  lcb->request_length = static_cast<std::uint32_t>(request.size());
  lcb->reply_room = static_cast<std::uint32_t>(reply.size());
  lcb->outgoing = request;
  lcb->in.into = reply;
  transmitter_.want(*lcb);
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
  if (lcb == nullptr || lcb->pin != requestor.pin() || !may_be_named(lcb->state)) {
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
      if (transmitter_.withdraw_posted(lcb)) {  // the server does not know of it either
        bulk_.drop(lcb);
        table_.release(lcb);
        break;
      }
      // The windows stay open until the server's CPU has the cancel, so that nothing it does before
      // is refused.
      transmitter_.withdraw(lcb);
      bulk_.let_go_of_buffers(lcb);
      lcb.state = LinkState::breaking;
      transmitter_.want(lcb);
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
  return stray(cpu, header);
}

bool RequestorSide::on_ask(unsigned cpu, const LinkHeader& header) {
  if (Lcb* lcb = outstanding(header.requestor_link(), cpu)) return bulk_.asked(*lcb, header);
  return stray(cpu, header);
}

bool RequestorSide::stray(unsigned cpu, const LinkHeader& header) {
  const Lcb* lcb = table_.find({header.requestor_link()});
  const bool cancel_is_coming = lcb != nullptr && lcb->state == LinkState::breaking;
  if (!cancel_is_coming) transmitter_.cancel_stray(cpu, header);
  return false;
}

bool RequestorSide::on_reply(unsigned cpu, const LinkHeader& header,
                             std::span<const std::byte> data) {
  Lcb* lcb = outstanding(header.requestor_link(), cpu);
  if (lcb == nullptr) return false;
  const bool bulk = BulkTransfer::needed(header.length());
  if (header.length() > lcb->reply_room || data.size() != (bulk ? 0 : header.length()) ||
      (bulk && !bulk_.take_reply(*lcb, header.length()))) {
    complete(*lcb, Error::bounds, 0);  // never from a message system like this one
    return false;
  }
  if (!bulk) environment_.copy(data, lcb->in.into);
  complete(*lcb, header.error(), header.length());
  return true;
}

void RequestorSide::complete(Lcb& lcb, Error error, std::uint32_t reply_length) {
  transmitter_.withdraw(lcb);
  lcb.state = LinkState::done;
  lcb.error = error;
  lcb.reply_length = reply_length;
  bulk_.drop(lcb);
  table_.mailbox(lcb.pin).done.push(lcb);
  observe(KernelEvent::link_done, lcb, error, reply_length);
  if (Process* process = dispatcher_.find(lcb.pin)) dispatcher_.awake(*process, EventBit::ldone);
}

// ---- This side's packets ------------------------------------------------------------------------

OutgoingPacket RequestorSide::compose(Lcb& lcb) {
  if (lcb.state == LinkState::breaking) return compose_cancel(lcb);
  return lcb.state == LinkState::queued ? compose_link(lcb) : bulk_.compose_room(lcb);
}

OutgoingPacket RequestorSide::compose_link(Lcb& lcb) {
  LinkHeader header;
  header.set_operation(LinkOperation::link)
      .set_requestor_link(lcb.id.value)
      .set_server_link(lcb.priority)
      .set_requestor_pin(lcb.pin)
      .set_server_pin(lcb.peer.pin)
      .set_length(lcb.request_length)
      .set_room_or_offset(lcb.reply_room)
      .set_tag(lcb.tag);
  bulk_.offer(lcb, header);
  const bool bulk = BulkTransfer::needed(lcb.outgoing.size());
  return {header, bulk ? std::span<const std::byte>{} : lcb.outgoing};
}

OutgoingPacket RequestorSide::compose_cancel(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::cancel)
      .set_requestor_link(lcb.id.value)
      .set_server_link(lcb.peer_link.value)
      .set_requestor_pin(lcb.pin)
      .set_server_pin(lcb.peer.pin);
  return {header, {}};
}

void RequestorSide::posted(Lcb& lcb) {
  if (lcb.state == LinkState::queued) lcb.state = LinkState::outstanding;
}

void RequestorSide::accepted(Lcb& lcb, LinkOperation operation) {
  if (operation != LinkOperation::cancel) return;
  bulk_.drop(lcb);
  table_.release(lcb);
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
      bulk_.drop(lcb);
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
