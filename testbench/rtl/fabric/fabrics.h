/// The fabrics that the benches run.
#pragma once

#include <memory>

#include "rtl/bench/fabric_pins.h"

namespace xybus::bench {

/// Name: nodes, and bits of a beat.
enum class FabricKind { two_32, three_64, three_64_ungated, five_32, sixteen_32 };

std::unique_ptr<FabricPins> make_fabric(FabricKind kind);

/// For tests that run on several.
struct Two32 {
  static constexpr FabricKind kind = FabricKind::two_32;
};
struct Three64 {
  static constexpr FabricKind kind = FabricKind::three_64;
};
struct Five32 {
  static constexpr FabricKind kind = FabricKind::five_32;
};
struct Sixteen32 {
  static constexpr FabricKind kind = FabricKind::sixteen_32;
};

}  // namespace xybus::bench
