#include "bare_metal_hal.h"

#include <atomic>

namespace bare_metal {

using xybus::contract::Register;

VolatileHal::VolatileHal(volatile std::byte* base, std::size_t ram_bytes, const Platform& platform)
    : base_(base), ram_bytes_(ram_bytes), platform_(platform) {}

volatile std::uint32_t* VolatileHal::at(Register reg) const {
  return reinterpret_cast<volatile std::uint32_t*>(base_ + static_cast<std::uint32_t>(reg));
}

std::uint32_t VolatileHal::read(Register reg) {
  const std::uint32_t value = *at(reg);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return value;
}

void VolatileHal::write(Register reg, std::uint32_t value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);  // what lies in RAM is there before it
  *at(reg) = value;
}

std::span<std::byte> VolatileHal::ram() {
  auto* ram = const_cast<std::byte*>(base_ + (1U << xybus::contract::ram_address_bit));
  return {ram, ram_bytes_};
}

std::uint64_t VolatileHal::now() const { return *platform_.cycle_counter; }

/// Real work takes the time it takes.
void VolatileHal::consume(std::uint32_t) {}

bool VolatileHal::interrupt() const { return *platform_.interrupt_line != 0; }

void VolatileHal::idle(std::uint64_t until) {
  while (!interrupt() && now() < until) platform_.wait_for_interrupt(until);
}

}  // namespace bare_metal
