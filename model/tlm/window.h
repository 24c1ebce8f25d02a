/// A window as its node's CPU has posted it, and what may be done with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "contract/contract.h"
#include "model/tlm/timing.h"

namespace xybus::tlm {

/// Bytes of a node's RAM.
inline constexpr std::size_t node_ram_bytes = 256 * 1024;

struct Window {
  std::uint32_t base = 0;
  std::uint32_t length = 0;
  contract::WindowControlRegister control;
  Cycle posted = 0;

  /// Whether `peer` may read or write `length` bytes at `offset`; nothing for a generation: any.
  bool allows(std::optional<unsigned> generation, unsigned peer, bool write, std::uint32_t offset,
              std::uint32_t bytes) const {
    const bool open = (write ? control.write() : control.read()) != 0;
    const std::uint64_t end = std::uint64_t{offset} + bytes;
    return bytes != 0 && open && control.peer() == peer && end <= length &&
           base + end <= node_ram_bytes && (!generation || *generation == control.generation());
  }
};

}  // namespace xybus::tlm
