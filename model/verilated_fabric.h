/// The Verilated RTL behind the Fabric interface. Included only where one size is instantiated,
/// and behind the Verilated header: in front of it SystemC would change what Verilator declares.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <verilated.h>
#include <verilated_sym_props.h>
#include <verilated_syms.h>

#include "model/bus_tap.h"
#include "model/fabric.h"
#include "model/kernel_time.h"
#include "model/waveform.h"

namespace xybus {

/// The RTL registers all its inputs: what is applied before the edge of cycle k acts from cycle
/// k+1 on. So one evaluation with the inputs and the clock up takes it from cycle k to k+1, and the
/// outputs then stand.
template <class Model, unsigned Nodes>
class VerilatedFabric final : public Fabric {
 public:
  VerilatedFabric(const sc_core::sc_module_name& name, const FabricConfig& config);
  ~VerilatedFabric() override;

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
  void drop_trace() override { static_cast<void>(waveform_.release()); }
  std::span<std::byte> ram(unsigned node) override { return ram_[node]; }

 private:
  static constexpr unsigned buses = 2;
  static constexpr std::uint64_t longest_burst = 1 << 16;

  /// So long after a halt an access that the hardware had been shown before has come to its end:
  /// the engine leaves node RAM alone three cycles after it.
  static constexpr std::uint64_t port_drains = 8;

  struct Port {
    bool busy = false;
    bool failed = false;
    std::uint32_t data = 0;
    std::uint64_t drained = 0;  // cycle from which on it is free of what a halt broke off
    sc_core::sc_event done;
    sc_core::sc_event free;
  };

  bool access(unsigned node, bool write, std::uint32_t address, std::uint32_t& data) override;
  void hold_events(unsigned node, bool on) override;

  void reset();
  void find_ram();
  void on_edge();
  void run_burst();
  void publish();
  bool step();
  void clock();
  void apply_requests();
  void apply_inputs();
  void apply_upset();
  bool look();
  void look_at_guardian(unsigned bus);
  void look_at_bus(unsigned bus);
  void wake();
  std::uint64_t last_free_edge() const;
  std::uint64_t edge_time(std::uint64_t cycle) const { return cycle * ticks() + ticks() / 2; }
  void notify_at(sc_core::sc_event& event, std::uint64_t time);
  void fail_if_stopped();

  VerilatedContext context_;
  std::unique_ptr<Model> top_;
  std::unique_ptr<Waveform<Model>> waveform_;
  std::array<std::span<std::byte>, Nodes> ram_;
  bool bursts_;
  bool skip_;

  std::uint64_t cycle_ = 0;    // whose edge is evaluated next
  bool asleep_ = false;        // idle: no edge is due
  bool in_burst_ = false;
  bool burst_ends_ = false;
  bool observer_called_ = false;
  bool inputs_changed_ = true;  // not yet acted on by an edge

  std::array<BusTap, buses> taps_{BusTap{contract::BusId::x}, BusTap{contract::BusId::y}};
  std::array<BusTap::Drive, buses> driven_{};  // what the fault inputs hold
  std::array<bool, buses> down_{};
  std::array<std::uint32_t, 3> rogues_{};  // nodes, by Misdeed
  std::array<BusFault, buses> bus_faults_{};
  std::uint32_t events_held_ = 0;  // nodes
  // The first is applied; one a cycle.
  struct Upset {
    unsigned node;
    contract::Register reg;
    std::uint32_t bits;
  };
  std::vector<Upset> upsets_;
  std::uint32_t halted_;
  std::uint32_t halts_ = 0;        // halts that no edge has seen yet
  std::uint32_t requests_ = 0;     // made, not yet shown to the hardware
  std::uint32_t outstanding_ = 0;  // shown, not yet answered
  std::uint32_t irq_ = 0;          // as last published, or about to be
  std::vector<Port> ports_;

  sc_core::sc_event edge_;
  sc_core::sc_event publish_;
};

template <class Model, unsigned Nodes>
VerilatedFabric<Model, Nodes>::VerilatedFabric(const sc_core::sc_module_name& name,
                                               const FabricConfig& config)
    : Fabric(name, config),
      bursts_(config.bursts),
      skip_(config.skip),
      halted_(static_cast<std::uint32_t>(((std::uint64_t{1} << Nodes) - 1) &
                                         ~((std::uint64_t{1} << config.nodes) - 1))),
      ports_(config.nodes) {
  Verilated::threadContextp(&context_);
  context_.fatalOnError(false);  // a failed assertion ends the run, not the process
  context_.randReset(config.start_state == 0 ? 0 : 2);
  context_.randSeed(static_cast<int>(config.start_state));
  context_.traceEverOn(!config.trace_file.empty());
  top_ = std::make_unique<Model>(&context_, "TOP");
  if (!config.trace_file.empty()) waveform_ = std::make_unique<Waveform<Model>>(*top_, config);
  reset();
  find_ram();

  SC_HAS_PROCESS(VerilatedFabric);
  SC_METHOD(on_edge);
  sensitive << edge_;
  dont_initialize();
  SC_METHOD(publish);
  sensitive << publish_ << interrupt_fault();
  dont_initialize();
  notify_at(edge_, edge_time(0));
}

template <class Model, unsigned Nodes>
VerilatedFabric<Model, Nodes>::~VerilatedFabric() {
  Verilated::threadContextp(&context_);  // Verilator destroys by way of the current context
  waveform_.reset();
  top_->final();
  top_.reset();
}

// Cycle 0 is the first one out of reset; what comes before has no number.
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::reset() {
  constexpr unsigned reset_cycles = 4;
  context_.assertOn(false);  // rules do not bind registers that have not been reset yet
  top_->rst_ni = 0;
  top_->clk_i = 0;
  top_->cpu_valid_i = 0;
  apply_inputs();
  top_->fault_upset_i = 0;
  for (unsigned i = 0; i < reset_cycles; ++i) {
    top_->clk_i = 1;
    top_->eval();
    top_->clk_i = 0;
    top_->eval();
  }
  top_->rst_ni = 1;
  top_->eval();
  context_.assertOn(true);
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::find_ram() {
  for (unsigned i = 0; i < Nodes; ++i) {
    const std::string name = "TOP.fabric.gen_node[" + std::to_string(i) + "].u_node.u_core.u_ram";
    const VerilatedScope* const scope = context_.scopeFind(name.c_str());
    const VerilatedVar* const mem = scope == nullptr ? nullptr : scope->varFind("mem");
    if (mem == nullptr) throw std::logic_error("no node RAM at " + name);
    ram_[i] = {static_cast<std::byte*>(mem->datap()), mem->totalSize()};
  }
}

template <class Model, unsigned Nodes>
std::uint64_t VerilatedFabric<Model, Nodes>::cycle() const {
  if (in_burst_) return cycle_;
  return std::max(cycle_, kernel_time() / ticks());
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::halt(unsigned node) {
  halted_ |= 1u << node;
  halts_ |= 1u << node;
  requests_ &= ~halted_;
  outstanding_ &= ~halted_;
  Port& port = ports_.at(node);
  port.drained = cycle() + port_drains;
  if (port.busy) {
    port.failed = true;
    port.done.notify(sc_core::SC_ZERO_TIME);
  } else {
    port.free.notify(sc_core::SC_ZERO_TIME);
  }
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::restart(unsigned node) {
  if (node >= nodes()) throw std::out_of_range("no such node");
  if ((halted_ >> node & 1) == 0) return;
  halted_ &= ~(1u << node);
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::inject(contract::BusId bus, const PacketFault& fault) {
  taps_[static_cast<unsigned>(bus)].inject(fault);
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::set_bus_down(contract::BusId bus, bool down) {
  down_[static_cast<unsigned>(bus)] = down;
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::set_rogue(unsigned node, Misdeed misdeed, bool on) {
  std::uint32_t& nodes_at_it = rogues_[static_cast<unsigned>(misdeed)];
  const std::uint32_t bit = 1u << node;
  nodes_at_it = on ? nodes_at_it | bit : nodes_at_it & ~bit;
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::set_bus_fault(contract::BusId bus, const BusFault& fault) {
  bus_faults_[static_cast<unsigned>(bus)] = fault;
  taps_[static_cast<unsigned>(bus)].set_partition(fault.partition);
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::upset_register(unsigned node, contract::Register reg,
                                                   std::uint32_t bits) {
  check_upset(reg);
  upsets_.push_back({node, reg, bits});
  inputs_changed_ = true;
  wake();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::hold_events(unsigned node, bool on) {
  const std::uint32_t bit = 1u << node;
  events_held_ = on ? events_held_ | bit : events_held_ & ~bit;
  inputs_changed_ = true;
  wake();
}

// An access of a CPU that is under way ends first: a port takes one at a time.
template <class Model, unsigned Nodes>
std::vector<std::optional<std::uint32_t>> VerilatedFabric<Model, Nodes>::peek(
    contract::Register reg) {
  constexpr unsigned longest_access = 64;
  std::vector<std::optional<std::uint32_t>> values(nodes());
  if (failure()) return values;
  Verilated::threadContextp(&context_);
  const auto wait_for = [&](std::uint32_t& wanted, auto&& take) {
    for (unsigned i = 0; i < longest_access && wanted != 0; ++i) {
      clock();
      for (std::uint32_t left = top_->cpu_ready_o & wanted; left != 0; left &= left - 1) {
        take(static_cast<unsigned>(std::countr_zero(left)));
      }
      wanted &= ~static_cast<std::uint32_t>(top_->cpu_ready_o);
    }
  };
  wait_for(outstanding_, [](unsigned) {});
  for (const Port& port : ports_) {
    for (std::uint64_t i = cycle_; i < port.drained; ++i) clock();
  }
  std::uint32_t wanted = ((std::uint32_t{1} << nodes()) - 1) & ~halted_;
  for (unsigned i = 0; i < nodes(); ++i) {
    top_->cpu_address_i[i] = static_cast<std::uint32_t>(reg);
  }
  top_->cpu_write_i = 0;
  top_->cpu_valid_i = wanted;
  wait_for(wanted, [&](unsigned node) { values[node] = top_->cpu_rdata_o[node]; });
  return values;
}

template <class Model, unsigned Nodes>
bool VerilatedFabric<Model, Nodes>::access(unsigned node, bool write, std::uint32_t address,
                                           std::uint32_t& data) {
  Port& port = ports_[node];
  const std::uint64_t late = kernel_time() % ticks();
  if (late != 0) sc_core::wait(sc_core::sc_time::from_value(ticks() - late));
  while (port.busy) sc_core::wait(port.free);
  const std::uint64_t drained = port.drained;
  while (kernel_time() < drained * ticks() && port.drained == drained) {
    sc_core::wait(until_time(drained * ticks()), port.free);
  }
  if ((halted_ >> node & 1) != 0 || port.drained != drained) return false;

  port.busy = true;
  port.failed = false;
  requests_ |= 1u << node;
  wake();
  assert(cycle_ == kernel_time() / ticks());
  shown(node, write, address, data);
  top_->cpu_address_i[node] = address;
  top_->cpu_wdata_i[node] = data;
  const std::uint32_t bit = 1u << node;
  top_->cpu_write_i = write ? top_->cpu_write_i | bit : top_->cpu_write_i & ~bit;
  sc_core::wait(port.done);
  port.busy = false;
  port.free.notify();
  data = port.data;
  return !port.failed;
}

// An edge is due again, the earliest that lies not in the past.
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::wake() {
  if (!asleep_) return;
  const std::uint64_t now = kernel_time();
  cycle_ = std::max(cycle_, (now + ticks() / 2 - 1) / ticks());
  asleep_ = false;
  notify_at(edge_, edge_time(cycle_));
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::notify_at(sc_core::sc_event& event, std::uint64_t time) {
  assert(time >= kernel_time());
  event.notify(until_time(time));
}

// The last edge before the next thing the kernel has to do; one is always evaluated.
template <class Model, unsigned Nodes>
std::uint64_t VerilatedFabric<Model, Nodes>::last_free_edge() const {
  if (!bursts_) return 0;
  const std::uint64_t now = kernel_time();
  const std::uint64_t pending = now + sc_core::sc_time_to_pending_activity().value();
  const std::uint64_t half = ticks() / 2;
  return pending <= half ? 0 : (pending - half - 1) / ticks();
}

// Nothing may be thrown through the kernel.
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::on_edge() {
  try {
    run_burst();
  } catch (...) {
    in_burst_ = false;
    fail(std::current_exception());
  }
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::run_burst() {
  Verilated::threadContextp(&context_);
  const std::uint64_t cap = cycle_ + longest_burst;
  std::uint64_t last = last_free_edge();
  in_burst_ = true;
  burst_ends_ = false;
  bool news = false;
  do {
    news = step();
    asleep_ = skip_ && top_->idle_o != 0 && !inputs_changed_ && outstanding_ == 0 &&
              !taps_[0].waiting() && !taps_[1].waiting();
    if (observer_called_) {
      last = last_free_edge();
      observer_called_ = false;
    }
  } while (!news && !asleep_ && !burst_ends_ && cycle_ <= last && cycle_ < cap &&
           !context_.gotFinish());
  in_burst_ = false;
  fail_if_stopped();
  if (!asleep_) notify_at(edge_, edge_time(cycle_));
}

template <class Model, unsigned Nodes>
bool VerilatedFabric<Model, Nodes>::step() {
  Model& top = *top_;
  context_.time(edge_time(cycle_));
  if (waveform_) [[unlikely]] waveform_->before(cycle_);
  if (requests_ != 0) apply_requests();
  if (inputs_changed_) apply_inputs();
  if (waveform_) [[unlikely]] {
    top.eval();
    waveform_->low(cycle_);
  }
  top.clk_i = 1;
  top.eval();
  if (waveform_) [[unlikely]] waveform_->high(cycle_);

  top.clk_i = 0;
  top.cpu_valid_i = 0;
  top.eval();
  ++cycle_;
  return look();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::apply_requests() {
  top_->cpu_valid_i = requests_;
  outstanding_ |= requests_;
  requests_ = 0;
}

// One clock edge outside of time; see peek().
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::clock() {
  top_->clk_i = 1;
  top_->eval();
  top_->clk_i = 0;
  top_->cpu_valid_i = 0;
  top_->eval();
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::apply_inputs() {
  inputs_changed_ = false;
  top_->halt_i = halted_ | halts_;
  inputs_changed_ = (halts_ & ~halted_) != 0;  // over again with the next edge
  halts_ = 0;
  top_->fault_babble_i = rogues_[static_cast<unsigned>(Misdeed::babble)];
  top_->fault_forge_i = rogues_[static_cast<unsigned>(Misdeed::forge)];
  top_->fault_hold_i = rogues_[static_cast<unsigned>(Misdeed::hold)];
  unsigned drop = 0;
  unsigned answer_drop = 0;
  unsigned dead = 0;
  unsigned double_grant = 0;
  for (unsigned b = 0; b < buses; ++b) {
    taps_[b].set_down(down_[b]);
    const BusTap::Drive& drive = driven_[b] = taps_[b].next();
    const BusFault& fault = bus_faults_[b];
    top_->fault_flip_i[b] = drive.flip;
    top_->fault_answer_flip_i[b] = drive.answer_flip;
    top_->fault_strobes_i[b] = static_cast<unsigned>(drive.valid) << 2 |
                               static_cast<unsigned>(drive.first) << 1 |
                               static_cast<unsigned>(drive.last);
    top_->fault_stuck_mask_i[b] = fault.stuck_mask;
    top_->fault_stuck_value_i[b] = fault.stuck_value;
    top_->fault_partition_i[b] = fault.partition;
    top_->fault_slow_i[b] = fault.slow;
    drop |= static_cast<unsigned>(drive.drop) << b;
    answer_drop |= static_cast<unsigned>(drive.answer_drop) << b;
    dead |= static_cast<unsigned>(drive.hold || fault.dead) << b;
    double_grant |= static_cast<unsigned>(fault.double_grant) << b;
  }
  top_->fault_drop_i = drop;
  top_->fault_answer_drop_i = answer_drop;
  top_->fault_dead_i = dead;
  top_->fault_double_i = double_grant;
  top_->fault_event_hold_i = events_held_;
  if (!upsets_.empty() || top_->fault_upset_i != 0) apply_upset();
  bool enable = dead != 0 || events_held_ != 0 || top_->fault_upset_i != 0;
  for (unsigned b = 0; b < buses; ++b) {
    enable = enable || driven_[b].valid || driven_[b].answer_flip != 0 ||
             !(bus_faults_[b] == BusFault{});
  }
  top_->fault_enable_i = enable;
}

// The input is up for one edge.
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::apply_upset() {
  top_->fault_upset_i = 0;
  if (upsets_.empty()) return;
  const Upset upset = upsets_.front();
  upsets_.erase(upsets_.begin());
  top_->fault_upset_i = 1u << upset.node;
  top_->fault_upset_offset_i = static_cast<std::uint32_t>(upset.reg);
  top_->fault_upset_bits_i = upset.bits;
  inputs_changed_ = true;
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::look_at_guardian(unsigned b) {
  if ((top_->offence_valid_o >> b & 1) == 0 || observer() == nullptr) return;
  observer()->offence(static_cast<contract::BusId>(b), cycle_, top_->offender_o[b],
                      static_cast<contract::Offence>(top_->offence_o[b]));
  observer_called_ = true;
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::look_at_bus(unsigned b) {
  Model& top = *top_;
  if (((top.start_o | top.wire_valid_o) >> b & 1) == 0 && !taps_[b].waiting()) return;
  observer_called_ |= taps_[b].see(cycle_,
                                   {.start = (top.start_o >> b & 1) != 0,
                                    .start_source = top.start_source_o[b],
                                    .valid = (top.wire_valid_o >> b & 1) != 0,
                                    .first = (top.wire_first_o >> b & 1) != 0,
                                    .last = (top.wire_last_o >> b & 1) != 0,
                                    .data = top.wire_data_o[b],
                                    .answers = Answers::from_wires(top.answers_o[b]),
                                    .sent = top.sent_data_o[b],
                                    .collision = (top.wire_collision_o >> b & 1) != 0},
                                   observer());
  inputs_changed_ |= !(taps_[b].next() == driven_[b]);
}

// Looks at the outputs of the new cycle. True: there is something for the CPUs.
template <class Model, unsigned Nodes>
bool VerilatedFabric<Model, Nodes>::look() {
  Model& top = *top_;
  if (top.offence_valid_o != 0) [[unlikely]] {
    for (unsigned b = 0; b < buses; ++b) look_at_guardian(b);
  }
  if ((top.start_o | top.wire_valid_o) != 0 || taps_[0].waiting() || taps_[1].waiting()) {
    for (unsigned b = 0; b < buses; ++b) look_at_bus(b);
  }
  const std::uint32_t ready = top.cpu_ready_o & outstanding_;
  const std::uint32_t irq = top.irq_o;
  if ((ready | (irq ^ irq_)) == 0) [[likely]] return false;

  outstanding_ &= ~ready;
  for (std::uint32_t left = ready; left != 0; left &= left - 1) {
    const unsigned node = static_cast<unsigned>(std::countr_zero(left));
    ports_[node].data = top.cpu_rdata_o[node];
    notify_at(ports_[node].done, cycle_ * ticks());
  }
  if (irq != irq_) {
    irq_ = irq;
    notify_at(publish_, edge_time(cycle_ - 1));
  }
  return true;
}

// At the time of the edge, so that it is settled when the CPUs act in the next cycle.
template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::publish() {
  const std::uint32_t seen = seen_interrupts(irq_);
  for (unsigned i = 0; i < nodes(); ++i) interrupt[i].write((seen >> i & 1) != 0);
}

template <class Model, unsigned Nodes>
void VerilatedFabric<Model, Nodes>::fail_if_stopped() {
  if (!context_.gotFinish() || failure()) return;
  fail(std::make_exception_ptr(std::runtime_error(
      "an assertion of the hardware failed before cycle " + std::to_string(cycle_) +
      " (the message is above)")));
}

}  // namespace xybus
