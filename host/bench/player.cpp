#include "bench/player.h"

#include <cstring>

namespace xybus {

using contract::Register;
using contract::TrafficClass;

namespace {

// Where things lie in node RAM.
constexpr std::uint32_t event_entries = 1024, events_at = 0;
constexpr std::uint32_t ring_entries = 64;
constexpr std::array<std::uint32_t, 2> ring_at{0x4000, 0x5000};
constexpr std::uint32_t slots = 64;
constexpr std::array<std::uint32_t, 2> slots_at{0x8000, 0xc000};
constexpr std::array<std::uint32_t, 2> buffers_at{0x10000, 0x18000};  // one for each descriptor

// Packets that are under way at once when it sends as fast as it can.
constexpr std::uint32_t load_window = 32;

template <std::size_t Words>
void store(std::span<std::byte> ram, std::uint32_t at,
           const std::array<std::uint32_t, Words>& words) {
  std::memcpy(&ram[at], words.data(), sizeof words);
}

}  // namespace

void Player::start() {
  setup_ = {{Register::control, 0},
            {Register::event_base, events_at},
            {Register::event_size, event_entries},
            {Register::data_ring_base, ring_at[0]},
            {Register::data_ring_size, ring_entries},
            {Register::control_ring_base, ring_at[1]},
            {Register::control_ring_size, ring_entries},
            {Register::receive_x_base, slots_at[0]},
            {Register::receive_x_slots, slots},
            {Register::receive_y_base, slots_at[1]},
            {Register::receive_y_slots, slots},
            {Register::control,
             contract::ControlRegister{}.set_enable(1).set_interrupt_enable(1).value}};
}

void Player::post(TrafficClass traffic_class, unsigned destination, std::uint32_t bytes,
                  contract::Route route) {
  const auto c = static_cast<std::size_t>(traffic_class);
  Ring& ring = rings_[c];
  const std::uint32_t entry = ring.posted % ring_entries;
  const std::uint32_t buffer = buffers_at[c] + entry * contract::max_payload_bytes;
  const auto ram = pins_->ram(node_);
  std::memset(&ram[buffer], static_cast<int>(ring.posted * 7 + node_), bytes);
  store(ram, ring_at[c] + entry * contract::line_bytes,
        contract::SendDescriptor{}
            .set_dst_mask(1U << destination)
            .set_route(route)
            .set_kind(contract::PacketKind::message)
            .set_length(bytes)
            .set_address(buffer)
            .set_cookie(static_cast<std::uint32_t>(c))
            .words);
  ++ring.posted;
}

void Player::act() {
  take_events();
  if (!load_.destinations.empty()) top_up();
  use_port();
}

bool Player::quiet() const {
  for (const Ring& ring : rings_) {
    if (ring.posted != ring.ended) return false;
  }
  return setup_.empty() && !port_busy_ && taken_ == taken_written_ &&
         given_back_ == given_back_written_;
}

void Player::take_events() {
  const auto ram = pins_->ram(node_);
  for (;;) {
    contract::EventEntry event;
    std::memcpy(event.words.data(), &ram[events_at + taken_ % event_entries * contract::line_bytes],
                contract::line_bytes);
    const std::uint32_t phase = taken_ / event_entries % 2 == 0 ? 1 : 0;
    if (event.phase() != phase) return;
    ++taken_;
    if (event.event_type() == contract::EventType::received) {
      ++received_;
      ++given_back_[static_cast<std::size_t>(event.bus())];
    } else if (event.event_type() == contract::EventType::sent) {
      ++sent_[static_cast<std::size_t>(event.status())];
      ++rings_[event.cookie() & 1].ended;
    }
  }
}

void Player::top_up() {
  const Ring& ring = rings_[static_cast<std::size_t>(load_.traffic_class)];
  while (ring.posted - ring.ended < load_window) {
    const unsigned to = load_.destinations[next_destination_++ % load_.destinations.size()];
    post(load_.traffic_class, to, load_.bytes, load_.route);
  }
}

void Player::use_port() {
  if ((pins_->ready() >> node_ & 1) != 0) port_busy_ = false;
  if (port_busy_) return;
  if (!setup_.empty()) {
    const auto [reg, value] = setup_.front();
    setup_.pop_front();
    return access(reg, value);
  }
  constexpr std::array tails{Register::data_ring_tail, Register::control_ring_tail};
  for (const std::size_t c : {1, 0}) {
    Ring& ring = rings_[c];
    if (ring.rung == ring.posted) continue;
    ring.rung = ring.posted;
    ring.doorbell_cycle = pins_->cycle();
    return access(tails[c], ring.posted & 0xffff);
  }
  constexpr std::array heads{Register::receive_x_head, Register::receive_y_head};
  for (const std::size_t bus : {0, 1}) {
    if (given_back_written_[bus] == given_back_[bus]) continue;
    given_back_written_[bus] = given_back_[bus];
    return access(heads[bus], given_back_[bus] & 0xffff);
  }
  if (taken_written_ != taken_) {
    taken_written_ = taken_;
    access(Register::event_head, taken_ & 0xffff);
  }
}

void Player::access(Register reg, std::uint32_t value) {
  port_busy_ = true;
  pins_->request(node_, true, static_cast<std::uint32_t>(reg), value);
}

}  // namespace xybus
