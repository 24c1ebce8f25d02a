#include "firmware/message/message_system.h"

#include "firmware/message/wire.h"

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;

MessageSystem::MessageSystem(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                             unsigned lcbs, unsigned reserve, unsigned epoch,
                             std::function<void(unsigned cpu)> peer_failed)
    : environment_(environment),
      table_(lcbs, epoch, reserve),
      system_(environment, dispatcher, table_),
      transmitter_(environment, dispatcher, port, *this),
      bulk_(environment, dispatcher, port.transfers(), table_, transmitter_, *this),
      requestor_(environment, dispatcher, table_, transmitter_, bulk_),
      server_(environment, dispatcher, table_, transmitter_, bulk_, system_),
      peer_failed_(std::move(peer_failed)) {
  table_.on_low([this](unsigned free) {
    environment_.observe({.kind = KernelEvent::lcbs_low, .error = Error::no_lcb, .bytes = free});
  });
}

// ---- What processes call ------------------------------------------------------------------------

Result<LinkId> MessageSystem::link(Process& requestor, ProcessAddress server,
                                   std::span<const std::byte> request, std::span<std::byte> reply,
                                   std::uint32_t tag) {
  environment_.charge(environment_.costs.link);
  if (server.cpu >= environment_.cpus()) return Error::bounds;
  if ((down_mask_ >> server.cpu & 1U) != 0) return Error::path_down;
  const auto result = requestor_.link(requestor, server, request, reply, tag);
  transmitter_.pump();
  return result;
}

std::optional<Completion> MessageSystem::done(Process& requestor) {
  environment_.charge(environment_.costs.done);
  return requestor_.done(requestor);
}

MessageSystem::Error MessageSystem::breaklink(Process& requestor, LinkId link) {
  environment_.charge(environment_.costs.breaklink);
  const Error error = requestor_.breaklink(requestor, link);
  transmitter_.pump();
  return error;
}

std::optional<Request> MessageSystem::listen(Process& server) {
  environment_.charge(environment_.costs.listen);
  return server_.listen(server);
}

Task<MessageSystem::Error> MessageSystem::readlink(Process& server, LinkId link,
                                                   std::span<std::byte> into,
                                                   std::uint32_t offset) {
  return server_.readlink(server, link, into, offset);
}

Task<MessageSystem::Error> MessageSystem::writelink(Process& server, LinkId link,
                                                    std::span<const std::byte> reply,
                                                    Error error) {
  return server_.writelink(server, link, reply, error);
}

std::optional<LinkId> MessageSystem::cancelled(Process& server) {
  environment_.charge(environment_.costs.done);
  return server_.cancelled(server);
}

// ---- About a process ----------------------------------------------------------------------------

MessageSystem::Error MessageSystem::set_limits(Process& process, LinkLimits limits) {
  const auto good = [](unsigned limit) { return limit >= 1 && limit <= most_links; };
  if (!good(limits.receive) || !good(limits.send)) return Error::bounds;
  Mailbox& mailbox = table_.mailbox(process.pin());
  mailbox.receive.limit = limits.receive;
  mailbox.send.limit = limits.send;
  return Error::none;
}

void MessageSystem::set_queue_order(Process& server, QueueOrder order) {
  table_.mailbox(server.pin()).order = order;
}

void MessageSystem::monitor_cpus(Process& process, std::uint32_t mask) {
  system_.monitor_cpus(process, mask & ((1U << environment_.cpus()) - 1));
}

// ---- Packets that come --------------------------------------------------------------------------

void MessageSystem::received(const ReceivedPacket& packet) {
  if (packet.payload.size() < link_header_bytes) {
    ++stray_packets_;
    return;
  }
  const auto header = load<LinkHeader>(packet.payload);
  if (!take(packet.source, header, packet.payload.subspan(link_header_bytes))) ++stray_packets_;
}

void MessageSystem::stored(WindowName window, std::uint32_t bytes) {
  if (!bulk_.stored(window, bytes)) ++stray_packets_;
}

bool MessageSystem::take(unsigned cpu, const LinkHeader& header, std::span<const std::byte> data) {
  switch (header.operation()) {
    case LinkOperation::link: return server_.on_link(cpu, header, data);
    case LinkOperation::pull: return requestor_.on_pull(cpu, header);
    case LinkOperation::ask: return requestor_.on_ask(cpu, header);
    case LinkOperation::room: return server_.on_room(cpu, header);
    case LinkOperation::again:
      return bulk_.again(cpu, static_cast<WindowName>(header.window()));
    case LinkOperation::reply: return requestor_.on_reply(cpu, header, data);
    case LinkOperation::cancel: return server_.on_cancel(cpu, header);
    default: return false;  // not for the message system
  }
}

// ---- Packets that go ----------------------------------------------------------------------------

OutgoingPacket MessageSystem::compose(Lcb& lcb) {
  return is_requestor_end(lcb.state) ? requestor_.compose(lcb) : server_.compose(lcb);
}

void MessageSystem::posted(Lcb& lcb) {
  if (is_requestor_end(lcb.state)) {
    requestor_.posted(lcb);
  } else {
    server_.posted(lcb);
  }
}

void MessageSystem::accepted(LinkId link, LinkOperation operation) {
  Lcb* lcb = table_.find(link);
  if (lcb == nullptr) return;
  if (is_requestor_end(lcb->state)) {
    requestor_.accepted(*lcb, operation);
  } else {
    server_.accepted(*lcb, operation);
  }
}

void MessageSystem::link_not_delivered(LinkId link) {
  if (Lcb* lcb = table_.find(link)) requestor_.not_delivered(*lcb);
}

// ---- Processes and CPUs that come and go --------------------------------------------------------

void MessageSystem::process_created(Process& process) { table_.mailbox(process.pin()); }

void MessageSystem::process_stopped(Process& process) {
  system_.process_stopped(process.pin());
  for (Lcb& lcb : table_.all()) {
    if (lcb.state == LinkState::free || lcb.pin != process.pin()) continue;
    if (is_requestor_end(lcb.state)) {
      requestor_.process_stopped(lcb);
    } else {
      server_.process_stopped(lcb);
    }
  }
  transmitter_.pump();
}

void MessageSystem::cpu_down(unsigned cpu) {
  down_mask_ |= 1U << cpu;
  transmitter_.forget(cpu);
  for (Lcb& lcb : table_.all()) {
    if (lcb.state == LinkState::free || lcb.peer.cpu != cpu) continue;
    if (is_requestor_end(lcb.state)) {
      requestor_.cpu_down(lcb);
    } else {
      server_.requestor_gone(lcb, Error::cpu_failed);
    }
  }
  system_.cpu_down(cpu);
}

void MessageSystem::cpu_up(unsigned cpu) {
  down_mask_ &= ~(1U << cpu);
  system_.cpu_up(cpu);
}

}  // namespace xybus
