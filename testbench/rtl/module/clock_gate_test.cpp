#include <catch2/catch.hpp>

#include "Vclock_gates_bench.h"
#include "rtl/bench/random.h"

using namespace xybus::bench;

namespace {

/// The gates, at half cycles.
class Gates {
 public:
  Gates() {
    top_.clk_i = 0;
    top_.enable_i = 0;
    top_.eval();
  }
  ~Gates() { top_.final(); }

  void clock(bool up) {
    top_.clk_i = up;
    top_.eval();
  }
  void enable(bool on) {
    top_.enable_i = on;
    top_.eval();
  }
  bool gated_clock() const { return top_.gated_o != 0; }
  unsigned gated_edges() const { return top_.gated_edges_o; }
  unsigned free_edges() const { return top_.free_edges_o; }

 private:
  VerilatedContext context_;
  Vclock_gates_bench top_{&context_};
};

}  // namespace

TEST_CASE("clock gate: an edge passes when the enable was up in the cycle before it") {
  Gates gates;
  Random random(choose_seed(43));
  // The first falling edge takes the first enable.
  gates.clock(true);
  unsigned passed = gates.gated_edges(), all = gates.free_edges();
  for (int i = 0; i < 1000; ++i) {
    const bool on = random.once_in(2);
    gates.enable(on);
    gates.clock(false);
    gates.clock(true);
    passed += on;
    ++all;
    REQUIRE(gates.gated_edges() == passed);
    REQUIRE(gates.free_edges() == all);
  }
}

TEST_CASE("clock gate: an enable that moves in either half of a cycle makes no edge of its own") {
  Gates gates;
  Random random(choose_seed(44));
  gates.clock(true);
  gates.clock(false);
  for (int i = 0; i < 1000; ++i) {
    const bool up = i % 2 == 0;
    gates.clock(up);
    const bool before = gates.gated_clock();
    const unsigned edges = gates.gated_edges();
    for (int k = 0; k < 3; ++k) {
      gates.enable(random.once_in(2));
      REQUIRE(gates.gated_clock() == before);
      REQUIRE(gates.gated_edges() == edges);
    }
    if (!up) CHECK_FALSE(gates.gated_clock());
  }
}
