/// A CPU for tests of the dispatcher alone.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <string>

#include "firmware/dispatcher/dispatcher.h"

namespace firmware_test {

using xybus::CostTable;
using xybus::Dispatcher;
using xybus::KernelCall;
using xybus::Process;
using xybus::ProcessState;
using xybus::Task;
using EventBit = xybus::contract::EventBit;

/// A CPU with no engine: its interrupt line goes up at given cycles. When nothing can happen any
/// more, or after `end` cycles, it halts.
class BareCpu : public xybus::hal::Hal {
 public:
  std::uint32_t read(xybus::contract::Register) override { return 0; }
  void write(xybus::contract::Register, std::uint32_t) override {}
  std::span<std::byte> ram() override { return {}; }
  std::uint64_t now() const override { return now_; }
  bool interrupt() const override { return !interrupts.empty() && interrupts.front() <= now_; }
  void consume(std::uint32_t cycles) override { pass(now_ + cycles); }
  void idle(std::uint64_t until) override {
    ++idle_calls;
    if (!interrupts.empty()) until = std::min(until, interrupts.front());
    if (until > now_) pass(until);
  }

  std::deque<std::uint64_t> interrupts;
  std::uint64_t end = 1'000'000;
  unsigned idle_calls = 0;

 private:
  void pass(std::uint64_t to) {
    if (to > end) throw xybus::hal::Halted{};
    now_ = to;
  }
  std::uint64_t now_ = 0;
};

/// A dispatcher whose processes write letters, and whose interrupt runs an action.
struct Cpu {
  explicit Cpu(const CostTable& costs = CostTable::zero()) : dispatcher(hal, costs) {
    dispatcher.set_interrupt_handler([this] {
      hal.interrupts.pop_front();
      if (on_interrupt) on_interrupt();
    });
  }
  void run() { CHECK_THROWS_AS(dispatcher.run(), xybus::hal::Halted); }

  BareCpu hal;
  Dispatcher dispatcher;
  std::string written;
  std::function<void()> on_interrupt;
};

}  // namespace firmware_test
