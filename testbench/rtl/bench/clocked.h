/// A Verilated module under a clock: what every bench here drives.
#pragma once

#include <verilated.h>

#include <cstdint>
#include <memory>
#include <stdexcept>

namespace xybus::bench {

/// A rule at the foot of a module did not hold. Its name went to standard output.
struct RuleBroken : std::runtime_error {
  RuleBroken() : std::runtime_error("a rule of the module is broken") {}
};

/// One model and its clock. Inputs, and registers that no reset reaches, start with random
/// contents, so that a bench sees whatever hangs on them.
template <class Model>
class Clocked {
 public:
  Clocked() {
    context_.fatalOnError(false);
    context_.randReset(2);
    context_.randSeed(1);
    model_ = std::make_unique<Model>(&context_);
    model_->clk_i = 0;
    if constexpr (requires { model_->rst_ni; }) model_->rst_ni = 1;
  }
  ~Clocked() {
    // Verilator takes a model out of the context used last, which may be that of another model and
    // gone by now.
    Verilated::threadContextp(&context_);
    model_->final();
  }

  Model* operator->() { return model_.get(); }
  Model& operator*() { return *model_; }
  VerilatedContext& context() { return context_; }
  /// Rising edges since the last reset.
  std::uint64_t cycle() const { return cycle_; }

  /// Three cycles of reset: the first edge may not pass a clock gate. No rule is checked in them:
  /// the state is still random.
  void reset() {
    context_.assertOn(false);
    model_->rst_ni = 0;
    for (int i = 0; i < 3; ++i) edge();
    context_.assertOn(true);
    model_->rst_ni = 1;
    settle();
    cycle_ = 0;
  }

  /// Lets the combinational outputs follow the inputs.
  void settle() {
    model_->clk_i = 0;
    model_->eval();
  }

  /// One rising edge. Afterwards the outputs show the new state with the old inputs.
  void tick() {
    edge();
    ++cycle_;
    if (!context_.gotError()) return;
    context_.gotError(false);
    context_.gotFinish(false);
    throw RuleBroken{};
  }

 private:
  void edge() {
    settle();
    model_->clk_i = 1;
    model_->eval();
  }

  VerilatedContext context_;
  std::unique_ptr<Model> model_;
  std::uint64_t cycle_ = 0;
};

}  // namespace xybus::bench
