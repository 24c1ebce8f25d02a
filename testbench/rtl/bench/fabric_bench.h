/// A fabric with all its CPUs, faults and checks: what the fabric benches run.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "rtl/bench/bench_cpu.h"
#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/scoreboard.h"
#include "rtl/bench/wire_faults.h"
#include "rtl/bench/wire_monitor.h"

namespace xybus::bench {

class FabricBench {
 public:
  FabricBench(FabricPins& pins, const CpuSetup& setup, const FaultOdds& odds, std::uint64_t seed);

  /// Sets up every node and runs until all are enabled.
  void start();
  /// One cycle of everything.
  void step();
  void run(std::uint64_t cycles) {
    for (std::uint64_t i = 0; i < cycles; ++i) step();
  }
  /// Runs until the condition holds; throws when it does not within the limit.
  void run_until(const std::function<bool()>& condition, std::uint64_t limit, const char* what);

  /// Posts one packet now; there must be room in the ring.
  std::uint32_t post(unsigned source, unsigned destination, contract::TrafficClass traffic_class,
                     Bytes payload);
  /// Reads a register through the port; takes cycles.
  std::uint32_t read(unsigned node, contract::Register reg);
  void write(unsigned node, contract::Register reg, std::uint32_t value);
  std::uint32_t read_address(unsigned node, std::uint32_t address);
  void write_address(unsigned node, std::uint32_t address, std::uint32_t value);
  void halt(unsigned node);

  BenchCpu& cpu(unsigned node) { return cpus_[node]; }
  Scoreboard& board() { return board_; }
  WireFaults& faults() { return faults_; }
  WireMonitor& monitor() { return monitor_; }
  FabricPins& pins() { return pins_; }
  const FabricOutputs& now() const { return now_; }
  FabricInputs& inputs() { return inputs_; }
  unsigned nodes() const { return pins_.nodes(); }
  std::uint64_t cycle() const { return cycle_; }
  /// From now on a cycle in which the fabric says it is idle, and no CPU asks, gets no clock edge.
  void skip_idle() { skip_idle_ = true; }
  std::uint64_t skipped() const { return skipped_; }
  /// Called with every event a CPU reads, before the scoreboard.
  std::function<void(unsigned, const contract::EventEntry&)> on_event;

 private:
  bool quiet() const;

  FabricPins& pins_;
  Scoreboard board_;
  WireFaults faults_;
  WireMonitor monitor_;
  FabricInputs inputs_;
  FabricOutputs now_;
  std::vector<BenchCpu> cpus_;
  std::uint64_t cycle_ = 0;
  std::uint64_t skipped_ = 0;
  bool skip_idle_ = false;
};

/// Random traffic between the nodes of a bench.
struct TrafficSetup {
  unsigned packets = 200;   ///< From each node.
  unsigned least_bytes = 0;
  unsigned most_bytes = 256;
  unsigned post_odds = 4;   ///< Each node posts once in so many cycles, while it can.
};

class Traffic {
 public:
  Traffic(FabricBench& bench, const TrafficSetup& setup, std::uint64_t seed);

  /// Posts what is due in this cycle, and runs it.
  void step();
  bool all_posted() const;
  void stop(unsigned node) { left_[node] = 0; }
  /// Posts everything and runs until all packets have met their fate; throws when nothing moves
  /// for `patience` cycles.
  void run(std::uint64_t patience = 200000);

 private:
  FabricBench& bench_;
  TrafficSetup setup_;
  Random random_;
  std::vector<unsigned> left_;
};

/// So many random bytes.
Bytes random_bytes(Random& random, unsigned count);

}  // namespace xybus::bench
