/// The pins of a Verilated `fabric`, whatever its number of nodes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"

namespace xybus::bench {

/// A CPU's request to its node: high for one cycle.
struct CpuRequest {
  bool valid = false;
  bool write = false;
  std::uint32_t address = 0;
  std::uint32_t data = 0;
};

struct FabricInputs {
  std::uint32_t halt = 0;  ///< One bit a node.
  std::array<CpuRequest, contract::max_nodes> cpu{};
  std::array<std::uint32_t, 2> flip{};
  std::array<bool, 2> drop{};
  std::array<bool, 2> answer_drop{};
};

/// What one bus shows in one cycle.
struct BusOutputs {
  bool start = false;
  unsigned start_source = 0;
  bool valid = false, first = false, last = false;
  std::uint32_t data = 0;
  std::uint32_t answers = 0;
  bool operator==(const BusOutputs&) const = default;
};

struct FabricOutputs {
  std::array<bool, contract::max_nodes> ready{};
  std::array<std::uint32_t, contract::max_nodes> data{};
  std::uint32_t irq = 0;  ///< One bit a node.
  bool idle = false;
  std::array<BusOutputs, 2> bus{};
  bool operator==(const FabricOutputs&) const = default;
};

class FabricPins {
 public:
  virtual ~FabricPins() = default;
  virtual unsigned nodes() const = 0;
  /// Rising edges since the last reset.
  virtual std::uint64_t cycle() const = 0;
  virtual void reset() = 0;
  /// One rising edge with these inputs; what the pins show behind it.
  virtual FabricOutputs tick(const FabricInputs& inputs) = 0;
  /// What the pins show now, with these inputs.
  virtual FabricOutputs look(const FabricInputs& inputs) = 0;
  /// RAM of a node, in address order.
  virtual std::span<std::uint8_t> ram(unsigned node) = 0;
  /// Every bit of the simulated state (the bytes of the model's objects): for comparison only.
  virtual std::vector<std::uint8_t> state() = 0;
};

}  // namespace xybus::bench
