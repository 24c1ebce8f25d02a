#include "firmware/message/packet_port.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <stdexcept>
#include <string>

#include "firmware/message/wire.h"

namespace xybus {

using contract::BusId;
using contract::EventEntry;
using contract::EventType;
using contract::Register;

namespace {

// Events taken before the engine gets entries and slots back: enough that the register writes
// weigh little, and few enough that senders are not held off.
constexpr unsigned batch_events = 8;

// Descriptors of the control ring kept for membership packets: one for each bus.
constexpr unsigned membership_reserve = 2;
constexpr unsigned least_descriptors = 32;

// A packet's cookie: its descriptor's slot in the high half; in the low half the buffer, or this
// bit and the bus of a membership packet. A transfer's has a bit of its own.
constexpr std::uint32_t membership_cookie = 0x8000;
constexpr std::uint32_t membership_bytes = sizeof(contract::MembershipPacket::words);
constexpr unsigned most_buffers = 0x4000;

// The length of a window has 20 bits.
constexpr std::uint32_t max_window_bytes = (1U << 20) - contract::max_payload_bytes;

constexpr std::array<Register, 2> slot_base = {Register::receive_x_base, Register::receive_y_base};
constexpr std::array<Register, 2> slot_count = {Register::receive_x_slots,
                                                Register::receive_y_slots};
constexpr std::array<Register, 2> slot_head = {Register::receive_x_head, Register::receive_y_head};
constexpr std::array<Register, 2> slot_tail = {Register::receive_x_tail, Register::receive_y_tail};

constexpr SendRingRegisters control_ring = {Register::control_ring_base,
                                            Register::control_ring_size,
                                            Register::control_ring_tail,
                                            Register::control_ring_head};
constexpr SendRingRegisters data_ring = {Register::data_ring_base, Register::data_ring_size,
                                         Register::data_ring_tail, Register::data_ring_head};

void check_power_of_two(const char* what, unsigned value, unsigned least) {
  if (std::has_single_bit(value) && value >= least && value <= 32768) return;
  throw std::invalid_argument(std::string(what) + " must be a power of two, " +
                              std::to_string(least) + " to 32768, not " + std::to_string(value));
}

void check_range(const char* what, unsigned value, unsigned least, unsigned most) {
  if (value >= least && value <= most) return;
  throw std::invalid_argument(std::string(what) + " must be " + std::to_string(least) + " to " +
                              std::to_string(most) + ", not " + std::to_string(value));
}

void check_multiple(const char* what, std::uint32_t value, unsigned unit) {
  if (value % unit == 0) return;
  throw std::invalid_argument(std::string(what) + " must be a multiple of " +
                              std::to_string(unit));
}

}  // namespace

PacketPort::PacketPort(Environment& environment, const PortConfig& config, Client& client)
    : environment_(environment), config_(config), client_(client), transfers_(environment) {
  check_power_of_two("event_entries", config.event_entries, 8);
  check_power_of_two("send_descriptors", config.send_descriptors, least_descriptors);
  check_power_of_two("receive_slots", config.receive_slots, 1);
  check_range("packet_buffers", config.packet_buffers, 1, most_buffers);
  check_range("windows", config.windows, 2, contract::windows);
  check_range("window_bytes", config.window_bytes, contract::max_payload_bytes, max_window_bytes);
  check_multiple("window_bytes", config.window_bytes, contract::max_payload_bytes);
  check_multiple("ram_offset", config.ram_offset, contract::line_bytes);
}

// ---- Setting up ---------------------------------------------------------------------------------

void PacketPort::start(unsigned epoch) {
  hal::Hal& hal = environment_.hal();
  hal.write(Register::control, 0);
  lay_out(epoch);
  start_slots();
  add_buffers();
  contract::ControlRegister control;
  control.set_enable(1).set_interrupt_enable(1).set_epoch(epoch);
  hal.write(Register::control, control.value);
}

void PacketPort::lay_out(unsigned epoch) {
  hal::Hal& hal = environment_.hal();
  std::uint32_t offset = config_.ram_offset;
  const std::uint32_t ring_bytes = config_.send_descriptors * contract::line_bytes;
  std::uint32_t at = offset;
  const auto events = carve(offset, config_.event_entries * contract::line_bytes);
  events_.start(hal, events, at);
  at = offset;
  const auto control = carve(offset, ring_bytes);
  ring_.start(hal, control_ring, control, at);
  at = offset;
  const auto data = carve(offset, ring_bytes);
  transfers_.start(data_ring, data, at);
  for (Slots& slots : slots_) {
    slots.address = offset;
    slots.memory = carve(offset, config_.receive_slots * contract::slot_bytes);
  }
  membership_address_ = offset;
  carve(offset, 2 * membership_bytes);
  buffers_address_ = offset;
  buffers_ = carve(offset, config_.packet_buffers * contract::max_payload_bytes);
  lay_out_windows(offset, epoch);
  ram_bytes_ = offset - config_.ram_offset;
}

void PacketPort::lay_out_windows(std::uint32_t& offset, unsigned epoch) {
  const std::uint32_t bytes = config_.window_bytes;
  const auto left = static_cast<std::uint32_t>(environment_.hal().ram().size()) - offset;
  const std::uint32_t address = offset;
  const auto memory = carve(offset, std::clamp(left / bytes, 2U, config_.windows) * bytes);
  transfers_.windows().start(environment_.hal(), memory, address, bytes, epoch);
}

std::span<std::byte> PacketPort::carve(std::uint32_t& offset, std::uint32_t bytes) const {
  const auto ram = environment_.hal().ram();
  if (offset > ram.size() || bytes > ram.size() - offset) {
    throw std::invalid_argument("node RAM is too small for the packet port: more than " +
                                std::to_string(ram.size()) + " bytes");
  }
  const auto piece = ram.subspan(offset, bytes);
  offset += bytes;
  return piece;
}

void PacketPort::start_slots() {
  hal::Hal& hal = environment_.hal();
  for (unsigned bus = 0; bus < slots_.size(); ++bus) {
    Slots& slots = slots_[bus];
    hal.write(slot_base[bus], slots.address);
    hal.write(slot_count[bus], config_.receive_slots);
    slots.taken = slots.given_back = hal.read(slot_tail[bus]) & 0xffffU;
    hal.write(slot_head[bus], slots.taken);
  }
}

void PacketPort::add_buffers() {
  waiting_.resize(config_.packet_buffers);
  free_buffers_.reserve(config_.packet_buffers);
  for (unsigned i = 0; i < config_.packet_buffers; ++i) {
    free_buffers_.push_back(static_cast<std::uint16_t>(i));
    Packet packet;
    packet.address = buffers_address_ + i * contract::max_payload_bytes;
    packets_.push_back(packet);
  }
}

// ---- Sending ------------------------------------------------------------------------------------

std::span<std::byte> PacketPort::buffer_bytes(std::uint16_t index) const {
  return buffers_.subspan(index * std::size_t{contract::max_payload_bytes},
                          contract::max_payload_bytes);
}

std::optional<PacketBuffer> PacketPort::allocate() {
  if (free_buffers_.empty()) return std::nullopt;
  const std::uint16_t index = free_buffers_.back();
  free_buffers_.pop_back();
  return PacketBuffer{index, buffer_bytes(index)};
}

void PacketPort::post(const PacketBuffer& buffer, unsigned destination, std::uint32_t length,
                      std::uint32_t cookie) {
  assert(length <= contract::max_payload_bytes);
  Packet& packet = packets_[buffer.index];
  packet.destination = destination;
  packet.length = length;
  packet.cookie = cookie;
  packet.resends = 0;
  wait_for_ring(buffer.index);
  fill_ring();
}

void PacketPort::wait_for_ring(std::uint16_t index) {
  assert(waiting_count_ < waiting_.size());
  waiting_[(waiting_first_ + waiting_count_++) % waiting_.size()] = index;
}

void PacketPort::fill_ring() {
  while (waiting_count_ > 0 && ring_.has_room(membership_reserve)) {
    const std::uint16_t index = waiting_[waiting_first_];
    waiting_first_ = (waiting_first_ + 1) % waiting_.size();
    --waiting_count_;
    const Packet& packet = packets_[index];
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(1U << packet.destination)
        .set_length(packet.length)
        .set_address(packet.address);
    post_descriptor(descriptor, index);
  }
}

void PacketPort::post_descriptor(contract::SendDescriptor descriptor, std::uint32_t cookie) {
  environment_.charge(environment_.costs.post_packet);
  descriptor.set_kind(contract::PacketKind::message).set_cookie(ring_.next_slot() << 16 | cookie);
  ring_.post(descriptor);
}

bool PacketPort::post_membership(BusId bus, std::uint32_t to,
                                 const contract::MembershipPacket& packet) {
  const auto number = static_cast<unsigned>(bus);
  if (membership_posted_[number] || !ring_.has_room(0)) return false;
  membership_posted_[number] = true;
  const std::uint32_t address = membership_address_ + number * membership_bytes;
  store(packet, environment_.hal().ram().subspan(address, membership_bytes));
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(to)
      .set_route(bus == BusId::x ? contract::Route::x : contract::Route::y)
      .set_length(membership_bytes)
      .set_address(address);
  post_descriptor(descriptor, membership_cookie | number);
  return true;
}

void PacketPort::ring_doorbells() {
  ring_.ring_doorbell(environment_.hal());
  transfers_.ring_doorbell();
}

void PacketPort::raise_paths(unsigned cpu) {
  environment_.hal().write(Register::path_down_x, 1U << cpu);
  environment_.hal().write(Register::path_down_y, 1U << cpu);
}

void PacketPort::raise_paths_of(BusId bus, std::uint32_t mask) {
  const Register reg = bus == BusId::x ? Register::path_down_x : Register::path_down_y;
  const std::uint32_t down = environment_.hal().read(reg) & mask;
  if (down != 0) environment_.hal().write(reg, down);
}

// ---- Taking events ------------------------------------------------------------------------------

void PacketPort::service() {
  // Looking again after each batch was given back catches what came meanwhile. The bound lets
  // timers and processes in under a load that never ends; the line is still up then.
  for (unsigned taken = 0; taken < config_.event_entries;) {
    unsigned batch = 0;
    while (batch < batch_events && take_event()) ++batch;
    if (batch == 0) return;
    taken += batch;
    give_back();
    fill_ring();
    transfers_.fill();
    client_.batch_done();
    ring_doorbells();
  }
}

bool PacketPort::take_event() {
  const auto event = events_.take();
  if (!event) return false;
  environment_.charge(environment_.costs.event);
  switch (event->event_type()) {
    case EventType::received: take_received(*event); break;
    case EventType::sent: take_sent(*event); break;
    case EventType::stored: take_stored(*event); break;
    case EventType::violation: ++violations_; break;
    case EventType::read_failed: take_read_failed(*event); break;
  }
  return true;
}

void PacketPort::take_received(const EventEntry& event) {
  environment_.charge(environment_.costs.take_packet);
  Slots& slots = slots_[static_cast<unsigned>(event.bus())];
  const std::uint32_t slot = event.cookie() % config_.receive_slots;
  const contract::PacketHeader header{{event.header_0(), event.header_1()}};
  const std::uint32_t length = std::min<std::uint32_t>(header.length(), contract::slot_bytes);
  client_.received({header.source(), header.epoch(),
                    slots.memory.subspan(slot * contract::slot_bytes, length), event.bus()});
  ++slots.taken;
}

void PacketPort::take_sent(const EventEntry& event) {
  const std::uint32_t what = event.cookie() & 0xffffU;
  if (TransferRing::is_transfer(event.cookie())) {
    const WindowNumber number = TransferRing::window_of(event.cookie());
    transfers_.sent(number);
    client_.transfer_sent(number, event.status());
    return;
  }
  ring_.release(event.cookie() >> 16);
  if ((what & membership_cookie) != 0) {
    take_membership_sent(event, static_cast<BusId>(what & ~membership_cookie));
  } else {
    take_packet_sent(event);
  }
}

void PacketPort::take_packet_sent(const EventEntry& event) {
  const auto index = static_cast<std::uint16_t>(event.cookie() & 0xffffU);
  assert(index < packets_.size());
  Packet& packet = packets_[index];
  const auto verdict = client_.sent({packet.destination, event.status(), packet.cookie,
                                     packet.resends, buffer_bytes(index).first(packet.length)});
  if (verdict == SentVerdict::resend) {
    ++packet.resends;
    wait_for_ring(index);
  } else {
    free_buffers_.push_back(index);
  }
}

void PacketPort::take_membership_sent(const EventEntry& event, BusId bus) {
  membership_posted_[static_cast<unsigned>(bus)] = false;
  const contract::PacketHeader header{{event.header_0(), event.header_1()}};
  client_.membership_sent(bus, header.dst_mask(), event.missed());
}

/// The window word is that of the last packet.
void PacketPort::take_stored(const EventEntry& event) {
  const contract::WindowWord last{{event.cookie()}};
  const contract::PacketHeader header{{event.header_0(), event.header_1()}};
  client_.stored(static_cast<WindowName>(event.cookie()),
                 last.offset() * contract::line_bytes + header.length());
}

/// Who wanted to read is whom the packets were for.
void PacketPort::take_read_failed(const EventEntry& event) {
  const contract::PacketHeader header{{event.header_0(), event.header_1()}};
  if (header.dst_mask() == 0) return;
  client_.read_failed(static_cast<unsigned>(std::countr_zero(header.dst_mask())),
                      static_cast<WindowName>(event.cookie()), event.status());
}

void PacketPort::give_back() {
  hal::Hal& hal = environment_.hal();
  for (unsigned bus = 0; bus < slots_.size(); ++bus) {
    Slots& slots = slots_[bus];
    if (slots.given_back == slots.taken) continue;
    slots.given_back = slots.taken;
    hal.write(slot_head[bus], slots.taken & 0xffffU);
  }
  events_.give_back(hal);
}

}  // namespace xybus
