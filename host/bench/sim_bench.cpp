// How fast the hardware is simulated: the RTL with 16 nodes at its pins, then whole runs.
#include <chrono>

#include "bench/bench.h"
#include "bench/rig.h"
#include "bench/run_bench.h"

namespace xybus {

namespace {

/// The best of some runs: what disturbs a run can only make it slower.
BenchRow speed(const char* name, Rig& rig, std::uint64_t cycles) {
  using Clock = std::chrono::steady_clock;
  constexpr unsigned runs = 3;
  double best = 0;
  for (unsigned i = 0; i < runs; ++i) {
    const auto start = Clock::now();
    rig.run(cycles);
    const std::chrono::duration<double> time = Clock::now() - start;
    best = std::max(best, static_cast<double>(cycles) / time.count());
  }
  return {.name = name, .value = best, .unit = "cycles/s", .machine_dependent = true};
}

void saturate(Rig& rig, std::uint32_t bytes) {
  for (unsigned i = 0; i < rig.nodes(); ++i) {
    std::vector<unsigned> others;
    for (unsigned j = 1; j < rig.nodes(); ++j) others.push_back((i + j) % rig.nodes());
    rig.player(i).keep_sending({.destinations = others, .bytes = bytes});
  }
  rig.run(5'000);
}

}  // namespace

BenchRows bench_sim() {
  BenchRows rows;
  {
    Rig rig(false);
    rows.push_back(speed("16 nodes, idle", rig, 500'000));
  }
  for (const std::uint32_t bytes : {64U, 256U}) {
    Rig rig(false);
    saturate(rig, bytes);
    const char* const name = bytes == 64 ? "16 nodes, saturated with packets of 64 B"
                                         : "16 nodes, saturated with packets of 256 B";
    rows.push_back(speed(name, rig, 200'000));
  }
  bench_runs(rows);
  return rows;
}

}  // namespace xybus
