/// The hardware as one CPU's firmware sees it: registers, node RAM, interrupt, time, idle, and the
/// drives and terminals it is connected to.
///
/// Firmware knows nothing else of the machine it runs on. A simulated CPU implements this over
/// TLM sockets; a real one over memory-mapped registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "contract/contract.h"
#include "firmware/hal/disk.h"
#include "firmware/hal/terminal.h"

namespace xybus::hal {

/// Never: a cycle that does not come.
inline constexpr std::uint64_t never = ~std::uint64_t{0};

/// Thrown out of any call below when the CPU has been stopped for good: it unwinds the firmware.
/// Only a simulated CPU throws it. Firmware must let it pass.
struct Halted {};

class Hal {
 public:
  virtual ~Hal() = default;

  /// Reads a register of this node's message engine. Takes the cycles the access takes.
  virtual std::uint32_t read(contract::Register reg) = 0;

  /// Writes a register. Takes the cycles the access takes; writes take effect in order.
  virtual void write(contract::Register reg, std::uint32_t value) = 0;

  /// This node's RAM, byte 0 first; the engine sees what is written here from the next cycle on.
  virtual std::span<std::byte> ram() = 0;

  /// Cycles since power-on.
  virtual std::uint64_t now() const = 0;

  /// Spends CPU time. 0 is allowed and does nothing.
  virtual void consume(std::uint32_t cycles) = 0;

  /// Whether the engine's interrupt line is up.
  virtual bool interrupt() const = 0;

  /// Sleeps until the interrupt line is up, a device interrupts, or cycle `until` has come; returns
  /// at once if one of these already holds.
  virtual void idle(std::uint64_t until) = 0;

  /// The disk drives that this CPU is connected to; always the same, in the same order.
  virtual std::span<DiskPort* const> disks() { return {}; }

  /// The terminals, the same way.
  virtual std::span<TerminalPort* const> terminals() { return {}; }

  /// Whether a device interrupts: a port of disks() or terminals().
  virtual bool device_interrupt() const { return false; }
};

}  // namespace xybus::hal
