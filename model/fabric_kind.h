/// The implementations of the fabric.
#pragma once

#include <cstdint>

namespace xybus {

enum class FabricKind : std::uint8_t {
  /// The Verilated RTL, cycle by cycle.
  rtl,
  /// The model of packets in tlm/.
  tlm,
};

constexpr const char* name(FabricKind kind) { return kind == FabricKind::rtl ? "rtl" : "tlm"; }

}  // namespace xybus
