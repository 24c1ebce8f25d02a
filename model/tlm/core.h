/// Nodes and buses as a model of packets, without SystemC: what the hardware does, cycle by cycle
/// in which something happens.
#pragma once

#include <cstdint>
#include <array>
#include <utility>
#include <vector>

#include "model/fabric.h"
#include "model/tlm/agenda.h"
#include "model/tlm/bus.h"
#include "model/tlm/node.h"

namespace xybus::tlm {

class Core {
 public:
  /// `nodes` with a CPU, 1 to max_nodes. The fabric is of 4, 8 or 16 nodes, as the RTL's; the
  /// others are halted from the start.
  explicit Core(unsigned nodes);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void set_observer(FabricObserver* observer) { observer_ = observer; }

  /// The next cycle in which anything happens; never if nothing does.
  Cycle next() { return agenda_.next(); }

  /// All of that cycle.
  void run(Cycle cycle);

  /// The cycle that was run last.
  Cycle cycle() const { return cycle_; }

  /// Registers access of a node's CPU; it has its effect in cycle `cycle`. What was read stands
  /// in read_data() when that cycle has been run.
  void access(unsigned node, bool write, std::uint32_t address, std::uint32_t data, Cycle cycle);
  std::uint32_t read_data(unsigned node) const { return accesses_[node].data; }

  /// From cycle `cycle` on, which has not been run.
  void halt(unsigned node, Cycle cycle);
  void restart(unsigned node, Cycle cycle);

  /// In that cycle bits of a register of a node are inverted, behind the effect of a write.
  void upset(unsigned node, contract::Register reg, std::uint32_t bits, Cycle cycle);

  /// Something is to be looked at in that cycle, although nothing may be due.
  void look_at(Cycle cycle) {
    agenda_.set_by(Agenda::timer(Phase::choose, Agenda::units - 1), cycle);
  }

  /// Interrupts, by node.
  Nodes interrupts() const { return interrupts_; }

  /// The observer was called since this was asked last.
  bool observer_called() { return std::exchange(observer_called_, false); }

  unsigned size() const { return static_cast<unsigned>(nodes_.size()); }
  Node& node(unsigned number) { return nodes_[number]; }
  Bus& bus(contract::BusId id) { return buses_[static_cast<unsigned>(id)]; }
  Bus& bus(unsigned number) { return buses_[number]; }

  // ---- For nodes and buses ----
  Agenda& agenda() { return agenda_; }
  FabricObserver* observer() const { return observer_; }
  void note_observer() { observer_called_ = true; }
  void set_interrupt(unsigned node, bool up) {
    interrupts_ = up ? interrupts_ | 1u << node : interrupts_ & ~(1u << node);
  }
  /// Nodes that there are, halted ones too.
  Nodes present() const { return (1u << nodes_.size()) - 1; }

 private:
  struct Access {
    bool write = false;
    std::uint32_t address = 0;
    std::uint32_t data = 0;
  };
  struct Upset {
    unsigned node;
    contract::Register reg;
    std::uint32_t bits;
    Cycle cycle;
  };

  void fire(unsigned timer, Cycle cycle);
  void fire_bus(unsigned bus, unsigned unit, Cycle cycle);
  void do_access(unsigned node, Cycle cycle);
  void do_upsets(Cycle cycle);

  Agenda agenda_;
  FabricObserver* observer_ = nullptr;
  bool observer_called_ = false;
  Cycle cycle_ = 0;
  Nodes interrupts_ = 0;
  std::vector<Node> nodes_;
  std::vector<Bus> buses_;
  std::array<Access, contract::max_nodes> accesses_{};
  std::vector<Upset> upsets_;  // to come, in the order of their cycles
};

}  // namespace xybus::tlm
