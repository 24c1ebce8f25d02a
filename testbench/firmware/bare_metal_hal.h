/// The HAL over memory-mapped registers: what a port to a real CPU starts from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "firmware/hal/hal.h"

namespace bare_metal {

/// Registers from `base` on, node RAM where the contract's address bit is set. The platform gives
/// a cycle counter that runs on and an instruction that waits for an interrupt.
class VolatileHal : public xybus::hal::Hal {
 public:
  struct Platform {
    const volatile std::uint64_t* cycle_counter;
    const volatile std::uint32_t* interrupt_line;
    void (*wait_for_interrupt)(std::uint64_t until);  ///< May return early.
  };

  VolatileHal(volatile std::byte* base, std::size_t ram_bytes, const Platform& platform);

  std::uint32_t read(xybus::contract::Register reg) override;
  void write(xybus::contract::Register reg, std::uint32_t value) override;
  std::span<std::byte> ram() override;
  std::uint64_t now() const override;
  void consume(std::uint32_t cycles) override;
  bool interrupt() const override;
  void idle(std::uint64_t until) override;

 private:
  volatile std::uint32_t* at(xybus::contract::Register reg) const;

  volatile std::byte* const base_;
  const std::size_t ram_bytes_;
  const Platform platform_;
};

}  // namespace bare_metal
