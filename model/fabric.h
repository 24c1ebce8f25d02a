/// The hardware as the rest of the simulation sees it: a CPU port and an interrupt for each node,
/// the two buses under observation, and the points where they can be broken.
///
/// Cycle k lasts from kT to (k+1)T. CPUs act at kT; the clock edge that ends cycle k is evaluated
/// at kT + T/2; what it brings about is seen by CPUs at (k+1)T. See README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include "contract/contract.h"
#include "model/answers.h"
#include "model/fabric_kind.h"
#include "model/faults.h"
#include "model/flip_place.h"

namespace xybus {

/// A packet that has been on a bus, with its answers.
struct BusPacket {
  contract::BusId bus;
  /// Cycle of the first word on the wires.
  std::uint64_t start_cycle;
  /// The node that was granted the bus. The header says who it claims to be.
  unsigned source;
  /// Header to CRC as the receivers saw them, bit flips included. Valid during the call only.
  /// Of a packet that was cut, what there was: nothing, when the guardian kept all of it away.
  std::span<const std::uint32_t> words;
  /// The same as they were sent, before all faults of the wires. Valid during the call only.
  std::span<const std::uint32_t> sent;
  /// Cycle of the answers. Of a packet that was cut, the first one without it.
  std::uint64_t answer_cycle;
  /// As the sender saw them.
  Answers answers;
  /// It broke off before its last word, and so has no answers.
  bool cut;
  /// The bus was down in one of its cycles.
  bool down;
  /// A bit was changed, the packet hidden, or its answers changed or hidden.
  bool faulted;
  /// Nodes that a partition kept apart from the sender in one of its cycles.
  std::uint32_t parted = 0;
  /// A second lane drove the bus with its sender in one of its cycles.
  bool collided = false;
  /// Nobody has sent it: it is the packet before it over again. packet_started() was not called.
  bool replayed = false;
};

/// Told what happens on the buses. Calls come in the order of cycles, within a cycle offences
/// first, and X before Y.
class FabricObserver {
 public:
  virtual ~FabricObserver() = default;

  /// A packet has been granted the bus; its first word is on the wires in cycle `cycle`. The
  /// fault returned is applied to exactly this packet.
  virtual PacketFault packet_started(contract::BusId, std::uint64_t /*cycle*/,
                                     unsigned /*source*/) {
    return {};
  }

  /// Whether packet_opened() is to be called: it costs.
  virtual bool wants_openings() const { return false; }

  /// The first `opening_words` words of a packet have been on the wires, the last of them in cycle
  /// `cycle`, and it goes on; not of a packet that is replayed. `words` are these, as they were
  /// sent. The fault returned is applied to exactly this packet from its next word on, beside what
  /// packet_started() gave: dropped, it breaks off there for its receivers.
  virtual PacketFault packet_opened(contract::BusId, std::uint64_t /*cycle*/, unsigned /*source*/,
                                    std::span<const std::uint32_t> /*words*/) {
    return {};
  }

  /// A packet has met its answer slot, or was cut. In the order in which packets started.
  virtual void packet_answered(const BusPacket&) {}

  /// The guardian of a bus has caught a node in cycle `cycle`.
  virtual void offence(contract::BusId, std::uint64_t /*cycle*/, unsigned /*node*/,
                       contract::Offence) {}

  /// Whether accessed() is to be called: it costs.
  virtual bool wants_accesses() const { return false; }

  /// A CPU accesses a register of its node. Of a write, in the cycle in which the node is shown it,
  /// which right after a restart is some cycles later than the CPU asks for it; it takes effect
  /// within `write_cycles`. Of a read, when its data is there. A node that is halted meanwhile may
  /// never see a write, and no read of it is told.
  virtual void accessed(unsigned /*node*/, bool /*write*/, std::uint32_t /*address*/,
                        std::uint32_t /*data*/, std::uint64_t /*cycle*/) {}
  static constexpr std::uint64_t write_cycles = 4;

  /// From time to time, for progress and for the interrupt key. Must not touch the machine, except
  /// to stop it.
  virtual void burst(std::uint64_t /*cycle*/) {}
};

struct FabricConfig {
  FabricKind kind = FabricKind::rtl;
  /// Nodes with a CPU, 1 to 16.
  unsigned nodes = 2;
  /// The clock; a multiple of 4 ps. See clock_period().
  sc_core::sc_time period{10, sc_core::SC_NS};
  /// Evaluate many cycles without going back to the kernel. Changes no result.
  bool bursts = true;
  /// Evaluate nothing while the hardware is idle. Changes no result.
  bool skip = true;
  /// Start state of registers that reset does not set: 0 for all zeros, else a seed.
  unsigned start_state = 0;
  /// FST file for waveforms; empty for none.
  std::string trace_file;
  /// First cycle in it, and the one after the last.
  std::uint64_t trace_from = 0;
  std::uint64_t trace_to = ~std::uint64_t{0};
};

/// Nodes of the fabric in which so many have a CPU: the hardware comes in three sizes, and the rest
/// is halted from the start.
constexpr unsigned fabric_size(unsigned nodes) { return nodes <= 4 ? 4 : nodes <= 8 ? 8 : 16; }

/// The clock period for a frequency, rounded to 4 ps: the time scheme needs quarters of it.
/// Throws std::invalid_argument outside 1 kHz to 10 GHz.
sc_core::sc_time clock_period(double hz);

/// Buses and nodes, without the CPUs.
///
/// CPU ports take single 32-bit words, aligned: registers at their offsets, node RAM from
/// bit contract::ram_address_bit on. Node RAM also gives a direct memory pointer. Anything else is
/// answered with a TLM error.
///
/// In a burst the fabric runs ahead of kernel time, but never past anything the kernel has to do.
/// The end of sc_start() is not such a thing: whoever calls it notifies an event at its end.
class Fabric : public sc_core::sc_module {
 public:
  using Socket = tlm_utils::simple_target_socket_tagged<Fabric, 32>;

  sc_core::sc_vector<Socket> cpu_port;
  sc_core::sc_vector<sc_core::sc_out<bool>> interrupt;

  unsigned nodes() const { return nodes_; }
  sc_core::sc_time period() const { return period_; }
  std::uint64_t ticks() const { return period_.value(); }

  /// The cycle that is now: in an observer's call, the cycle it is told about.
  virtual std::uint64_t cycle() const = 0;

  /// At most one; nullptr for none.
  void set_observer(FabricObserver* observer) { observer_ = observer; }
  FabricObserver* observer() const { return observer_; }

  /// From the next cycle on the node's engine is silent and its CPU port refuses every access,
  /// one under way included.
  virtual void halt(unsigned node) = 0;

  /// From the next cycle on a halted node can be used again. Its engine is disabled and empty, as
  /// after reset; node RAM, settings and counters hold what they held. A halt in the same cycle has
  /// still cleared the engine. Does nothing to a node that is not halted.
  virtual void restart(unsigned node) = 0;

  /// The next packet to start on the bus suffers this fault, beside the observer's.
  virtual void inject(contract::BusId, const PacketFault&) = 0;

  /// From the next cycle on no word and no answer passes on the bus, or all do again.
  virtual void set_bus_down(contract::BusId, bool down) = 0;

  /// From the next cycle on a node misbehaves in this way, or no longer does.
  virtual void set_rogue(unsigned node, Misdeed, bool on) = 0;

  /// From the next cycle on this, and nothing else of the kind, is wrong with the bus.
  virtual void set_bus_fault(contract::BusId, const BusFault&);

  /// From the next cycle on this, and nothing else of the kind, is wrong with the node.
  void set_node_fault(unsigned node, const NodeFault&);

  /// In the next cycle some bits of a register that the CPU can write are inverted, behind the
  /// effect of a write. Of a size, the bits of size - 1; of a base, those above the offset in a
  /// line. Throws std::invalid_argument for another register, and for windows and paths.
  virtual void upset_register(unsigned node, contract::Register, std::uint32_t bits);

  /// Inverts bits of a byte of node RAM, at once. Throws std::out_of_range.
  void flip_ram(unsigned node, std::uint32_t address, std::uint8_t bits);
  std::size_t ram_bytes(unsigned node) { return ram(node).size(); }

  /// Ends the burst that is going on, if one is, after the present cycle.
  virtual void end_burst() = 0;

  /// Reads a register of every node through its CPU port, when the run is over: the hardware goes
  /// on for the cycles that this takes, but time does not and no observer is called. Nothing where
  /// the node is halted, or does not answer. The simulation cannot go on after it.
  virtual std::vector<std::optional<std::uint32_t>> peek(contract::Register) = 0;

  /// Writes no more of the waveform, and leaves the file as it is: for a copy of the process.
  virtual void drop_trace() {}

  /// A node's RAM, byte 0 first: what the engine and the CPU have written up to now.
  virtual std::span<std::byte> ram(unsigned node) = 0;

  /// What went wrong: a broken rule of the RTL, an exception of the observer. It pauses the
  /// simulation.
  std::exception_ptr failure() const { return failure_; }

 protected:
  Fabric(const sc_core::sc_module_name& name, const FabricConfig& config);

  /// One access of a CPU, in the CPU's thread, which it suspends for as long as the access takes.
  /// Calls shown() once, in the cycle in which the node is shown it. False: the node is halted.
  virtual bool access(unsigned node, bool write, std::uint32_t address, std::uint32_t& data) = 0;

  /// Tells the observer if it is a write of a register.
  void shown(unsigned node, bool write, std::uint32_t address, std::uint32_t data) const;

  void fail(std::exception_ptr failure);

  /// What CPUs see of interrupts, one bit a node, and when it changes by a fault.
  std::uint32_t seen_interrupts(std::uint32_t raised) const {
    return (raised & ~interrupts_lost_) | interrupts_stuck_;
  }
  const sc_core::sc_event& interrupt_fault() const { return interrupt_fault_; }

  /// Throws std::invalid_argument if upset_register() does not go for this one.
  static void check_upset(contract::Register reg);

  /// From the next cycle on the event ring of a node writes nothing, or does again.
  virtual void hold_events(unsigned node, bool on);

 private:
  bool tells_of(std::uint32_t address) const;
  void transport(int node, ::tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool direct_memory(int node, ::tlm::tlm_generic_payload& payload, ::tlm::tlm_dmi& dmi);

  unsigned nodes_;
  sc_core::sc_time period_;
  FabricObserver* observer_ = nullptr;
  std::exception_ptr failure_;
  std::uint32_t interrupts_lost_ = 0;
  std::uint32_t interrupts_stuck_ = 0;
  std::uint32_t events_held_ = 0;
  sc_core::sc_event interrupt_fault_;
};

/// The Verilated RTL, in the smallest of the built sizes that has room for the nodes. The others
/// are absent: halted from the start.
/// Throws std::invalid_argument if there is none. One for each process.
std::unique_ptr<Fabric> make_rtl_fabric(const FabricConfig& config);

/// The model of packets; see tlm/. Throws std::invalid_argument if there are not 1 to 16 nodes, or
/// a waveform is wanted.
std::unique_ptr<Fabric> make_tlm_fabric(const FabricConfig& config);

/// The one that the configuration names.
std::unique_ptr<Fabric> make_fabric(const FabricConfig& config);

}  // namespace xybus
