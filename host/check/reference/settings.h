/// What a CPU has written into its node's registers, as far as the reference goes by it.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "check/reference/report.h"
#include "contract/contract.h"
#include "model/reset_value.h"
#include "model/tlm/window.h"

namespace xybus::reference {

/// A setting, and what it was before: a write may not have taken effect yet.
template <class Value>
struct Setting {
  Value now{};
  Value before{};
  Cycle changed = 0;
  void set(Value value, Cycle cycle) {
    before = std::exchange(now, value);
    changed = cycle;
  }
  /// Whether `before` may still be what counted in `cycle`.
  bool fresh(Cycle cycle) const { return changed != 0 && cycle <= changed + margin; }
};

struct Settings {
  struct Ring {
    std::uint32_t base = 0;
    std::uint16_t mask = 0;           // size - 1
    Setting<std::uint16_t> written;   // head or tail, whichever is the CPU's
    std::uint32_t size() const { return mask + 1U; }
    std::uint32_t at(std::uint16_t index, std::uint32_t bytes) const {
      return base + (index & mask) * bytes;
    }
  };

  Setting<bool> enabled;
  unsigned epoch = 0;
  contract::PathLimitsRegister limits;
  std::uint32_t busy_limit = reset_value(contract::Register::busy_limit);
  Ring events;
  std::array<Ring, 2> send;   // by class
  std::array<Ring, 2> slots;  // by bus
  std::uint32_t window_base = 0;
  std::uint32_t window_length = 0;
  std::array<Setting<tlm::Window>, contract::windows> windows;

  /// Takes in a write; not of control, whose effects are many.
  void write(std::uint32_t offset, std::uint32_t value, Cycle cycle);

  /// What the engine forgets when it is disabled.
  void clear(Cycle cycle);
};

}  // namespace xybus::reference
