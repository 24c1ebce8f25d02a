#include "contract_fabric.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace firmware_test {

using contract::Answer;
using contract::BusId;
using contract::EventEntry;
using contract::PacketHeader;
using contract::Register;
using contract::SendDescriptor;
using contract::SendStatus;
using contract::TrafficClass;
using xybus::hal::Halted;

namespace {

constexpr unsigned register_access_cycles = 2;
constexpr unsigned packet_overhead_cycles = 8;
constexpr int fetched_at_most = 3;  // of each ring

std::uint32_t get_word(std::span<const std::byte> from) {
  std::uint32_t word = 0;
  std::memcpy(&word, from.data(), 4);  // the tests run on little-endian machines
  return word;
}

void put_word(std::uint32_t word, std::span<std::byte> to) { std::memcpy(to.data(), &word, 4); }

std::uint16_t distance(std::uint32_t tail, std::uint32_t head) {
  return static_cast<std::uint16_t>(tail - head);
}

}  // namespace

Node::Node(sc_core::sc_module_name, ContractFabric& fabric, unsigned number, std::size_t ram_bytes)
    : fabric_(fabric), number_(number), ram_(ram_bytes) {
  reg(Register::retry_limits) = 0x10021000;
  for (const auto thread : {&Node::lane_x, &Node::lane_y}) {
    sc_core::sc_spawn([this, thread] { (this->*thread)(); });
  }
  sc_core::sc_spawn_options options;
  options.set_stack_size(1 << 20);
  sc_core::sc_spawn([this] { cpu_thread(); }, nullptr, &options);
}

// ---- The CPU ------------------------------------------------------------------------------------

void Node::cpu_thread() {
  for (;;) {
    try {
      if (firmware && !halted_) firmware(*this);
    } catch (const Halted&) {
    } catch (...) {
      failure = std::current_exception();
      sc_core::sc_pause();
    }
    wait(restarted_);
  }
}

void Node::check_halted() const {
  if (halted_) throw Halted{};
}

void Node::halt() {
  halted_ = true;
  ++life_;
  wake_.notify(sc_core::SC_ZERO_TIME);
}

void Node::restart(std::function<void(xybus::hal::Hal&)> next) {
  assert(halted_);
  ++life_;
  registers_.clear();
  reg(Register::retry_limits) = 0x10021000;
  posted_.clear();
  next_sequence_.clear();
  last_taken_.clear();
  events_reserved_ = 0;
  firmware = std::move(next);
  halted_ = false;
  restarted_.notify(sc_core::SC_ZERO_TIME);
}

std::uint64_t Node::now() const {
  return static_cast<std::uint64_t>(std::llround(sc_core::sc_time_stamp() / cycles(1)));
}

void Node::consume(std::uint32_t count) {
  check_halted();
  if (count != 0) wait(cycles(count), wake_);
  check_halted();
}

bool Node::interrupt() const {
  return (value(Register::control) & 2) != 0 &&
         value(Register::event_tail) != value(Register::event_head);
}

void Node::idle(std::uint64_t until) {
  check_halted();
  while (!interrupt() && now() < until && !halted_ && !std::exchange(nudged_, false)) {
    if (until == xybus::hal::never) {
      wait(interrupt_changed_ | wake_);
    } else {
      wait(cycles(static_cast<double>(until - now())), interrupt_changed_ | wake_);
    }
  }
  check_halted();
}

void Node::nudge() {
  nudged_ = true;
  wake_.notify(sc_core::SC_ZERO_TIME);
}

std::uint32_t Node::value(Register r) const {
  const auto at = registers_.find(r);
  return at == registers_.end() ? 0 : at->second;
}

std::uint32_t Node::read(Register r) {
  consume(register_access_cycles);
  return value(r);
}

void Node::write(Register r, std::uint32_t v) {
  consume(register_access_cycles);
  if (r == Register::path_down_x || r == Register::path_down_y) {
    reg(r) &= ~v;
  } else {
    reg(r) = v;
  }
  if (r == Register::control_ring_tail || r == Register::data_ring_tail) ++doorbells;
  if (r == Register::event_head) ++event_head_writes;
  interrupt_changed_.notify(sc_core::SC_ZERO_TIME);
  work_.notify(sc_core::SC_ZERO_TIME);
}

// ---- The engine: sending ------------------------------------------------------------------------

void Node::lane(BusId bus) {
  for (;;) {
    fetch();
    Posted* packet = choose(bus);
    if (packet == nullptr) {
      wait(work_);
      continue;
    }
    attempt(bus, *packet);
    work_.notify(sc_core::SC_ZERO_TIME);
  }
}

void Node::fetch() {
  if (halted_ || (value(Register::control) & 1) == 0) return;
  for (const auto traffic_class : {TrafficClass::control, TrafficClass::data}) {
    while (fetch_from(traffic_class)) {
    }
  }
}

bool Node::fetch_from(TrafficClass traffic_class) {
  const bool control = traffic_class == TrafficClass::control;
  const Register base = control ? Register::control_ring_base : Register::data_ring_base;
  const Register size = control ? Register::control_ring_size : Register::data_ring_size;
  const Register tail = control ? Register::control_ring_tail : Register::data_ring_tail;
  const Register head = control ? Register::control_ring_head : Register::data_ring_head;
  const unsigned waiting = distance(reg(tail), reg(head));
  most_in_flight = std::max<unsigned>(most_in_flight,
                                      waiting + static_cast<unsigned>(posted_.size()));
  const auto fetched = std::count_if(posted_.begin(), posted_.end(), [&](const Posted& packet) {
    return packet.header.traffic_class() == traffic_class;
  });
  if (waiting == 0 || fetched == fetched_at_most || free_events() == 0) return false;
  assert(waiting <= reg(size));
  ++events_reserved_;
  Posted packet;
  const std::size_t at = reg(base) + 16 * (reg(head) % reg(size));
  for (unsigned i = 0; i < 4; ++i) {
    packet.descriptor.words[i] = get_word(std::span(ram_).subspan(at + 4 * i, 4));
  }
  reg(head) = (reg(head) + 1) & 0xffff;
  const std::uint32_t mask = packet.descriptor.dst_mask();
  assert(mask != 0 && (mask & (mask - 1)) == 0 && "exactly one destination");
  while ((mask >> packet.destination & 1) == 0) ++packet.destination;
  packet.header.set_dst_mask(mask)
      .set_source(number_)
      .set_kind(packet.descriptor.kind())
      .set_traffic_class(traffic_class)
      .set_length(packet.descriptor.length())
      .set_sequence_number(next_sequence_[{packet.destination, traffic_class}]++)
      .set_epoch(reg(Register::control) >> 4);
  posted_.push_back(packet);
  return true;
}

/// The first packet that this bus may send: the first of its destination and class.
Node::Posted* Node::choose(BusId bus) {
  for (auto at = posted_.begin(); at != posted_.end(); ++at) {
    const bool first = std::none_of(posted_.begin(), at, [&](const Posted& other) {
      return other.destination == at->destination &&
             other.header.traffic_class() == at->header.traffic_class();
    });
    if (!first || at->on_bus) continue;
    const auto down = [&](Register r) { return (reg(r) >> at->destination & 1) != 0; };
    const bool this_down = down(bus == BusId::x ? Register::path_down_x : Register::path_down_y);
    const bool other_down = down(bus == BusId::x ? Register::path_down_y : Register::path_down_x);
    if (!this_down || other_down) return &*at;
  }
  return nullptr;
}

void Node::attempt(BusId bus, Posted& packet) {
  const Register paths = bus == BusId::x ? Register::path_down_x : Register::path_down_y;
  const std::uint32_t bit = 1U << packet.destination;
  if ((reg(paths) & bit) != 0) {  // both are down, or this bus would not have been chosen
    complete(bus, packet, SendStatus::unreachable);
    return;
  }
  packet.on_bus = true;
  const unsigned life = life_;
  for (unsigned silent = 0;;) {
    wait(cycles(packet_overhead_cycles + (packet.header.length() + 3) / 4));
    if (life != life_) return;  // halted meanwhile; `packet` may be gone
    const auto payload =
        std::span(ram_).subspan(packet.descriptor.address(), packet.header.length());
    Answer answer = fabric_.bus_down[static_cast<unsigned>(bus)]
                        ? Answer::none
                        : fabric_.node(packet.destination).take(bus, packet.header, payload);
    const std::uint32_t limits = value(Register::retry_limits);
    if (answer == Answer::accepted) return complete(bus, packet, SendStatus::ok);
    if (answer == Answer::busy && ++packet.busy == (limits & 0xffff)) {
      return complete(bus, packet, SendStatus::busy);
    }
    if (answer == Answer::none && ++silent == (limits >> 16 & 0xff)) {
      reg(paths) |= bit;
      packet.on_bus = false;
      return;  // the other bus tries, or says that it cannot
    }
  }
}

void Node::complete(BusId bus, Posted& packet, SendStatus status) {
  EventEntry entry;
  entry.set_event_type(contract::EventType::sent)
      .set_bus(bus)
      .set_status(status)
      .set_cookie(packet.descriptor.cookie())
      .set_header_0(packet.header.words[0])
      .set_header_1(packet.header.words[1]);
  if (status == SendStatus::ok) ++packets_sent;
  posted_.erase(std::find_if(posted_.begin(), posted_.end(),
                             [&](const Posted& other) { return &other == &packet; }));
  --events_reserved_;
  put_event(entry);
}

// ---- The engine: receiving ----------------------------------------------------------------------

Answer Node::take(BusId bus, const PacketHeader& header, std::span<const std::byte> payload) {
  if (halted_ || (value(Register::control) & 1) == 0) return Answer::none;
  if ((deaf_to >> header.source() & 1) != 0) return Answer::none;
  const bool answer_lost = (answers_lost_to >> header.source() & 1) != 0;
  const bool x = bus == BusId::x;
  const std::uint32_t slots = value(x ? Register::receive_x_slots : Register::receive_y_slots);
  const Register head = x ? Register::receive_x_head : Register::receive_y_head;
  const Register tail = x ? Register::receive_x_tail : Register::receive_y_tail;
  const std::array<unsigned, 2> number = {header.sequence_number(), header.epoch()};
  const Lane lane{header.source(), header.traffic_class()};
  const auto last = last_taken_.find(lane);
  if (last != last_taken_.end() && last->second == number) {
    return answer_lost ? Answer::none : Answer::accepted;
  }
  if (busy || (busy_data && header.traffic_class() == TrafficClass::data)) return Answer::busy;
  if (free_events() == 0 || distance(reg(tail), reg(head)) >= slots) return Answer::busy;
  last_taken_[lane] = number;
  const std::uint32_t slot = reg(tail) % slots;
  const std::size_t at =
      value(x ? Register::receive_x_base : Register::receive_y_base) + slot * contract::slot_bytes;
  std::copy(payload.begin(), payload.end(), ram_.begin() + static_cast<std::ptrdiff_t>(at));
  reg(tail) = (reg(tail) + 1) & 0xffff;
  EventEntry entry;
  entry.set_event_type(contract::EventType::received)
      .set_bus(bus)
      .set_cookie(slot)
      .set_header_0(header.words[0])
      .set_header_1(header.words[1]);
  put_event(entry);
  return answer_lost ? Answer::none : Answer::accepted;
}

unsigned Node::free_events() const {
  return value(Register::event_size) -
         distance(value(Register::event_tail), value(Register::event_head)) - events_reserved_;
}

void Node::put_event(EventEntry entry) {
  const std::uint32_t tail = reg(Register::event_tail), size = reg(Register::event_size);
  entry.set_phase((tail / size & 1) == 0);
  const std::size_t at = reg(Register::event_base) + 16 * (tail % size);
  for (unsigned i = 0; i < 4; ++i) {
    put_word(entry.words[i], std::span(ram_).subspan(at + 4 * i, 4));
  }
  reg(Register::event_tail) = (tail + 1) & 0xffff;
  interrupt_changed_.notify(sc_core::SC_ZERO_TIME);
}

// ---- The fabric ---------------------------------------------------------------------------------

ContractFabric::ContractFabric(unsigned nodes, std::size_t ram_bytes)
    : sc_module(sc_core::sc_module_name("fabric")) {
  for (unsigned i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>(("node" + std::to_string(i)).c_str(), *this, i,
                                            ram_bytes));
  }
}

void ContractFabric::run(std::uint64_t count) {
  sc_core::sc_start(cycles(static_cast<double>(count)));
  for (const auto& node : nodes_) {
    if (node->failure) std::rethrow_exception(std::exchange(node->failure, nullptr));
  }
}

void ContractFabric::finish() {
  for (const auto& node : nodes_) node->halt();
  sc_core::sc_start(cycles(1));
}

}  // namespace firmware_test
