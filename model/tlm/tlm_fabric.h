/// The model of packets behind the Fabric interface.
#pragma once

#include "model/fabric.h"
#include "model/tlm/core.h"

namespace xybus::tlm {

/// What the core does in cycle k it does at the time of the edge that ends cycle k-1, as the RTL.
class TlmFabric final : public Fabric {
 public:
  TlmFabric(const sc_core::sc_module_name& name, const FabricConfig& config);

  std::uint64_t cycle() const override;
  void halt(unsigned node) override;
  void restart(unsigned node) override;
  void inject(contract::BusId bus, const PacketFault& fault) override;
  void set_bus_down(contract::BusId bus, bool down) override;
  void set_rogue(unsigned node, Misdeed misdeed, bool on) override;
  void set_bus_fault(contract::BusId bus, const BusFault& fault) override;
  void upset_register(unsigned node, contract::Register reg, std::uint32_t bits) override;
  std::vector<std::optional<std::uint32_t>> peek(contract::Register reg) override;
  void end_burst() override { burst_ends_ = true; }
  std::span<std::byte> ram(unsigned node) override { return core_.node(node).ram(); }

 private:
  struct Port {
    bool busy = false;
    bool failed = false;
    sc_core::sc_event done;
    sc_core::sc_event free;
  };

  bool access(unsigned node, bool write, std::uint32_t address, std::uint32_t& data) override;
  void hold_events(unsigned node, bool on) override;

  void on_due();
  void run_burst(Cycle least);
  void run_cycles(Cycle least);
  void publish();
  void arm();
  void run_or_arm();
  Cycle last_free_cycle(Cycle least) const;
  /// The first cycle that has not been run, and may still be acted on.
  Cycle open_cycle() const;
  std::uint64_t time_of(Cycle cycle) const { return (cycle - 1) * ticks() + ticks() / 2; }

  Core core_;
  bool bursts_;
  bool skip_;
  bool in_burst_ = false;
  bool burst_ends_ = false;
  Cycle cycle_ = 0;      // last run
  Nodes published_ = 0;  // interrupts, as published or about to be
  Nodes shown_ = 0;      // as the signals have them
  std::uint64_t armed_ = ~std::uint64_t{0};  // time of the pending activation
  std::vector<Port> ports_;
  sc_core::sc_event due_;
  sc_core::sc_event publish_;
};

}  // namespace xybus::tlm
