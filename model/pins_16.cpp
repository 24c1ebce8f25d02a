// The pins of the fabric with room for 16 nodes.
#include <verilated.h>
#include <verilated_sym_props.h>
#include <verilated_syms.h>

#include <stdexcept>
#include <string>

#include "Vrtl_16.h"
#include "model/pins.h"

namespace xybus {

namespace {

constexpr unsigned node_count = 16;

class Pins16 final : public Pins {
 public:
  Pins16();
  ~Pins16() override;

  unsigned nodes() const override { return node_count; }
  void request(unsigned node, bool write, std::uint32_t address, std::uint32_t data) override;
  void set_bus_down(contract::BusId bus, bool down) override;
  void step() override;
  std::uint32_t read_data(unsigned node) const override { return top_->cpu_rdata_o[node]; }
  std::span<std::byte> ram(unsigned node) override { return ram_[node]; }

 private:
  void clock();
  void look();

  VerilatedContext context_;
  std::unique_ptr<Vrtl_16> top_;
  std::array<std::span<std::byte>, node_count> ram_;
};

Pins16::Pins16() {
  Verilated::threadContextp(&context_);
  context_.fatalOnError(false);
  context_.randReset(0);
  top_ = std::make_unique<Vrtl_16>(&context_, "TOP");
  context_.assertOn(false);  // rules do not bind registers that have not been reset yet
  for (unsigned i = 0; i < 4; ++i) clock();
  top_->rst_ni = 1;
  top_->eval();
  context_.assertOn(true);
  for (unsigned i = 0; i < node_count; ++i) {
    const std::string name = "TOP.fabric.gen_node[" + std::to_string(i) + "].u_node.u_core.u_ram";
    const VerilatedScope* const scope = context_.scopeFind(name.c_str());
    const VerilatedVar* const mem = scope == nullptr ? nullptr : scope->varFind("mem");
    if (mem == nullptr) throw std::logic_error("no node RAM at " + name);
    ram_[i] = {static_cast<std::byte*>(mem->datap()), mem->totalSize()};
  }
}

Pins16::~Pins16() {
  Verilated::threadContextp(&context_);  // Verilator destroys by way of the current context
  top_->final();
  top_.reset();
}

void Pins16::request(unsigned node, bool write, std::uint32_t address, std::uint32_t data) {
  const auto bit = static_cast<std::uint16_t>(1U << node);
  top_->cpu_valid_i |= bit;
  top_->cpu_address_i[node] = address;
  top_->cpu_wdata_i[node] = data;
  if (write) {
    top_->cpu_write_i |= bit;
  } else {
    top_->cpu_write_i &= static_cast<std::uint16_t>(~bit);
  }
}

void Pins16::set_bus_down(contract::BusId bus, bool down) {
  const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(bus));
  const auto set = [&](auto& pins) {
    pins = static_cast<std::uint8_t>(down ? pins | bit : pins & ~bit);
  };
  set(top_->fault_drop_i);
  set(top_->fault_answer_drop_i);
}

void Pins16::clock() {
  top_->clk_i = 1;
  top_->eval();
  top_->clk_i = 0;
  top_->cpu_valid_i = 0;
  top_->eval();
}

void Pins16::step() {
  context_.time(cycle_);
  clock();
  ++cycle_;
  look();
  if (context_.gotFinish()) {
    throw std::runtime_error("an assertion of the hardware failed before cycle " +
                             std::to_string(cycle_) + " (the message is above)");
  }
}

void Pins16::look() {
  const Vrtl_16& top = *top_;
  ready_ = top.cpu_ready_o;
  interrupts_ = top.irq_o;
  idle_ = top.idle_o != 0;
  for (unsigned b = 0; b < wires_.size(); ++b) {
    const auto bit = [&](auto pins) { return (pins >> b & 1) != 0; };
    wires_[b] = {.start = bit(top.start_o),
                 .start_source = top.start_source_o[b],
                 .valid = bit(top.wire_valid_o),
                 .first = bit(top.wire_first_o),
                 .last = bit(top.wire_last_o),
                 .data = top.wire_data_o[b],
                 .answers = Answers::from_wires(top.answers_o[b])};
  }
}

}  // namespace

std::unique_ptr<Pins> make_pins_16() { return std::make_unique<Pins16>(); }

}  // namespace xybus
