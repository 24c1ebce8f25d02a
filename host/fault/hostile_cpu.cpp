#include "fault/hostile_cpu.h"

#include <algorithm>

#include "fault/open_packet.h"
#include "firmware/message/packet_port.h"
#include "firmware/message/wire.h"

namespace xybus {

using contract::BusId;
using contract::EventType;
using contract::LinkOperation;
using contract::PacketKind;
using contract::Register;

namespace {

// Node RAM: rings, slots, buffers, and windows for those who write where they were told to.
constexpr std::uint32_t event_entries = 128;
constexpr std::uint32_t descriptors = 32;
constexpr std::uint32_t receive_slots = 16;
constexpr std::uint32_t buffers = 128;
constexpr std::uint32_t event_address = 0;
constexpr std::uint32_t control_address = event_address + event_entries * contract::line_bytes;
constexpr std::uint32_t data_address = control_address + descriptors * contract::line_bytes;
constexpr std::uint32_t slot_address = data_address + descriptors * contract::line_bytes;
constexpr std::uint32_t slots_bytes = receive_slots * contract::slot_bytes;
constexpr std::uint32_t buffer_address = slot_address + 2 * slots_bytes;
constexpr std::uint32_t window_address = buffer_address + buffers * contract::max_payload_bytes;
constexpr std::uint32_t window_bytes = 4096;

// Mean cycles between two of its packets: with what follows from each, it has the buses for itself
// whenever nobody else wants them.
constexpr unsigned mean_pause = 150;
constexpr unsigned longest_rudeness = 20'000;

constexpr std::array<Register, 2> slot_head = {Register::receive_x_head, Register::receive_y_head};

constexpr std::array link_operations = {
    LinkOperation::link, LinkOperation::link,   LinkOperation::pull,  LinkOperation::ask,
    LinkOperation::room, LinkOperation::again,  LinkOperation::reply, LinkOperation::cancel,
    LinkOperation::skipped};
constexpr std::array membership_operations = {LinkOperation::alive, LinkOperation::regroup,
                                              LinkOperation::regroup, LinkOperation::poison,
                                              LinkOperation::join};

}  // namespace

HostileCpu::HostileCpu(hal::Hal& hal, const HostileConfig& config, RandomStream random)
    : hal_(hal),
      config_(config),
      random_(random),
      control_{Register::control_ring_tail, Register::control_ring_head, control_address},
      data_{Register::data_ring_tail, Register::data_ring_head, data_address} {}

void HostileCpu::run() {
  start();
  for (;;) {
    if (hal_.now() >= rude_until_) take_events();
    if (config_.inside && config_.alive_interval != 0 && hal_.now() >= next_alive_) send_alives();
    change_settings();
    if (!changing_) send_anything();
    if (once_in(600)) rude_until_ = hal_.now() + below(longest_rudeness);
    const std::uint64_t until = hal_.now() + below(2 * mean_pause);
    while (hal_.now() < until) {
      hal_.idle(until);
      if (!hal_.interrupt()) continue;
      if (hal_.now() < rude_until_) {
        hal_.consume(mean_pause);
      } else {
        take_events();
      }
    }
  }
}

// ---- The engine ---------------------------------------------------------------------------------

void HostileCpu::start() {
  hal_.write(Register::control, 0);
  events_.start(hal_, hal_.ram().subspan(event_address, event_entries * contract::line_bytes),
                event_address);
  hal_.write(Register::control_ring_base, control_address);
  hal_.write(Register::control_ring_size, descriptors);
  hal_.write(Register::data_ring_base, data_address);
  hal_.write(Register::data_ring_size, descriptors);
  hal_.write(Register::receive_x_base, slot_address);
  hal_.write(Register::receive_x_slots, receive_slots);
  hal_.write(Register::receive_y_base, slot_address + slots_bytes);
  hal_.write(Register::receive_y_slots, receive_slots);
  hal_.write(Register::busy_limit, PacketPort::busy_limit);
  set_control();
  post_windows();
  for (Peer& peer : peers_) peer.number = static_cast<std::uint8_t>(word());
  const std::uint32_t all = (1U << config_.cpus) - 1;
  alive_.set_operation(LinkOperation::alive).set_view_number(1).set_view(all).set_heard(all);
}

/// Another incarnation than the one in the view, unless it is to stay there.
void HostileCpu::set_control() {
  const unsigned epoch = config_.inside ? config_.epoch : (config_.epoch + 1 + below(15)) % 16;
  contract::ControlRegister control;
  control.set_enable(1).set_interrupt_enable(1).set_epoch(epoch);
  hal_.write(Register::control, control.value);
}

/// With nothing on its way: else the engine would send one packet under two incarnations, and
/// nobody could say which window a descriptor has met.
void HostileCpu::change_settings() {
  changing_ = changing_ || once_in(300);
  if (!changing_ || pending_ != 0) return;
  changing_ = false;
  post_windows();
  if (once_in(5)) set_control();
}

void HostileCpu::post_windows() {
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned number = below(contract::windows);
    hal_.write(contract::element(Register::window_base, number), window_address);
    hal_.write(contract::element(Register::window_length, number), window_bytes);
    contract::WindowControlRegister control;
    control.set_read(below(2)).set_write(below(2)).set_peer(draw_peer());
    control.set_generation(below(256));
    hal_.write(contract::element(Register::window_control, number), control.value);
  }
}

void HostileCpu::take_events() {
  std::array<bool, 2> any{};
  while (const auto event = events_.take()) {
    if (event->event_type() == EventType::sent) --pending_;
    if (event->event_type() != EventType::received) continue;
    const auto bus = static_cast<unsigned>(event->bus());
    const contract::PacketHeader header{{event->header_0(), event->header_1()}};
    const std::uint32_t slot = event->cookie() % receive_slots;
    learn(header.source(), slot_address + bus * slots_bytes + slot * contract::slot_bytes);
    ++slots_taken_[bus];
    any[bus] = true;
  }
  for (unsigned bus = 0; bus < any.size(); ++bus) {
    if (any[bus]) hal_.write(slot_head[bus], slots_taken_[bus] & 0xffffU);
  }
  events_.give_back(hal_);
}

/// Names of links and windows, and how an I'm-alive looks by now.
void HostileCpu::learn(unsigned from, std::uint32_t address) {
  const auto payload = hal_.ram().subspan(address, contract::slot_bytes);
  const auto header = load<contract::LinkHeader>(payload);
  if (!is_membership(header.operation())) {
    peers_[from].seen = header;
  } else if (header.operation() == LinkOperation::alive && from != config_.cpu) {
    alive_ = load<contract::MembershipPacket>(payload);
    alive_.set_heard(alive_.view());
  }
}

/// Under a cookie of its own, by which the reference tells descriptors apart; the upper half stays.
bool HostileCpu::post(Ring& ring, contract::SendDescriptor descriptor) {
  const std::uint32_t fetched = hal_.read(ring.head) & 0xffffU;
  if (((ring.posted - fetched) & 0xffffU) >= descriptors) return false;
  descriptor.set_cookie((descriptor.cookie() & 0xffff'0000U) | (++cookie_ & 0xffffU));
  const std::uint32_t slot = ring.posted % descriptors;
  store(descriptor, hal_.ram().subspan(ring.address + slot * contract::line_bytes,
                                       contract::line_bytes));
  hal_.write(ring.tail, ++ring.posted & 0xffffU);
  ++pending_;
  return true;
}

std::uint32_t HostileCpu::next_buffer() {
  buffer_ = (buffer_ + 1) % buffers;
  return buffer_address + buffer_ * contract::max_payload_bytes;
}

// ---- What it sends ------------------------------------------------------------------------------

/// What keeps it in the view: on both buses, to all and to itself.
void HostileCpu::send_alives() {
  next_alive_ = hal_.now() + config_.alive_interval / 2;
  for (const auto route : {contract::Route::x, contract::Route::y}) {
    const std::uint32_t address = next_buffer();
    store(alive_, hal_.ram().subspan(address, contract::max_payload_bytes));
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(alive_.view())
        .set_kind(PacketKind::message)
        .set_route(route)
        .set_length(sizeof(alive_.words))
        .set_address(address);
    post(control_, descriptor);
  }
}

void HostileCpu::send_anything() {
  const unsigned dice = below(100);
  if (dice < 60) return send_link_packet();
  if (dice < 75) return config_.inside ? send_link_packet() : send_membership();
  if (dice < 90) return send_transfer();
  if (dice < 96) return send_noise();
  send_nonsense();
}

unsigned HostileCpu::draw_peer() {
  const unsigned other = below(config_.cpus - 1);
  return other < config_.cpu ? other : other + 1;
}

std::uint32_t HostileCpu::draw_destinations(unsigned peer) {
  if (!once_in(10)) return 1U << peer;
  return (1U << peer) | (word() & ((1U << config_.cpus) - 1));
}

/// One it has seen, or one that may well exist: a low place of the table in an early use.
std::uint32_t HostileCpu::draw_link(std::uint32_t seen) {
  if (once_in(2)) return seen;
  if (once_in(8)) return word();
  const std::uint32_t place = below(256);
  const std::uint32_t use = 1 + below(12);
  return place | use << 16;
}

std::uint32_t HostileCpu::draw_length() {
  switch (below(6)) {
    case 0: return word();
    case 1: return 0;
    case 2: return below(1 << 20);
    default: return below(contract::inline_bytes + 1);
  }
}

std::uint32_t HostileCpu::draw_window() {
  if (once_in(8)) return word() & 0xffffU;
  const std::uint32_t place = below(contract::windows);
  const std::uint32_t use = 1 + below(40);
  return place | use << 8;
}

contract::LinkHeader HostileCpu::draw_header(unsigned to) {
  Peer& peer = peers_[to];
  if (once_in(50)) peer.number = static_cast<std::uint8_t>(word());
  const contract::LinkHeader& seen = peer.seen;
  contract::LinkHeader header;
  header.set_operation(once_in(40) ? static_cast<LinkOperation>(below(256))
                                   : link_operations[below(link_operations.size())]);
  if (is_membership(header.operation())) header.set_operation(LinkOperation::link);
  header.set_sequence_number(peer.number++)
      .set_to_epoch(once_in(20) ? below(16) : 0)
      .set_error(static_cast<contract::Error>(1 + below(0xfff)))
      .set_requestor_link(draw_link(seen.requestor_link()))
      .set_server_link(draw_link(seen.server_link()))
      .set_requestor_pin(once_in(4) ? word() & 0xffffU : below(16))
      .set_server_pin(once_in(8) ? word() & 0xffffU : below(16))
      .set_length(draw_length())
      .set_room_or_offset(draw_length())
      .set_window(once_in(2) ? seen.window() : draw_window())
      .set_reply_window(once_in(2) ? seen.reply_window() : draw_window())
      .set_tag(word());
  // Inside, it may well have asked to be answered: what it is told then is its own affair.
  if (config_.inside && once_in(2)) header.set_error(contract::Error::none);
  return header;
}

void HostileCpu::send_link_packet() {
  const unsigned to = draw_peer();
  const contract::LinkHeader header = draw_header(to);
  const std::uint32_t address = next_buffer();
  const auto buffer = hal_.ram().subspan(address, contract::max_payload_bytes);
  store(header, buffer);
  for (std::size_t at = link_header_bytes; at < buffer.size(); at += contract::word_bytes) {
    store_word(at % 64 == 0 ? word() : static_cast<std::uint32_t>(at), buffer.subspan(at));
  }
  const bool carries = header.operation() == LinkOperation::link ||
                       header.operation() == LinkOperation::reply;
  std::uint32_t data = carries && header.length() <= contract::inline_bytes ? header.length() : 0;
  if (once_in(16)) data = below(contract::inline_bytes + 1);
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(draw_destinations(to))
      .set_kind(PacketKind::message)
      .set_length(static_cast<std::uint32_t>(link_header_bytes) + data)
      .set_address(address);
  post(once_in(10) ? data_ : control_, descriptor);
}

void HostileCpu::send_membership() {
  const std::uint32_t all = (1U << config_.cpus) - 1;
  contract::MembershipPacket packet;
  for (std::uint32_t& each : packet.words) each = once_in(3) ? word() : below(32);
  packet.set_operation(membership_operations[below(membership_operations.size())])
      .set_stage(static_cast<contract::RegroupStage>(once_in(8) ? below(16) : below(7)))
      .set_view_number(once_in(3) ? word() : below(5));
  if (once_in(2)) packet.set_view(all).set_heard(all);
  if (once_in(2)) packet.set_proposal(all & ~(1U << below(config_.cpus)));
  if (once_in(2)) packet.set_epochs_low(0).set_epochs_high(0);
  const std::uint32_t address = next_buffer();
  store(packet, hal_.ram().subspan(address, contract::max_payload_bytes));
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(once_in(2) ? all : draw_destinations(draw_peer()))
      .set_kind(PacketKind::message)
      .set_length(once_in(16) ? below(64) : sizeof(packet.words))
      .set_address(address);
  post(control_, descriptor);
}

void HostileCpu::send_transfer() {
  const bool write = below(2) == 0;
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(1U << draw_peer())
      .set_kind(write ? PacketKind::write : PacketKind::read)
      .set_length(once_in(4) ? 1 + below(20'000) : 1 + below(600))
      .set_notify(below(2))
      .set_own_window(below(contract::windows))
      .set_cookie(once_in(3) ? word() : 0);
  const contract::WindowWord window{{draw_window()}};
  descriptor.set_window(window.window()).set_generation(window.generation());
  if (write) descriptor.set_address(window_address);
  post(data_, descriptor);
}

/// A message of any bytes.
void HostileCpu::send_noise() {
  const std::uint32_t address = next_buffer();
  const auto buffer = hal_.ram().subspan(address, contract::max_payload_bytes);
  for (std::size_t at = 0; at < buffer.size(); at += contract::word_bytes) {
    store_word(word(), buffer.subspan(at));
  }
  // A member must not lie about the view, not even by chance.
  const auto operation = static_cast<LinkOperation>(std::to_integer<unsigned>(buffer[0]));
  if (config_.inside && is_membership(operation)) buffer[0] = std::byte{0xff};
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(draw_destinations(draw_peer()))
      .set_kind(PacketKind::message)
      .set_length(below(contract::max_payload_bytes + 1))
      .set_address(address);
  post(below(2) == 0 ? control_ : data_, descriptor);
}

/// A descriptor of any bits: most ask for the impossible. What it would send is its buffers.
void HostileCpu::send_nonsense() {
  contract::SendDescriptor descriptor;
  for (std::uint32_t& each : descriptor.words) each = word();
  if (descriptor.kind() == PacketKind::message) descriptor.set_address(next_buffer());
  if (once_in(2)) descriptor.set_dst_mask(1U << draw_peer());
  post(below(2) == 0 ? control_ : data_, descriptor);
}

}  // namespace xybus
