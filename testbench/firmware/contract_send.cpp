// How a node sends: rings, lanes, paths, transfers.

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "contract_fabric.h"

namespace firmware_test {

using contract::Answer;
using contract::BusId;
using contract::EventEntry;
using contract::EventType;
using contract::PacketHeader;
using contract::PacketKind;
using contract::Register;
using contract::Route;
using contract::SendDescriptor;
using contract::SendStatus;
using contract::TrafficClass;
using contract::WindowWord;

namespace {

constexpr unsigned packet_overhead_cycles = 8;
constexpr int fetched_at_most = 3;  // of each ring
constexpr unsigned first_back_off = 16, last_back_off = 1024;
constexpr unsigned trial_each = 16;  // packets to a destination, one by a path that is suspect

constexpr unsigned index_of(BusId bus) { return static_cast<unsigned>(bus); }
constexpr BusId other(BusId bus) { return bus == BusId::x ? BusId::y : BusId::x; }
constexpr Register path_down(BusId bus) {
  return bus == BusId::x ? Register::path_down_x : Register::path_down_y;
}

template <class Act>
void for_each_node(std::uint32_t mask, Act act) {
  for (; mask != 0; mask &= mask - 1) act(static_cast<unsigned>(std::countr_zero(mask)));
}

}  // namespace

// ---- Rings --------------------------------------------------------------------------------------

void Node::fetch() {
  if (!enabled()) return;
  for (const auto traffic_class : {TrafficClass::control, TrafficClass::data}) {
    while (fetch_from(traffic_class)) {
    }
  }
}

bool Node::fetch_from(TrafficClass traffic_class) {
  const bool control = traffic_class == TrafficClass::control;
  const auto either = [&](Register if_control, Register if_data) -> std::uint32_t& {
    return reg(control ? if_control : if_data);
  };
  const std::uint32_t base = either(Register::control_ring_base, Register::data_ring_base);
  const std::uint32_t size = either(Register::control_ring_size, Register::data_ring_size);
  const std::uint32_t tail = either(Register::control_ring_tail, Register::data_ring_tail);
  std::uint32_t& head = either(Register::control_ring_head, Register::data_ring_head);
  const unsigned waiting = static_cast<std::uint16_t>(tail - head);
  most_in_flight = std::max(most_in_flight, waiting + static_cast<unsigned>(posted_.size()));
  const auto fetched = std::count_if(posted_.begin(), posted_.end(), [&](const Packet& packet) {
    return packet->origin == Origin::ring && packet->header.traffic_class() == traffic_class;
  });
  if (waiting == 0 || fetched == fetched_at_most || free_events() == 0) return false;
  assert(waiting <= size);
  SendDescriptor descriptor;
  std::memcpy(descriptor.words.data(), &ram_[base + 16 * (head % size)], 16);
  assert(descriptor.dst_mask() != 0);
  const bool transfer = descriptor.kind() != PacketKind::message;
  if (transfer && bulk_) return false;
  head = (head + 1) & 0xffff;
  ++events_reserved_;
  if (transfer) {
    assert(!control);
    fetch_transfer(descriptor);
    return true;
  }
  const auto packet = std::make_shared<Posted>();
  packet->cookie = descriptor.cookie();
  packet->address = descriptor.address();
  packet->route = descriptor.route();
  packet->header.set_kind(PacketKind::message)
      .set_dst_mask(descriptor.dst_mask())
      .set_length(descriptor.length());
  launch(packet, traffic_class);
  return true;
}

void Node::launch(const Packet& packet, TrafficClass traffic_class) {
  packet->left = packet->header.dst_mask();
  packet->header.set_source(number_)
      .set_traffic_class(traffic_class)
      .set_epoch(value(Register::control) >> 4);
  posted_.push_back(packet);
  work_.notify(sc_core::SC_ZERO_TIME);
}

/// One that none of the destinations had last. It is given when a packet's turn has come, for one
/// that is not delivered gives it back.
void Node::give_number(Posted& packet) {
  const TrafficClass traffic_class = packet.header.traffic_class();
  unsigned number = 0;
  for_each_node(packet.left, [&](unsigned node) {
    number = std::max(number, last_sequence_[{node, traffic_class}] + 1);
  });
  for_each_node(packet.left, [&](unsigned node) {
    last_sequence_[{node, traffic_class}] = number;
  });
  packet.header.set_sequence_number(number);
  packet.numbered = true;
}

// ---- Lanes --------------------------------------------------------------------------------------

void Node::lane(BusId bus) {
  for (;;) {
    fetch();
    const Packet packet = choose(bus);
    if (packet == nullptr) {
      wait(work_);
      continue;
    }
    attempt(bus, packet);
    work_.notify(sc_core::SC_ZERO_TIME);
  }
}

unsigned Node::rank(BusId bus, unsigned destination) const {
  if ((value(path_down(bus)) >> destination & 1) != 0) return 2;
  const contract::PathLimitsRegister limits{value(Register::path_limits)};
  return points_[index_of(bus)][destination] >= limits.suspect() ? 1 : 0;
}

bool Node::better_here(BusId bus, const Posted& packet, unsigned destination) const {
  if (packet.route != Route::any) return (packet.route == Route::x) == (bus == BusId::x);
  const unsigned here = rank(bus, destination), there = rank(other(bus), destination);
  const bool trial = packet.header.sequence_number() % trial_each == 0 && packet.busy == 0;
  return here <= there || (here == 1 && trial);
}

/// The first packet that this bus may send: the first of its destinations and class.
Node::Packet Node::choose(BusId bus) {
  for (auto at = posted_.begin(); at != posted_.end(); ++at) {
    Posted& packet = **at;
    if (packet.on_bus) continue;
    const bool first = std::none_of(posted_.begin(), at, [&](const Packet& before) {
      return before->header.traffic_class() == packet.header.traffic_class() &&
             (before->left & packet.left) != 0;
    });
    if (!first) continue;
    if (!packet.numbered) give_number(packet);
    bool here = packet.left == 0;
    for_each_node(packet.left, [&](unsigned node) {
      here |= better_here(bus, packet, node);
    });
    if (here) return *at;
  }
  return nullptr;
}

/// Tries a packet on one bus until no destination is left for which it is the better one.
void Node::attempt(BusId bus, const Packet& packet) {
  packet->on_bus = true;
  const unsigned life = life_;
  unsigned back_off = first_back_off;
  while (packet->left != 0) {
    const unsigned busy_before = packet->busy;
    if (!attempt_once(bus, *packet)) break;
    if (life != life_) return;
    if (packet->busy == busy_before) continue;
    wait(cycles(back_off));
    if (life != life_) return;
    back_off = std::min(2 * back_off, last_back_off);
  }
  packet->on_bus = false;
  if (packet->left == 0) complete(bus, packet);
}

bool Node::attempt_once(BusId bus, Posted& packet) {
  std::uint32_t now = 0;
  const bool forced = packet.route != Route::any;
  for_each_node(packet.left, [&](unsigned node) {
    if (!forced && rank(bus, node) == 2 && rank(other(bus), node) == 2) {
      miss(packet, 1U << node, SendStatus::unreachable);
    } else if (better_here(bus, packet, node)) {
      now |= 1U << node;
    }
  });
  if (now == 0) return false;
  const unsigned life = life_;
  wait(cycles(packet_overhead_cycles + (packet.header.length() + 3) / 4));
  if (life != life_) return true;
  const auto payload = payload_of(packet);
  PacketHeader header = packet.header;
  header.set_dst_mask(now);
  for_each_node(now, [&](unsigned node) {
    const Answer answer = fabric_.bus_down[index_of(bus)]
                              ? Answer::none
                              : fabric_.node(node).take(bus, header, packet.window, payload);
    judge(bus, packet, node, answer);
    if (forced && answer == Answer::none && rank(bus, node) == 2) {
      miss(packet, 1U << node, SendStatus::unreachable);
    }
  });
  const std::uint32_t busy_limit = std::max(1U, value(Register::busy_limit));
  if (packet.busy >= busy_limit && packet.left != 0) {
    miss(packet, packet.left, SendStatus::busy);
    // It was not delivered, so its number is given again.
    if (std::has_single_bit(packet.header.dst_mask())) {
      const auto node = static_cast<unsigned>(std::countr_zero(packet.header.dst_mask()));
      --last_sequence_[{node, packet.header.traffic_class()}];
    }
  }
  return true;
}

void Node::judge(BusId bus, Posted& packet, unsigned destination, Answer answer) {
  const std::uint32_t bit = 1U << destination;
  unsigned& points = points_[index_of(bus)][destination];
  if (answer == Answer::none) {
    const contract::PathLimitsRegister limits{value(Register::path_limits)};
    points = std::min(255U, points + std::max(1U, limits.missing()));
    if (points >= limits.down()) reg(path_down(bus)) |= bit;
    return;
  }
  points = 0;
  switch (answer) {
    case Answer::accepted: packet.left &= ~bit; break;
    case Answer::refused: miss(packet, bit, SendStatus::denied); break;
    case Answer::busy: ++packet.busy; break;
    default: assert(false);
  }
}

void Node::miss(Posted& packet, std::uint32_t mask, SendStatus status) {
  packet.left &= ~mask;
  packet.missed |= mask;
  packet.status = std::max(packet.status, status);
}

std::span<const std::byte> Node::payload_of(const Posted& packet) const {
  if (!packet.payload.empty()) return packet.payload;
  return std::span(ram_).subspan(packet.address, packet.header.length());
}

void Node::complete(BusId bus, const Packet& packet) {
  posted_.remove(packet);
  packet->over = true;
  if (packet->origin != Origin::ring) return;  // the transfer goes on
  if (packet->status == SendStatus::ok) ++packets_sent;
  EventEntry entry;
  entry.set_event_type(EventType::sent)
      .set_bus(bus)
      .set_status(packet->status)
      .set_missed(packet->missed)
      .set_cookie(packet->cookie)
      .set_header_0(packet->header.words[0])
      .set_header_1(packet->header.words[1]);
  --events_reserved_;
  put_event(entry);
}

// ---- Transfers ----------------------------------------------------------------------------------

void Node::fetch_transfer(const SendDescriptor& descriptor) {
  assert(std::has_single_bit(descriptor.dst_mask()));
  assert(descriptor.length() > 0);
  Transfer transfer;
  transfer.kind = descriptor.kind();
  transfer.node = static_cast<unsigned>(std::countr_zero(descriptor.dst_mask()));
  transfer.far.set_window(descriptor.window())
      .set_generation(descriptor.generation())
      .set_offset(descriptor.cookie() >> 16);
  transfer.address = descriptor.address();
  transfer.length = descriptor.length();
  transfer.own_window = descriptor.own_window();
  transfer.notify = descriptor.notify() != 0;
  transfer.cookie = descriptor.cookie();
  bulk_ = transfer;
  work_.notify(sc_core::SC_ZERO_TIME);
}

/// One transfer of the data ring at a time.
void Node::bulk_thread() {
  for (;;) {
    if (!bulk_) {
      wait(work_);
      continue;
    }
    const unsigned life = life_;
    const Transfer transfer = *bulk_;
    EventEntry entry = write_or_read(transfer, life);
    if (life != life_) continue;
    entry.set_event_type(EventType::sent).set_cookie(transfer.cookie);
    --events_reserved_;
    put_event(entry);
    bulk_.reset();
    ++transfers_sent;
    work_.notify(sc_core::SC_ZERO_TIME);
  }
}

/// Sends the packet of a transfer that is `done` bytes from its beginning, and waits for its fate.
Node::Packet Node::send_piece(const Transfer& transfer, std::uint32_t done, std::uint32_t address,
                              Origin origin, unsigned life) {
  const std::uint32_t length = std::min(transfer.length - done, contract::max_payload_bytes);
  const auto packet = std::make_shared<Posted>();
  packet->origin = origin;
  packet->address = address;
  packet->window = transfer.far;
  packet->window->set_offset(transfer.far.offset() + done / contract::line_bytes);
  packet->header.set_kind(PacketKind::write)
      .set_dst_mask(1U << transfer.node)
      .set_notify(transfer.notify && done + length == transfer.length)
      .set_length(length);
  launch(packet, TrafficClass::data);
  while (!packet->over && life == life_) wait(work_);
  return packet;
}

EventEntry Node::write_or_read(const Transfer& transfer, unsigned life) {
  EventEntry entry;
  Packet packet;
  if (transfer.kind == PacketKind::write) {
    std::uint32_t done = 0;
    do {
      packet = send_piece(transfer, done, transfer.address + done, Origin::bulk, life);
      done += packet->header.length();
    } while (life == life_ && packet->status == SendStatus::ok && done < transfer.length);
  } else {
    WindowWord own;
    own.set_window(transfer.own_window).set_offset(transfer.address / contract::line_bytes);
    if (transfer.own_window < contract::windows) {
      own.set_generation(windows_[transfer.own_window].control.generation());
    }
    if (!allowed(own, transfer.node, transfer.length, false)) {
      return entry.set_status(SendStatus::refused);
    }
    contract::ReadRequest request;
    request.set_length(transfer.length).set_reply(own.words[0]);
    packet = std::make_shared<Posted>();
    packet->origin = Origin::bulk;
    packet->window = transfer.far;
    packet->payload.resize(contract::read_payload_bytes);
    std::memcpy(packet->payload.data(), request.words.data(), 8);
    packet->header.set_kind(PacketKind::read)
        .set_dst_mask(1U << transfer.node)
        .set_length(contract::read_payload_bytes);
    launch(packet, TrafficClass::data);
    while (!packet->over && life == life_) wait(work_);
  }
  return entry.set_status(packet->status)
      .set_missed(packet->missed)
      .set_header_0(packet->header.words[0])
      .set_header_1(packet->header.words[1]);
}

/// Remote reads from this node's windows, one at a time.
void Node::server_thread() {
  for (;;) {
    if (served_.empty()) {
      wait(work_);
      continue;
    }
    const unsigned life = life_;
    serve(served_.front(), life);
    if (life != life_) continue;
    served_.pop_front();
    work_.notify(sc_core::SC_ZERO_TIME);
  }
}

void Node::serve(const Transfer& transfer, unsigned life) {
  SendStatus status = SendStatus::ok;
  PacketHeader header;
  header.set_kind(PacketKind::write).set_dst_mask(1U << transfer.node);
  for (std::uint32_t done = 0; done < transfer.length && status == SendStatus::ok;) {
    WindowWord own = transfer.own;
    own.set_offset(own.offset() + done / contract::line_bytes);
    const std::uint32_t length = std::min(transfer.length - done, contract::max_payload_bytes);
    const auto at = allowed(own, transfer.node, length, true);
    if (!at) {
      status = SendStatus::denied;
      break;
    }
    const Packet packet = send_piece(transfer, done, *at, Origin::server, life);
    if (life != life_) return;
    status = packet->status;
    header = packet->header;
    done += length;
  }
  if (status == SendStatus::ok) return;
  ++reads_failed;
  while (free_events() == 0) {
    wait(work_);
    if (life != life_) return;
  }
  EventEntry entry;
  entry.set_event_type(EventType::read_failed)
      .set_status(status)
      .set_cookie(transfer.far.words[0])
      .set_header_0(header.words[0])
      .set_header_1(header.words[1]);
  put_event(entry);
}

}  // namespace firmware_test
