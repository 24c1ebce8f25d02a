#include "firmware/message/server_side.h"

#include <algorithm>

namespace xybus {

using contract::EventBit;
using contract::LinkHeader;
using contract::LinkOperation;

// ---- What processes call ------------------------------------------------------------------------

Lcb* ServerSide::served(Process& server, LinkId link) {
  Lcb* lcb = table_.find(link);
  if (lcb == nullptr || lcb->pin != server.pin() || !may_be_named(lcb->state)) return nullptr;
  return lcb;
}

std::optional<Request> ServerSide::listen(Process& server) {
  Lcb* lcb = table_.mailbox(server.pin()).requests.pop();
  if (lcb == nullptr) return std::nullopt;
  lcb->state = LinkState::listened;
  observe(KernelEvent::link_listened, *lcb, Error::none, lcb->request_length);
  return Request{lcb->id, lcb->peer, lcb->tag, lcb->request_length, lcb->reply_room, lcb->system};
}

std::optional<LinkId> ServerSide::cancelled(Process& server) {
  const Lcb* lcb = table_.mailbox(server.pin()).cancelled.pop();
  if (lcb == nullptr) return std::nullopt;
  return lcb->id;
}

Task<ServerSide::Error> ServerSide::readlink(Process& server, LinkId link,
                                             std::span<std::byte> into, std::uint32_t offset) {
  environment_.charge(environment_.costs.readlink);
  Lcb* lcb = served(server, link);
  if (lcb == nullptr) co_return Error::not_open;
  if (lcb->state == LinkState::cancelled) co_return Error::nothing_outstanding;
  if (lcb->state != LinkState::listened) co_return Error::invalid_state;
  if (offset > lcb->request_length) co_return Error::bounds;
  const auto wanted = into.first(std::min<std::size_t>(into.size(), lcb->request_length - offset));
  Error error = Error::none;
  if (!BulkTransfer::needed(lcb->request_length)) {
    const std::span<const std::byte> data(lcb->inline_request);
    environment_.copy(data.subspan(offset, wanted.size()), wanted);
  } else if (!wanted.empty()) {
    error = co_await pull(server, *lcb, wanted, offset);
  }
  observe(KernelEvent::link_read, *lcb, error, static_cast<std::uint32_t>(wanted.size()));
  co_return error;
}

/// Waits until the data is here or the link is cancelled. The LCB stays: only the server, which
/// is held here, can end it.
Task<ServerSide::Error> ServerSide::pull(Process& server, Lcb& lcb, std::span<std::byte> into,
                                         std::uint32_t offset) {
  lcb.state = LinkState::reading;
  bulk_.fetch(lcb, into, offset);
  transmitter_.pump();
  while (lcb.state == LinkState::reading) co_await dispatcher_.hold(server, KernelCall::readlink);
  co_return lcb.state == LinkState::cancelled ? Error::nothing_outstanding : Error::none;
}

Task<ServerSide::Error> ServerSide::writelink(Process& server, LinkId link,
                                              std::span<const std::byte> reply, Error error) {
  environment_.charge(environment_.costs.writelink);
  Lcb* lcb = served(server, link);
  if (const Error wrong = check_reply(lcb, reply.size()); wrong != Error::none) co_return wrong;
  if (lcb->state == LinkState::cancelled) co_return drop_reply(*lcb);
  if (lcb->system != SystemCode::none) {  // nobody waits for a reply
    system_.end(*lcb);
    co_return Error::none;
  }
  start_reply(*lcb, reply, error);
  transmitter_.pump();
  // Once the reply has left the LCB can be freed and used again at any time: ask by name.
  for (;;) {
    lcb = table_.find(link);
    if (lcb == nullptr || lcb->state != LinkState::replying) break;
    co_await dispatcher_.hold(server, KernelCall::writelink);
  }
  if (lcb != nullptr && lcb->state == LinkState::cancelled) co_return drop_reply(*lcb);
  co_return Error::none;
}

ServerSide::Error ServerSide::check_reply(const Lcb* lcb, std::size_t bytes) const {
  if (lcb == nullptr) return Error::not_open;
  if (lcb->state == LinkState::cancelled) return Error::none;
  if (lcb->state != LinkState::listened) return Error::invalid_state;
  return bytes > lcb->reply_room ? Error::bounds : Error::none;
}

void ServerSide::start_reply(Lcb& lcb, std::span<const std::byte> reply, Error error) {
  lcb.state = LinkState::replying;
  lcb.outgoing = reply;
  lcb.reply_length = static_cast<std::uint32_t>(reply.size());
  lcb.error = error;
  observe(KernelEvent::link_replied, lcb, error, lcb.reply_length);
  if (BulkTransfer::needed(reply.size())) {
    bulk_.send_reply(lcb);
  } else {
    transmitter_.want(lcb);
  }
}

ServerSide::Error ServerSide::drop_reply(Lcb& lcb) {
  table_.mailbox(lcb.pin).cancelled.remove(lcb);
  release(lcb);
  return Error::nothing_outstanding;
}

// ---- Packets from requestors --------------------------------------------------------------------

bool ServerSide::on_link(unsigned cpu, const LinkHeader& header, std::span<const std::byte> data) {
  const bool bulk = BulkTransfer::needed(header.length());
  Process* server = dispatcher_.find(static_cast<Pin>(header.server_pin()));
  Lcb* lcb = nullptr;
  Error error = Error::none;
  if (data.size() != (bulk ? 0 : header.length()) || header.length() > most_message_bytes ||
      header.room_or_offset() > most_message_bytes) {
    error = Error::bounds;  // never from a message system like this one
  } else if (server == nullptr) {
    error = Error::no_process;
  } else if (!table_.may_serve(cpu) ||
             (lcb = table_.allocate(LinkState::waiting, server->pin())) == nullptr) {
    error = Error::no_lcb;
  }
  if (error == Error::none) {
    queue(cpu, header, data, *lcb, *server);
    return true;
  }
  environment_.observe(
      {.kind = KernelEvent::link_refused,
       .pin = static_cast<Pin>(header.server_pin()),
       .peer = {static_cast<std::uint8_t>(cpu), static_cast<Pin>(header.requestor_pin())},
       .tag = header.tag(),
       .error = error,
       .bytes = header.length()});
  transmitter_.refuse(cpu, header, error);
  return error != Error::bounds;
}

void ServerSide::queue(unsigned cpu, const LinkHeader& header, std::span<const std::byte> data,
                       Lcb& lcb, Process& server) {
  lcb.since = environment_.hal().now();
  lcb.peer = {static_cast<std::uint8_t>(cpu), static_cast<Pin>(header.requestor_pin())};
  lcb.peer_link = {header.requestor_link()};
  table_.index(lcb);
  lcb.priority = static_cast<std::uint8_t>(header.server_link());
  lcb.tag = header.tag();
  lcb.request_length = header.length();
  lcb.reply_room = header.room_or_offset();
  lcb.request_window = static_cast<WindowName>(header.window());
  lcb.out.to = static_cast<WindowName>(header.reply_window());
  environment_.copy(data, lcb.inline_request);
  table_.mailbox(lcb.pin).queue(lcb);
  observe(KernelEvent::link_queued, lcb, Error::none, lcb.request_length);
  dispatcher_.awake(server, EventBit::lreq);
}

bool ServerSide::on_cancel(unsigned cpu, const LinkHeader& header) {
  transmitter_.forget_refusal(cpu, {header.requestor_link()});
  Lcb* lcb = table_.find_served(cpu, {header.requestor_link()});  // it need not name the LCB here
  if (lcb == nullptr) return false;
  requestor_gone(*lcb, Error::nothing_outstanding);
  return true;
}

bool ServerSide::on_room(unsigned cpu, const LinkHeader& header) {
  Lcb* lcb = table_.find({header.server_link()});
  if (lcb == nullptr || lcb->state != LinkState::replying || lcb->peer.cpu != cpu) return false;
  return bulk_.room(*lcb, header);
}

// ---- This side's packets and data ---------------------------------------------------------------

OutgoingPacket ServerSide::compose(const Lcb& lcb) const {
  if (lcb.state == LinkState::reading) return bulk_.compose_pull(lcb);
  const bool ask = lcb.state == LinkState::replying && BulkTransfer::needed(lcb.reply_length);
  return ask ? bulk_.compose_ask(lcb) : compose_reply(lcb);
}

OutgoingPacket ServerSide::compose_reply(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::reply)
      .set_error(lcb.error)
      .set_requestor_link(lcb.peer_link.value)
      .set_server_link(lcb.id.value)
      .set_requestor_pin(lcb.peer.pin)
      .set_server_pin(lcb.pin)
      .set_length(lcb.reply_length);
  const bool bulk = BulkTransfer::needed(lcb.reply_length);
  return {header, bulk ? std::span<const std::byte>{} : lcb.outgoing};
}

void ServerSide::posted(Lcb& lcb) {
  const bool whole = !BulkTransfer::needed(lcb.reply_length);
  if (lcb.state == LinkState::replying && whole) reply_left(lcb);
}

void ServerSide::accepted(Lcb& lcb, LinkOperation operation) {
  if (lcb.state == LinkState::closing && operation == LinkOperation::reply) release(lcb);
}

void ServerSide::request_here(Lcb& lcb) {
  lcb.state = LinkState::listened;
  release_process(lcb);
}

void ServerSide::reply_left(Lcb& lcb) {
  lcb.outgoing = {};
  lcb.state = LinkState::closing;
  release_process(lcb);
}

/// The link is over for the requestor in some way, but if it should not be, this ends it.
void ServerSide::reply_denied(Lcb& lcb) {
  if (lcb.state == LinkState::replying) release_process(lcb);
  reply_error(lcb, Error::path_down);
}

void ServerSide::release(Lcb& lcb) {
  transmitter_.withdraw(lcb);
  bulk_.drop(lcb);
  table_.release(lcb);
}

// ---- Failures -----------------------------------------------------------------------------------

void ServerSide::process_stopped(Lcb& lcb) {
  Mailbox& mailbox = table_.mailbox(lcb.pin);
  if (lcb.system != SystemCode::none) {
    mailbox.requests.remove(lcb);
    system_.end(lcb);
    return;
  }
  switch (lcb.state) {
    case LinkState::waiting:
      mailbox.requests.remove(lcb);
      reply_error(lcb, Error::no_process);
      break;
    case LinkState::listened:
    case LinkState::reading:
    case LinkState::replying: reply_error(lcb, Error::path_down); break;
    case LinkState::cancelled:
      mailbox.cancelled.remove(lcb);
      release(lcb);
      break;
    default: break;  // closing: goes on by itself
  }
}

void ServerSide::reply_error(Lcb& lcb, Error error) {
  transmitter_.withdraw(lcb);
  bulk_.drop(lcb);
  lcb.reply_length = 0;
  lcb.error = error;
  lcb.state = LinkState::closing;
  transmitter_.want(lcb);
}

void ServerSide::requestor_gone(Lcb& lcb, Error why) {
  const LinkState before = lcb.state;
  if (before == LinkState::cancelled) return;
  transmitter_.withdraw(lcb);
  bulk_.drop(lcb);
  if (before != LinkState::closing) observe(KernelEvent::link_cancelled, lcb, why, 0);
  switch (before) {
    case LinkState::waiting:  // the server never knows
      table_.mailbox(lcb.pin).requests.remove(lcb);
      release(lcb);
      break;
    case LinkState::closing:  // the server is through with it
      release(lcb);
      break;
    case LinkState::replying:  // writelink tells the server itself
      lcb.state = LinkState::cancelled;
      release_process(lcb);
      break;
    default:
      tell_cancelled(lcb);
      if (before == LinkState::reading) release_process(lcb);
      break;
  }
}

void ServerSide::tell_cancelled(Lcb& lcb) {
  lcb.state = LinkState::cancelled;
  table_.mailbox(lcb.pin).cancelled.push(lcb);
  if (Process* server = dispatcher_.find(lcb.pin)) dispatcher_.awake(*server, EventBit::lcan);
}

void ServerSide::release_process(const Lcb& lcb) {
  if (Process* server = dispatcher_.find(lcb.pin)) dispatcher_.release(*server);
}

void ServerSide::observe(KernelEvent::Kind kind, const Lcb& lcb, Error error,
                         std::uint32_t bytes) const {
  if (lcb.system != SystemCode::none) return;  // no link between processes
  environment_.observe({.kind = kind, .pin = lcb.pin, .peer = lcb.peer, .link = lcb.id.value,
                        .tag = lcb.tag, .error = error, .bytes = bytes});
}

}  // namespace xybus
