/// A fabric for firmware tests: the contract's rings and answers, and no more hardware than that.
///
/// Independent of the RTL and of the models, written from the contract alone. Each node sends two
/// packets at a time, one on each bus, in no particular relation to what a real bus does with
/// them. Nodes can be halted, made busy or cut off, and answers can be lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <systemc>
#include <utility>
#include <vector>

#include "contract/contract.h"
#include "firmware/hal/hal.h"

namespace firmware_test {

namespace contract = xybus::contract;

inline sc_core::sc_time cycles(double count) { return {count * 10, sc_core::SC_NS}; }

class ContractFabric;

/// One node: its CPU as the firmware sees it, and its message engine.
class Node : public sc_core::sc_module, public xybus::hal::Hal {
 public:
  SC_HAS_PROCESS(Node);
  Node(sc_core::sc_module_name name, ContractFabric& fabric, unsigned number,
       std::size_t ram_bytes);

  // The HAL.
  std::uint32_t read(contract::Register reg) override;
  void write(contract::Register reg, std::uint32_t value) override;
  std::span<std::byte> ram() override { return ram_; }
  std::uint64_t now() const override;
  void consume(std::uint32_t count) override;
  bool interrupt() const override;
  void idle(std::uint64_t until) override;

  /// What the CPU runs, from cycle 0 on.
  std::function<void(xybus::hal::Hal&)> firmware;

  /// Stops the CPU and silences its engine.
  void halt();
  /// Runs `next` from now on, on an engine that was reset.
  void restart(std::function<void(xybus::hal::Hal&)> next);
  /// Ends an idle that is going on, as if for nothing: a test changed something from outside.
  void nudge();
  /// What the firmware threw, hal::Halted apart.
  std::exception_ptr failure;

  // What a test may set.
  bool busy = false;                  ///< Answers busy to whatever comes.
  bool busy_data = false;             ///< To data packets only.
  std::uint32_t deaf_to = 0;          ///< Sources to which it does not answer.
  std::uint32_t answers_lost_to = 0;  ///< Takes their packets, but the answers are lost.

  // What a test may look at.
  std::uint64_t packets_sent = 0;     ///< Accepted ones, heartbeats too.
  unsigned most_in_flight = 0;        ///< Descriptors posted and not reported, at their most.
  std::uint64_t doorbells = 0;
  std::uint64_t event_head_writes = 0;

 private:
  friend class ContractFabric;
  struct Posted {
    contract::SendDescriptor descriptor;
    contract::PacketHeader header;
    unsigned destination = 0;
    bool on_bus = false;
    unsigned busy = 0;
  };
  using Lane = std::pair<unsigned, contract::TrafficClass>;  // destination, class

  void cpu_thread();
  void lane_x() { lane(contract::BusId::x); }
  void lane_y() { lane(contract::BusId::y); }
  void lane(contract::BusId bus);
  void attempt(contract::BusId bus, Posted& packet);
  void fetch();
  bool fetch_from(contract::TrafficClass traffic_class);
  Posted* choose(contract::BusId bus);
  void complete(contract::BusId bus, Posted& packet, contract::SendStatus status);
  contract::Answer take(contract::BusId bus, const contract::PacketHeader& header,
                        std::span<const std::byte> payload);
  void put_event(contract::EventEntry entry);
  unsigned free_events() const;
  std::uint32_t& reg(contract::Register r) { return registers_[r]; }
  std::uint32_t value(contract::Register r) const;
  void check_halted() const;

  ContractFabric& fabric_;
  const unsigned number_;
  std::vector<std::byte> ram_;
  std::map<contract::Register, std::uint32_t> registers_;
  std::list<Posted> posted_;
  std::map<Lane, unsigned> next_sequence_;
  std::map<Lane, std::array<unsigned, 2>> last_taken_;  // by source: sequence number, epoch
  unsigned events_reserved_ = 0;
  bool halted_ = false;
  bool nudged_ = false;
  unsigned life_ = 0;  // what an engine did before a restart is void
  sc_core::sc_event work_, interrupt_changed_, wake_, restarted_;
};

class ContractFabric : public sc_core::sc_module {
 public:
  explicit ContractFabric(unsigned nodes, std::size_t ram_bytes = 262144);

  unsigned size() const { return static_cast<unsigned>(nodes_.size()); }
  Node& node(unsigned number) { return *nodes_.at(number); }
  std::array<bool, 2> bus_down{};

  /// Simulates so many cycles; throws what a firmware threw.
  void run(std::uint64_t count);
  /// Halts all CPUs and lets their threads end.
  void finish();

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace firmware_test
