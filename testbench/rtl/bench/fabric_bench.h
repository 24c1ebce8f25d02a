/// A fabric with all its CPUs, faults and checks: what the fabric benches run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "rtl/bench/bench_cpu.h"
#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/scoreboard.h"
#include "rtl/bench/transfers.h"
#include "rtl/bench/wire_faults.h"
#include "rtl/bench/wire_monitor.h"

namespace xybus::bench {

class FabricBench {
 public:
  FabricBench(FabricPins& pins, const CpuSetup& setup, const FaultOdds& odds, std::uint64_t seed);
  FabricBench(const FabricBench&) = delete;
  FabricBench& operator=(const FabricBench&) = delete;

  /// Sets up every node and runs until all are enabled.
  void start();
  /// One cycle of everything.
  void step();
  void run(std::uint64_t cycles) {
    for (std::uint64_t i = 0; i < cycles; ++i) step();
  }
  /// Runs until the condition holds; throws when it does not within the limit.
  void run_until(const std::function<bool()>& condition, std::uint64_t limit, const char* what);
  /// Runs until every message has met its fate, and no CPU has anything left to do.
  void finish(std::uint64_t limit = 20000);
  /// The fabric comes to rest, and no byte of RAM is other than it should be.
  void require_rest();
  /// No byte of RAM is other than it should be. No event may be unread.
  void check_ram();

  /// Posts one message now; there must be room in the ring.
  std::uint32_t post(unsigned source, Nodes destinations, contract::TrafficClass traffic_class,
                     Bytes payload, contract::Route route = contract::Route::any);
  /// Posts a window, and runs until it is in force.
  void post_window(unsigned node, unsigned index, const Window& window);
  /// Reads a register through the port; takes cycles.
  std::uint32_t read(unsigned node, contract::Register reg);
  void write(unsigned node, contract::Register reg, std::uint32_t value);
  std::uint32_t read_address(unsigned node, std::uint32_t address);
  void write_address(unsigned node, std::uint32_t address, std::uint32_t value);
  /// A counter, of both buses together.
  std::uint32_t count(unsigned node, contract::Register of_x);
  contract::PathState path(unsigned node, unsigned bus, unsigned destination);

  /// Halts a node for good.
  void halt(unsigned node);
  /// Starts a node afresh in the middle of whatever it does: its engine is disabled, by its CPU or,
  /// when `halt_cycles` is not 0, by a halt so long; then it is enabled with the next epoch.
  void restart(unsigned node, unsigned halt_cycles = 0);
  bool is_up(unsigned node) const { return (coming_up_ >> node & 1) == 0; }

  BenchCpu& cpu(unsigned node) { return cpus_[node]; }
  Scoreboard& board() { return board_; }
  WireFaults& faults() { return faults_; }
  WireMonitor& monitor() { return monitor_; }
  FabricPins& pins() { return pins_; }
  const FabricOutputs& now() const { return now_; }
  FabricInputs& inputs() { return inputs_; }
  unsigned nodes() const { return pins_.nodes(); }
  std::uint64_t cycle() const { return cycle_; }
  /// Who is told of transfers' events, and those of windows; nobody by default.
  void attach(Transfers* transfers) { transfers_ = transfers; }
  /// From now on a cycle in which the fabric says it is idle, and no CPU asks, gets no clock edge.
  void skip_idle() { skip_idle_ = true; }
  std::uint64_t skipped() const { return skipped_; }
  /// Called with every event a CPU reads, before anything else.
  std::function<void(unsigned, const contract::EventEntry&)> on_event;
  /// Called in every cycle behind the edge; the inputs are still those of the edge.
  std::function<void()> on_cycle;
  /// Offences on a bus so far, by kind.
  unsigned offences(unsigned bus, contract::Offence offence) const {
    return offences_[bus][static_cast<unsigned>(offence)];
  }

 private:
  void event(unsigned node, const contract::EventEntry& entry, const Bytes& payload);
  void forget(unsigned node);
  void bring_up();

  FabricPins& pins_;
  Scoreboard board_;
  WireFaults faults_;
  WireMonitor monitor_;
  FabricInputs inputs_;
  FabricOutputs now_;
  std::vector<BenchCpu> cpus_;
  Transfers* transfers_ = nullptr;
  std::uint64_t cycle_ = 0;
  std::uint64_t skipped_ = 0;
  bool skip_idle_ = false;
  Nodes coming_up_ = 0;
  std::array<std::uint64_t, contract::max_nodes> halted_until_{};
  unsigned offences_[2][4] = {};
};

/// Random traffic between the nodes of a bench.
struct TrafficSetup {
  unsigned packets = 200;      ///< Messages from each node.
  unsigned least_bytes = 0;
  unsigned most_bytes = 256;
  unsigned post_odds = 4;      ///< Each node posts once in so many cycles, while it can.
  unsigned multicast_odds = 0; ///< Once in so many messages goes to a random set of nodes.
  TransferSetup transfers{};
};

class Traffic {
 public:
  Traffic(FabricBench& bench, const TrafficSetup& setup, std::uint64_t seed);

  /// Posts what is due in this cycle, and runs it.
  void step();
  bool all_posted() const;
  void stop(unsigned node) {
    left_[node] = 0;
    transfers_.stop(node);
  }
  void stop_all();
  /// Posts everything and runs until all has met its fate; throws when nothing moves for
  /// `patience` cycles.
  void run(std::uint64_t patience = 200000);
  const Transfers& transfers() const { return transfers_; }

 private:
  FabricBench& bench_;
  TrafficSetup setup_;
  Random random_;
  std::vector<unsigned> left_;
  Transfers transfers_;
};

/// So many random bytes.
Bytes random_bytes(Random& random, unsigned count);

}  // namespace xybus::bench
