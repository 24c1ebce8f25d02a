#include "engine.h"

#include <cstring>

namespace xybus::test {

using contract::Register;

namespace {

constexpr std::uint32_t events_at = 0x0000;
constexpr std::uint32_t control_at = 0x1000;
constexpr std::uint32_t data_at = 0x2000;
constexpr std::uint32_t receive_at[2] = {0x4000, 0x6000};
constexpr std::uint32_t buffers_at[2] = {0x8000, 0xa000};  // by class

}  // namespace

void Engine::start() {
  // RAM holds anything after power-on; an entry that looks new would be taken for an event.
  std::memset(&hal_.ram()[events_at], 0, entries * contract::line_bytes);
  hal_.write(Register::control, 0);
  hal_.write(Register::event_base, events_at);
  hal_.write(Register::event_size, entries);
  hal_.write(Register::control_ring_base, control_at);
  hal_.write(Register::control_ring_size, entries);
  hal_.write(Register::data_ring_base, data_at);
  hal_.write(Register::data_ring_size, entries);
  hal_.write(Register::receive_x_base, receive_at[0]);
  hal_.write(Register::receive_x_slots, entries);
  hal_.write(Register::receive_y_base, receive_at[1]);
  hal_.write(Register::receive_y_slots, entries);
  hal_.write(Register::control,
             contract::ControlRegister{}.set_enable(1).set_interrupt_enable(1).value);
}

void Engine::post(unsigned to, std::span<const std::byte> payload,
                  contract::TrafficClass traffic_class) {
  const unsigned c = static_cast<unsigned>(traffic_class);
  const std::uint32_t ring = c == 1 ? control_at : data_at;
  const std::uint32_t entry = posted_[c] % entries;
  const std::uint32_t buffer = buffers_at[c] + entry * contract::max_payload_bytes;
  const auto ram = hal_.ram();
  std::memcpy(&ram[buffer], payload.data(), payload.size());
  const auto descriptor = contract::SendDescriptor{}
                              .set_dst_mask(1u << to)
                              .set_kind(contract::PacketKind::message)
                              .set_length(static_cast<std::uint32_t>(payload.size()))
                              .set_address(buffer)
                              .set_cookie(posted_[c]);
  std::memcpy(&ram[ring + entry * contract::line_bytes], descriptor.words.data(),
              contract::line_bytes);
  ++posted_[c];
  hal_.write(c == 1 ? Register::control_ring_tail : Register::data_ring_tail,
             posted_[c] & 0xffff);
}

std::optional<contract::EventEntry> Engine::poll() {
  contract::EventEntry event;
  std::memcpy(event.words.data(),
              &hal_.ram()[events_at + consumed_ % entries * contract::line_bytes],
              contract::line_bytes);
  const std::uint32_t phase = consumed_ / entries % 2 == 0 ? 1 : 0;
  if (event.phase() != phase) return std::nullopt;
  if (event.event_type() == contract::EventType::received) take_slot(event);
  ++consumed_;
  hal_.write(Register::event_head, consumed_ & 0xffff);
  return event;
}

contract::EventEntry Engine::next() {
  for (;;) {
    if (const auto event = poll()) return *event;
    hal_.idle(hal::never);
  }
}

void Engine::take_slot(const contract::EventEntry& event) {
  const unsigned bus = static_cast<unsigned>(event.bus());
  contract::PacketHeader header;
  header.words = {event.header_0(), event.header_1()};
  const auto slot = hal_.ram().subspan(
      receive_at[bus] + event.cookie() % entries * contract::slot_bytes, header.length());
  payload_.assign(slot.begin(), slot.end());
  ++given_back_[bus];
  hal_.write(bus == 0 ? Register::receive_x_head : Register::receive_y_head,
             given_back_[bus] & 0xffff);
}

}  // namespace xybus::test
