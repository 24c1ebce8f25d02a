#include "firmware/message/bulk_transfer.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;
using contract::SendStatus;

namespace {

// Cycles until the engine is asked again whether it is through with windows that were closed.
constexpr std::uint64_t closing_cycles = 64;

// Bytes copied at a time between processes of this CPU.
constexpr std::uint32_t local_piece = contract::max_payload_bytes;

LinkHeader header_to_requestor(const Lcb& lcb, LinkOperation operation) {
  LinkHeader header;
  header.set_operation(operation)
      .set_requestor_link(lcb.peer_link.value)
      .set_server_link(lcb.id.value)
      .set_requestor_pin(lcb.peer.pin)
      .set_server_pin(lcb.pin);
  return header;
}

}  // namespace

BulkTransfer::BulkTransfer(Environment& environment, Dispatcher& dispatcher,
                           PacketPort& port, std::uint64_t longest_pause, LinkTable& table,
                           Transmitter& transmitter, BulkClient& client)
    : environment_(environment),
      dispatcher_(dispatcher),
      transfers_(port.transfers()),
      repeater_(dispatcher, port, longest_pause, [this] { transmitter_.pump(); }),
      table_(table),
      transmitter_(transmitter),
      client_(client),
      receivers_(environment.cpu()),
      senders_(environment.cpu()) {}

// ---- The requestor's end ------------------------------------------------------------------------

void BulkTransfer::offer(Lcb& lcb, LinkHeader& header) {
  const unsigned server = lcb.peer.cpu;
  if (server == environment_.cpu()) return;
  if (needed(lcb.outgoing.size()) && windows().has_room(WindowUse::early, server)) {
    const auto bytes = std::min<std::size_t>(lcb.outgoing.size(), windows().window_bytes());
    lcb.early_request = windows().allocate(WindowUse::early, server, lcb.id);
    environment_.copy(lcb.outgoing.first(bytes), windows().memory(lcb.early_request));
    windows().post_for_reading(lcb.early_request);
    header.set_window(windows().name(lcb.early_request));
  }
  if (needed(lcb.reply_room) && windows().has_room(WindowUse::early, server)) {
    lcb.in.window = windows().allocate(WindowUse::early, server, lcb.id);
    windows().post_for_writing(lcb.in.window);
    header.set_reply_window(windows().name(lcb.in.window));
  }
}

bool BulkTransfer::pulled(Lcb& lcb, const LinkHeader& pull) {
  const std::uint32_t offset = pull.room_or_offset();
  const std::uint64_t end = std::uint64_t{offset} + pull.length();
  if (pull.length() == 0 || pull.window() == 0 || end > lcb.outgoing.size()) return false;
  lcb.peer_link = {pull.server_link()};
  // The piece before may have arrived while the answers to its last packet were lost.
  give_back(lcb.out.window);
  lcb.out = {};
  lcb.out.next = offset;
  lcb.out.end = offset + std::min(pull.length(), windows().window_bytes());
  lcb.out.to = static_cast<WindowName>(pull.window());
  senders_.push(lcb);
  return true;
}

bool BulkTransfer::asked(Lcb& lcb, const LinkHeader& ask) {
  const std::uint64_t end = std::uint64_t{ask.room_or_offset()} + ask.length();
  if (ask.length() == 0 || end > lcb.reply_room) return false;
  if (!take_reply(lcb, ask.room_or_offset())) return false;
  lcb.peer_link = {ask.server_link()};
  if (lcb.in.window != no_window) {
    transmitter_.want(lcb);  // all that was written into it has been taken out
  } else {
    receivers_.push(lcb);
  }
  return true;
}

bool BulkTransfer::take_reply(Lcb& lcb, std::uint32_t up_to) {
  if (up_to < lcb.in.received || up_to > lcb.in.into.size()) return false;
  const std::uint32_t bytes = up_to - lcb.in.received;
  if (bytes == 0) return true;
  if (lcb.in.window == no_window || bytes > windows().window_bytes()) return false;
  environment_.copy(windows().memory(lcb.in.window).first(bytes),
                    lcb.in.into.subspan(lcb.in.received));
  lcb.in.received = up_to;
  return true;
}

OutgoingPacket BulkTransfer::compose_room(const Lcb& lcb) const {
  LinkHeader header;
  header.set_operation(LinkOperation::room)
      .set_requestor_link(lcb.id.value)
      .set_server_link(lcb.peer_link.value)
      .set_requestor_pin(lcb.pin)
      .set_server_pin(lcb.peer.pin)
      .set_window(windows().name(lcb.in.window));
  return {header, {}};
}

// ---- The server's end: the request --------------------------------------------------------------

void BulkTransfer::fetch(Lcb& lcb, std::span<std::byte> into, std::uint32_t offset) {
  lcb.in = {};
  lcb.in.into = into;
  lcb.in.offset = offset;
  if (lcb.peer.cpu == environment_.cpu()) {
    senders_.push(lcb);
  } else {
    receivers_.push(lcb);
  }
}

/// Into a window that was posted for this.
void BulkTransfer::fetch_piece(Lcb& lcb) {
  const std::uint32_t at = lcb.in.offset + lcb.in.received;
  const auto left = static_cast<std::uint32_t>(lcb.in.into.size()) - lcb.in.received;
  if (read_early(lcb, at, left)) return;
  lcb.in.remote_read = false;
  lcb.in.skip = 0;
  lcb.in.wanted = std::min(left, windows().window_bytes());
  transmitter_.want(lcb);
}

/// From a line on: the bytes in front of those that are wanted come with them.
bool BulkTransfer::read_early(Lcb& lcb, std::uint32_t at, std::uint32_t left) {
  const std::uint32_t bytes = windows().window_bytes();
  if (lcb.request_window == 0 || at >= bytes) return false;
  lcb.in.remote_read = true;
  lcb.in.skip = at % contract::line_bytes;
  lcb.in.wanted = std::min({left, bytes - at, bytes - lcb.in.skip});
  transfers_.read(lcb.in.window, lcb.request_window, at / contract::line_bytes,
                  lcb.in.skip + lcb.in.wanted);
  return true;
}

/// By another window than the piece before: what of that comes again is refused.
void BulkTransfer::next_piece(Lcb& lcb) {
  transmitter_.withdraw(lcb);  // a PULL that was answered before it was sent
  give_back(lcb.in.window);
  lcb.in.remote_read = false;
  receivers_.push(lcb);
}

/// The reading may go on over there, or begin once more.
void BulkTransfer::pull_instead(Lcb& lcb) {
  lcb.request_window = 0;
  next_piece(lcb);
}

OutgoingPacket BulkTransfer::compose_pull(const Lcb& lcb) const {
  LinkHeader header = header_to_requestor(lcb, LinkOperation::pull);
  header.set_length(lcb.in.wanted)
      .set_room_or_offset(lcb.in.offset + lcb.in.received)
      .set_window(windows().name(lcb.in.window));
  return {header, {}};
}

bool BulkTransfer::stored(WindowName window, std::uint32_t bytes) {
  const WindowNumber number = windows().find(window);
  if (number == no_window) return false;
  Lcb* lcb = table_.find(windows().owner(number));
  if (lcb == nullptr || lcb->state != LinkState::reading || lcb->in.window != number) return false;
  BulkIn& in = lcb->in;
  if (bytes <= in.skip || bytes - in.skip > in.wanted) return false;
  const std::uint32_t came = bytes - in.skip;
  environment_.copy(windows().memory(number).subspan(in.skip, came),
                    in.into.subspan(in.received));
  in.received += came;
  if (in.received < in.into.size()) {
    next_piece(*lcb);
    return true;
  }
  transmitter_.withdraw(*lcb);
  give_back(in.window);
  in = {};
  client_.request_here(*lcb);
  return true;
}

bool BulkTransfer::again(unsigned cpu, WindowName window) {
  const WindowNumber number = windows().find(window);
  if (number == no_window || windows().peer(number) != cpu) return false;
  Lcb* lcb = table_.find(windows().owner(number));
  if (lcb == nullptr || lcb->in.window != number || !lcb->in.remote_read) return false;
  if (lcb->state == LinkState::reading) pull_instead(*lcb);
  return true;
}

// ---- The server's end: the reply ----------------------------------------------------------------

void BulkTransfer::send_reply(Lcb& lcb) {
  lcb.out.next = 0;
  lcb.out.end = static_cast<std::uint32_t>(lcb.outgoing.size());
  if (lcb.peer.cpu == environment_.cpu() || lcb.out.to != 0) {
    senders_.push(lcb);
  } else {
    transmitter_.want(lcb);
  }
}

OutgoingPacket BulkTransfer::compose_ask(const Lcb& lcb) const {
  LinkHeader header = header_to_requestor(lcb, LinkOperation::ask);
  header.set_length(lcb.out.end - lcb.out.next).set_room_or_offset(lcb.out.next);
  return {header, {}};
}

bool BulkTransfer::room(Lcb& lcb, const LinkHeader& header) {
  if (header.window() == 0 || lcb.out.window != no_window) return false;
  if (lcb.out.next == lcb.out.end) return false;  // nothing was asked for
  transmitter_.withdraw(lcb);  // an ASK that was answered before it was sent
  lcb.out.to = static_cast<WindowName>(header.window());
  senders_.push(lcb);
  return true;
}

// ---- Both ends ----------------------------------------------------------------------------------

void BulkTransfer::give_back(WindowNumber& number) {
  if (number == no_window) return;
  repeater_.withdraw(number);
  windows().release(number);
  number = no_window;
}

void BulkTransfer::let_go_of_buffers(Lcb& lcb) {
  receivers_.withdraw(lcb);
  senders_.withdraw(lcb);
  lcb.outgoing = {};
  lcb.in.into = {};
}

void BulkTransfer::drop(Lcb& lcb) {
  let_go_of_buffers(lcb);
  give_back(lcb.early_request);
  give_back(lcb.in.window);
  give_back(lcb.out.window);
  lcb.in = {};
  lcb.out = {};
  lcb.request_window = 0;
}

void BulkTransfer::pump() {
  const auto may_send = [this](unsigned cpu) {
    return !repeater_.held(cpu) && windows().has_room(WindowUse::send, cpu);
  };
  while (Lcb* lcb = senders_.next_remote(may_send)) {
    senders_.withdraw(*lcb);
    send_piece(*lcb);
  }
  const auto may_receive = [this](unsigned cpu) {
    return windows().has_room(WindowUse::receive, cpu);
  };
  while (Lcb* lcb = receivers_.next_remote(may_receive)) {
    receivers_.withdraw(*lcb);
    give_room(*lcb);
  }
  if (receivers_.any_remote() && windows().closing(WindowUse::receive)) pump_later();
}

void BulkTransfer::pump_later() {
  if (pump_timer_) return;
  pump_timer_ = true;
  dispatcher_.after(closing_cycles, [this] {
    pump_timer_ = false;
    transmitter_.pump();
  });
}

void BulkTransfer::give_room(Lcb& lcb) {
  lcb.in.window = windows().allocate(WindowUse::receive, lcb.peer.cpu, lcb.id);
  windows().post_for_writing(lcb.in.window);
  if (is_requestor_end(lcb.state)) {
    transmitter_.want(lcb);  // ROOM
  } else {
    fetch_piece(lcb);
  }
}

/// A requestor tells the server, which waits, that its piece is there; a server's reply follows
/// what it writes, and tells the requestor itself.
void BulkTransfer::send_piece(Lcb& lcb) {
  BulkOut& out = lcb.out;
  const std::uint32_t bytes = std::min(out.end - out.next, windows().window_bytes());
  out.window = windows().allocate(WindowUse::send, lcb.peer.cpu, lcb.id);
  environment_.copy(lcb.outgoing.subspan(out.next, bytes), windows().memory(out.window));
  out.next += bytes;
  transfers_.write(out.window, out.to, bytes, is_requestor_end(lcb.state));
  if (is_server_end(lcb.state) && out.next == out.end) client_.reply_left(lcb);
}

// ---- The fate of transfers ----------------------------------------------------------------------

void BulkTransfer::sent(WindowNumber number, SendStatus status) {
  const unsigned cpu = windows().peer(number);
  Lcb* lcb = table_.find(windows().owner(number));
  if (status == SendStatus::ok || status == SendStatus::denied) {
    repeater_.reached(cpu);
  } else {
    repeater_.failed(number, status, lcb != nullptr && status != SendStatus::refused);
  }
  if (lcb == nullptr) return;  // its link ended meanwhile; that it was refused is no wonder then
  if (status == SendStatus::refused) {
    throw std::logic_error("the engine refused a transfer's descriptor");
  }
  if (lcb->out.window == number) {
    write_sent(*lcb, status);
  } else if (lcb->in.window == number && lcb->in.remote_read) {
    read_sent(*lcb, status);
  }
}

void BulkTransfer::write_sent(Lcb& lcb, SendStatus status) {
  if (status != SendStatus::ok && status != SendStatus::denied) return;  // it is repeated
  give_back(lcb.out.window);
  if (is_requestor_end(lcb.state)) return;  // who denied it wants it no more
  if (status == SendStatus::denied) {
    client_.reply_denied(lcb);
  } else if (lcb.out.next == lcb.out.end) {
    client_.reply_arrived(lcb);
  } else {
    transmitter_.want(lcb);  // ASK
  }
}

void BulkTransfer::read_sent(Lcb& lcb, SendStatus status) {
  if (status == SendStatus::denied) pull_instead(lcb);
}

/// The reader itself has closed the window if it denied; if it could not be reached or was busy, it
/// is to pull, so that what goes to it is repeated as all data is.
void BulkTransfer::read_failed(unsigned reader, WindowName window, SendStatus status) {
  if (status != SendStatus::denied) transmitter_.tell_again(reader, window);
}

// ---- On this CPU --------------------------------------------------------------------------------

bool BulkTransfer::move_local() {
  Lcb* lcb = senders_.next_local();
  if (lcb == nullptr) return false;
  Lcb* requestor = table_.find(lcb->peer_link);
  if (requestor == nullptr || requestor->state != LinkState::outstanding) {
    senders_.withdraw(*lcb);  // broken: its cancel is coming
  } else if (lcb->state == LinkState::reading) {
    copy_request(*lcb, *requestor);
  } else {
    copy_reply(*lcb, *requestor);
  }
  return true;
}

void BulkTransfer::copy_request(Lcb& lcb, const Lcb& requestor) {
  BulkIn& in = lcb.in;
  const auto bytes = std::min<std::size_t>(in.into.size() - in.received, local_piece);
  environment_.copy(requestor.outgoing.subspan(in.offset + in.received, bytes),
                    in.into.subspan(in.received));
  in.received += static_cast<std::uint32_t>(bytes);
  if (in.received < in.into.size()) return;
  senders_.withdraw(lcb);
  in = {};
  client_.request_here(lcb);
}

void BulkTransfer::copy_reply(Lcb& lcb, Lcb& requestor) {
  const std::uint32_t bytes = std::min(lcb.out.end - lcb.out.next, local_piece);
  environment_.copy(lcb.outgoing.subspan(lcb.out.next, bytes),
                    requestor.in.into.subspan(lcb.out.next));
  lcb.out.next += bytes;
  requestor.in.received = lcb.out.next;
  if (lcb.out.next < lcb.out.end) return;
  senders_.withdraw(lcb);
  client_.reply_left(lcb);
  client_.reply_arrived(lcb);
}

}  // namespace xybus
