#include "firmware/message/message_system.h"

#include <algorithm>

#include "firmware/message/wire.h"

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;

namespace {

// Refusals that may wait for one CPU, however few LCBs this one has: others may have more.
constexpr std::size_t least_refusals = 1024;

}  // namespace

MessageSystem::MessageSystem(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                             unsigned lcbs, unsigned reserve, unsigned epoch,
                             std::uint64_t longest_pause, std::uint64_t cpu_down_expiry)
    : environment_(environment),
      table_(lcbs, epoch, reserve),
      system_(environment, dispatcher, table_, cpu_down_expiry),
      transmitter_(environment, dispatcher, port, longest_pause,
                   std::max<std::size_t>(least_refusals, table_.size()), *this),
      bulk_(environment, dispatcher, port, longest_pause, table_, transmitter_, *this),
      requestor_(environment, dispatcher, table_, transmitter_, bulk_),
      server_(environment, dispatcher, table_, transmitter_, bulk_, system_),
      epoch_(epoch),
      sources_(environment.cpus()),
      down_mask_(~(1U << environment.cpu())) {
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
  const std::uint32_t closed =
      requestor.pin() < Dispatcher::first_pin ? down_mask_ : down_mask_ | loading_mask_;
  if ((closed >> server.cpu & 1U) != 0) return Error::path_down;
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

// ---- For an operator ----------------------------------------------------------------------------

std::vector<LinkStatus> MessageSystem::links() const {
  std::vector<LinkStatus> links;
  for (const Lcb& lcb : table_.all()) {
    if (lcb.state == LinkState::free) continue;
    links.push_back({.id = lcb.id,
                     .state = lcb.state,
                     .pin = lcb.pin,
                     .peer = lcb.peer,
                     .peer_link = lcb.peer_link,
                     .system = lcb.system,
                     .tag = lcb.tag,
                     .request_bytes = lcb.request_length,
                     .reply_room = lcb.reply_room,
                     .since = lcb.since});
  }
  return links;
}

// ---- Packets that come --------------------------------------------------------------------------

void MessageSystem::received(const ReceivedPacket& packet) {
  if (packet.payload.size() < link_header_bytes || packet.source >= sources_.size()) {
    ++stray_packets_;
    return;
  }
  const LinkHeader header{{load_word(packet.payload)}};  // the first word has what is needed
  if (header.to_epoch() != epoch_) {
    ++late_packets_;
    return;
  }
  begin(packet.source, packet.epoch);
  ReceiveSequence& sequence = sources_[packet.source].sequence;
  const auto number = static_cast<std::uint8_t>(header.sequence_number());
  switch (sequence.place(number)) {
    case ReceiveSequence::Place::next:
      sequence.advance();
      deliver(packet.source, packet.payload);
      deliver_kept(packet.source);
      break;
    case ReceiveSequence::Place::ahead:
      if (!sequence.keep(number, packet.payload)) ++duplicate_packets_;
      break;
    case ReceiveSequence::Place::beyond:
      pass_gaps(packet.source, number);
      sequence.keep(number, packet.payload);
      deliver_kept(packet.source);
      break;
    case ReceiveSequence::Place::seen: ++duplicate_packets_; break;
    case ReceiveSequence::Place::astray: ++stray_packets_; break;
  }
}

/// What is missing so far behind will not come any more: it is lost, and nothing else with it.
void MessageSystem::pass_gaps(unsigned cpu, std::uint8_t number) {
  ReceiveSequence& sequence = sources_[cpu].sequence;
  while (sequence.place(number) == ReceiveSequence::Place::beyond) {
    const auto payload = sequence.take_kept();
    if (!payload.empty()) {
      deliver(cpu, payload);
    } else {
      sequence.advance();
      ++lost_packets_;
    }
  }
}

void MessageSystem::deliver_kept(unsigned cpu) {
  ReceiveSequence& sequence = sources_[cpu].sequence;
  while (sequence.any_kept()) {
    const auto payload = sequence.take_kept();
    if (payload.empty()) return;
    deliver(cpu, payload);
  }
}

void MessageSystem::deliver(unsigned cpu, std::span<const std::byte> payload) {
  const auto header = load<LinkHeader>(payload);
  if (!take(cpu, header, payload.subspan(link_header_bytes))) ++stray_packets_;
}

/// Numbers begin anew with each incarnation.
void MessageSystem::begin(unsigned cpu, unsigned epoch) {
  Source& source = sources_[cpu];
  if (source.epoch == epoch) return;
  source.sequence.clear();
  source.epoch = epoch;
  transmitter_.begin(cpu, epoch);
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
    case LinkOperation::skipped: return true;
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

bool MessageSystem::link_wanted(LinkId link) {
  const Lcb* lcb = table_.find(link);
  return lcb != nullptr && lcb->state == LinkState::outstanding;
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
  loading_mask_ &= ~(1U << cpu);
  sources_[cpu].sequence.clear();
  sources_[cpu].epoch.reset();
  transmitter_.forget(cpu);
  bulk_.forget(cpu);
  for (Lcb& lcb : table_.all()) {
    if (lcb.state == LinkState::free || lcb.peer.cpu != cpu) continue;
    if (is_requestor_end(lcb.state)) {
      requestor_.cpu_down(lcb);
    } else {
      server_.requestor_gone(lcb, Error::cpu_failed);
    }
  }
  if ((announced_ >> cpu & 1U) != 0) system_.cpu_down(cpu);
  announced_ &= ~(1U << cpu);
}

void MessageSystem::open(unsigned cpu, unsigned epoch) {
  begin(cpu, epoch);
  down_mask_ &= ~(1U << cpu);
  loading_mask_ |= 1U << cpu;
}

void MessageSystem::cpu_up(unsigned cpu, unsigned epoch) {
  open(cpu, epoch);
  loading_mask_ &= ~(1U << cpu);
  announced_ |= 1U << cpu;
  system_.cpu_up(cpu);
}

}  // namespace xybus
