/// FabricPins over one Verilated model.
#pragma once

#include <verilated_syms.h>

#include <string>

#include "rtl/bench/clocked.h"
#include "rtl/bench/fabric_pins.h"

namespace xybus::bench {

/// RAM of each node of the fabrics that the benches use, in bytes.
inline constexpr unsigned fabric_ram_bytes = 32768;

template <class Model, class Symbols, unsigned NumNodes, unsigned DataWidth>
class FabricModel final : public FabricPins {
 public:
  unsigned nodes() const override { return NumNodes; }
  unsigned data_width() const override { return DataWidth; }
  std::uint64_t cycle() const override { return model_.cycle(); }

  void reset() override {
    apply({});
    model_.reset();
  }

  FabricOutputs tick(const FabricInputs& inputs) override {
    apply(inputs);
    model_.tick();
    return outputs();
  }

  FabricOutputs look(const FabricInputs& inputs) override {
    apply(inputs);
    model_.settle();
    return outputs();
  }

  std::span<std::uint8_t> ram(unsigned node) override {
    const std::string scope =
        "TOP.fabric.gen_node[" + std::to_string(node) + "].u_node.u_core.u_ram";
    const VerilatedScope* found = model_.context().scopeFind(scope.c_str());
    if (found == nullptr) throw std::logic_error("no scope " + scope);
    return {static_cast<std::uint8_t*>(found->varFind("mem")->datap()), fabric_ram_bytes};
  }

  std::vector<std::uint8_t> state() override {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(model_->rootp->vlSymsp);
    return {begin, begin + sizeof(Symbols)};
  }

 private:
  void apply(const FabricInputs& inputs) {
    Model& model = *model_;
    Nodes valid = 0, write = 0;
    for (unsigned i = 0; i < NumNodes; ++i) {
      const CpuRequest& cpu = inputs.cpu[i];
      valid |= Nodes{cpu.valid} << i;
      write |= Nodes{cpu.write} << i;
      model.cpu_address_i[i] = cpu.address;
      model.cpu_wdata_i[i] = cpu.data;
    }
    model.halt_i = inputs.halt;
    model.cpu_valid_i = valid;
    model.cpu_write_i = write;
    for (unsigned b = 0; b < 2; ++b) model.fault_flip_i[b] = inputs.flip[b];
    model.fault_drop_i = inputs.drop[0] | inputs.drop[1] << 1;
    model.fault_answer_drop_i = inputs.answer_drop[0] | inputs.answer_drop[1] << 1;
    model.fault_babble_i = inputs.babble;
    model.fault_forge_i = inputs.forge;
    model.fault_hold_i = inputs.hold;
    leave_off(model);
  }

  /// Fault points that testbench/model tries; here they are off.
  static void leave_off(Model& model) {
    model.fault_enable_i = 0;
    for (unsigned b = 0; b < 2; ++b) {
      model.fault_answer_flip_i[b] = 0;
      model.fault_stuck_mask_i[b] = 0;
      model.fault_stuck_value_i[b] = 0;
      model.fault_strobes_i[b] = 0;
      model.fault_partition_i[b] = 0;
      model.fault_slow_i[b] = 0;
    }
    model.fault_dead_i = 0;
    model.fault_double_i = 0;
    model.fault_upset_i = 0;
    model.fault_upset_offset_i = 0;
    model.fault_upset_bits_i = 0;
    model.fault_event_hold_i = 0;
  }

  FabricOutputs outputs() {
    Model& model = *model_;
    FabricOutputs out;
    for (unsigned i = 0; i < NumNodes; ++i) {
      out.ready[i] = (model.cpu_ready_o >> i & 1) != 0;
      out.data[i] = model.cpu_rdata_o[i];
    }
    out.irq = model.irq_o;
    out.idle = model.idle_o != 0;
    for (unsigned b = 0; b < 2; ++b) {
      BusOutputs& bus = out.bus[b];
      bus.start = (model.start_o >> b & 1) != 0;
      bus.start_source = model.start_source_o[b];
      bus.valid = (model.wire_valid_o >> b & 1) != 0;
      bus.first = (model.wire_first_o >> b & 1) != 0;
      bus.last = (model.wire_last_o >> b & 1) != 0;
      bus.data = model.wire_data_o[b];
      bus.answers.planes = model.answers_o[b];
      if ((model.offence_valid_o >> b & 1) != 0) {
        bus.offence = static_cast<contract::Offence>(model.offence_o[b]);
        bus.offender = model.offender_o[b];
      }
    }
    return out;
  }

  Clocked<Model> model_;
};

}  // namespace xybus::bench
