/// The fabric at its pins, clock edge by clock edge: for benches that play the CPUs themselves.
///
/// Needs no SystemC, and does nothing of its own. What is applied in cycle k is sampled by the edge
/// that ends it; what the outputs show then belongs to cycle k+1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "contract/contract.h"
#include "model/answers.h"

namespace xybus {

class Pins {
 public:
  /// The wires of a bus in the present cycle, as its receivers see them.
  struct Wires {
    bool start = false;         ///< a packet's first word comes in the next cycle
    unsigned start_source = 0;  ///< whose
    bool valid = false;
    bool first = false;
    bool last = false;
    std::uint32_t data = 0;
    Answers answers;
  };

  virtual ~Pins() = default;

  virtual unsigned nodes() const = 0;

  /// Edges since reset.
  std::uint64_t cycle() const { return cycle_; }

  // ---- Inputs -------------------------------------------------------------------------------

  /// An access of a node's CPU port in this cycle. One at a time: see ready().
  virtual void request(unsigned node, bool write, std::uint32_t address, std::uint32_t data) = 0;

  /// From the next cycle on no word and no answer passes on the bus, or all do again.
  virtual void set_bus_down(contract::BusId bus, bool down) = 0;

  /// Evaluates the edge that ends this cycle.
  virtual void step() = 0;

  // ---- Outputs ------------------------------------------------------------------------------

  /// Nodes whose access has been served.
  std::uint32_t ready() const { return ready_; }
  virtual std::uint32_t read_data(unsigned node) const = 0;
  std::uint32_t interrupts() const { return interrupts_; }
  bool idle() const { return idle_; }
  const Wires& wires(contract::BusId bus) const { return wires_[static_cast<std::size_t>(bus)]; }

  /// A node's RAM, byte 0 first.
  virtual std::span<std::byte> ram(unsigned node) = 0;

 protected:
  std::uint64_t cycle_ = 0;
  std::uint32_t ready_ = 0;
  std::uint32_t interrupts_ = 0;
  bool idle_ = false;
  std::array<Wires, 2> wires_;
};

/// The Verilated RTL with 16 nodes, out of reset. Throws std::runtime_error from step() when a rule
/// of the RTL breaks.
std::unique_ptr<Pins> make_pins_16();

}  // namespace xybus
