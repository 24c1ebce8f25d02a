#include "check/reference/settings.h"

namespace xybus::reference {

using contract::Register;

namespace {

constexpr std::uint32_t line_of(std::uint32_t address) { return address & 0xffff0; }

constexpr std::uint32_t windows_at = static_cast<std::uint32_t>(Register::window_base);
constexpr std::uint32_t window_bytes = 16;

}  // namespace

void Settings::write(std::uint32_t offset, std::uint32_t value, Cycle cycle) {
  const auto mask = static_cast<std::uint16_t>(value - 1);
  const auto index = static_cast<std::uint16_t>(enabled.now ? value : 0);
  switch (static_cast<Register>(offset)) {
    case Register::event_base: events.base = line_of(value); return;
    case Register::event_size: events.mask = mask; return;
    case Register::event_head: return events.written.set(index, cycle);
    case Register::control_ring_base: send[1].base = line_of(value); return;
    case Register::control_ring_size: send[1].mask = mask; return;
    case Register::control_ring_tail: return send[1].written.set(index, cycle);
    case Register::data_ring_base: send[0].base = line_of(value); return;
    case Register::data_ring_size: send[0].mask = mask; return;
    case Register::data_ring_tail: return send[0].written.set(index, cycle);
    case Register::receive_x_base: slots[0].base = line_of(value); return;
    case Register::receive_x_slots: slots[0].mask = mask; return;
    case Register::receive_x_head: return slots[0].written.set(index, cycle);
    case Register::receive_y_base: slots[1].base = line_of(value); return;
    case Register::receive_y_slots: slots[1].mask = mask; return;
    case Register::receive_y_head: return slots[1].written.set(index, cycle);
    case Register::busy_limit: busy_limit = value & 0xffff; return;
    case Register::path_limits: limits.value = value; return;
    default: break;
  }
  if (offset < windows_at || offset >= windows_at + window_bytes * contract::windows) return;
  const std::uint32_t place = offset - windows_at;
  switch (place % window_bytes) {
    case 0: window_base = line_of(value); return;
    case 4: window_length = value & 0xfffff; return;
    case 8:
      if (!enabled.now) return;
      windows[place / window_bytes].set(
          {window_base, window_length, contract::WindowControlRegister{value}, cycle}, cycle);
      return;
    default: return;
  }
}

void Settings::clear(Cycle cycle) {
  events.written.set(0, cycle);
  for (unsigned i = 0; i < 2; ++i) {
    send[i].written.set(0, cycle);
    slots[i].written.set(0, cycle);
  }
  for (auto& window : windows) window.set({}, cycle);
}

}  // namespace xybus::reference
