/// The pins of a Verilated `fabric`, whatever its number of nodes and the width of its buses.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"

namespace xybus::bench {

/// A set of nodes: one bit a node.
using Nodes = std::uint32_t;

/// A CPU's request to its node: high for one cycle.
struct CpuRequest {
  bool valid = false;
  bool write = false;
  std::uint32_t address = 0;
  std::uint32_t data = 0;
};

struct FabricInputs {
  Nodes halt = 0;
  std::array<CpuRequest, contract::max_nodes> cpu{};
  std::array<std::uint64_t, 2> flip{};
  std::array<bool, 2> drop{};
  std::array<bool, 2> answer_drop{};
  /// Faulty nodes: they ask without end and send noise; send under another's number; do not end
  /// their packets.
  Nodes babble = 0, forge = 0, hold = 0;
};

/// The answers of all nodes: a bit plane for each kind, as on the wires.
struct Answers {
  std::uint64_t planes = 0;

  contract::Answer of(unsigned node) const {
    contract::Answer answer = contract::Answer::none;
    for (unsigned plane = 0; plane < 4; ++plane) {
      if ((planes >> (16 * plane + node) & 1) != 0) {
        answer = static_cast<contract::Answer>(plane + 1);
      }
    }
    return answer;
  }
  Nodes all(contract::Answer answer) const {
    return planes >> 16 * (static_cast<unsigned>(answer) - 1) & 0xffff;
  }
  /// Nodes that give more than one answer.
  Nodes doubled() const {
    const Nodes a = planes & 0xffff, b = planes >> 16 & 0xffff, c = planes >> 32 & 0xffff,
                d = static_cast<Nodes>(planes >> 48);
    return (a & b) | ((a | b) & c) | ((a | b | c) & d);
  }
  bool operator==(const Answers&) const = default;
};

/// What one bus shows in one cycle.
struct BusOutputs {
  bool start = false;
  unsigned start_source = 0;
  bool valid = false, first = false, last = false;
  std::uint64_t data = 0;
  Answers answers;
  contract::Offence offence{};  ///< none: no offence in this cycle
  unsigned offender = 0;
  bool operator==(const BusOutputs&) const = default;
};

struct FabricOutputs {
  std::array<bool, contract::max_nodes> ready{};
  std::array<std::uint32_t, contract::max_nodes> data{};
  Nodes irq = 0;
  bool idle = false;
  std::array<BusOutputs, 2> bus{};
  bool operator==(const FabricOutputs&) const = default;
};

class FabricPins {
 public:
  virtual ~FabricPins() = default;
  virtual unsigned nodes() const = 0;
  /// Bits of a beat.
  virtual unsigned data_width() const = 0;
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

  /// Beats of the longest packet.
  unsigned max_beats() const {
    return 64 / data_width() + 1 + contract::max_payload_bytes * 8 / data_width() + 1;
  }
  Nodes all_nodes() const { return (1U << nodes()) - 1; }
};

}  // namespace xybus::bench
