/// A fabric for firmware tests: the contract's rings, windows and answers, and no more hardware
/// than that.
///
/// Independent of the RTL and of the models, written from the contract alone. Each node sends two
/// packets at a time, one on each bus, in no particular relation to what a real bus does with
/// them. Nodes can be halted, made busy or cut off, and answers can be lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
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
  bool busy_reads = false;            ///< To remote reads only.
  bool refuse_reads = false;          ///< Refuses all remote reads.
  bool refuse_writes = false;         ///< And writes.
  bool stuck_delivery = false;        ///< What is accepted does not get into RAM.
  std::uint32_t deaf_to = 0;          ///< Sources to which it does not answer.
  std::uint32_t answers_lost_to = 0;  ///< Takes their packets, but the answers are lost.
  unsigned lose_answer_each = 0;      ///< Every so many an answer of its own is lost; 0 none.

  // What a test may look at.
  std::uint64_t packets_sent = 0;     ///< Messages accepted by all, heartbeats too.
  std::uint64_t transfers_sent = 0;   ///< Those that ended, in whatever way.
  unsigned most_in_flight = 0;        ///< Descriptors posted and not reported, at their most.
  std::uint64_t doorbells = 0;
  std::uint64_t event_head_writes = 0;
  std::uint64_t writes_stored = 0;    ///< Write packets taken.
  std::uint64_t reads_served = 0;     ///< Read packets taken.
  std::uint64_t violations = 0;       ///< Packets refused.
  std::uint64_t reads_failed = 0;     ///< Remote reads that ended early.

 private:
  friend class ContractFabric;

  struct Window {
    contract::WindowControlRegister control;
    std::uint32_t base = 0;
    std::uint32_t length = 0;
  };

  enum class Origin { ring, bulk, server };

  /// A packet to be sent: from a ring, or a piece of a transfer.
  struct Posted {
    contract::PacketHeader header;  // with all its destinations
    Origin origin{};
    contract::Route route = contract::Route::any;
    std::uint32_t cookie = 0;
    std::optional<contract::WindowWord> window;
    std::uint32_t address = 0;         // of the payload, or
    std::vector<std::byte> payload;    // the payload itself
    std::uint32_t left = 0;            // destinations that have not met their fate
    std::uint32_t missed = 0;
    unsigned busy = 0;
    bool numbered = false;
    bool on_bus = false;
    contract::SendStatus status = contract::SendStatus::ok;
    bool over = false;
  };
  using Packet = std::shared_ptr<Posted>;

  /// One that was posted in the data ring, or is served for another node.
  struct Transfer {
    contract::PacketKind kind{};
    unsigned node = 0;
    contract::WindowWord far;
    std::uint32_t address = 0;  // a read: the offset in the own window
    std::uint32_t length = 0;
    unsigned own_window = 0;
    contract::WindowWord own;   // served: the window read from
    bool notify = false;
    std::uint32_t cookie = 0;
    std::uint32_t mask = 0;
  };

  /// An accepted packet on its way to RAM.
  struct Delivery {
    std::uint32_t address = 0;
    std::vector<std::byte> data;
    std::optional<contract::EventEntry> event;
  };

  using Flow = std::pair<unsigned, contract::TrafficClass>;  // the other node, class

  // contract_fabric.cpp
  void cpu_thread();
  void reset();
  std::uint32_t& reg(contract::Register r) { return registers_[r]; }
  std::uint32_t value(contract::Register r) const;
  void write_window(std::uint32_t offset, std::uint32_t v);
  bool enabled() const;
  void check_halted() const;
  void put_event(contract::EventEntry entry);
  unsigned free_events() const;

  // contract_send.cpp
  void lane_x() { lane(contract::BusId::x); }
  void lane_y() { lane(contract::BusId::y); }
  void lane(contract::BusId bus);
  void fetch();
  bool fetch_from(contract::TrafficClass traffic_class);
  void fetch_transfer(const contract::SendDescriptor& descriptor);
  void launch(const Packet& packet, contract::TrafficClass traffic_class);
  void give_number(Posted& packet);
  Packet choose(contract::BusId bus);
  unsigned rank(contract::BusId bus, unsigned destination) const;
  bool better_here(contract::BusId bus, const Posted& packet, unsigned destination) const;
  void attempt(contract::BusId bus, const Packet& packet);
  bool attempt_once(contract::BusId bus, Posted& packet);
  void judge(contract::BusId bus, Posted& packet, unsigned destination, contract::Answer answer);
  void miss(Posted& packet, std::uint32_t mask, contract::SendStatus status);
  void complete(contract::BusId bus, const Packet& packet);
  std::span<const std::byte> payload_of(const Posted& packet) const;
  void bulk_thread();
  contract::EventEntry write_or_read(const Transfer& transfer, unsigned life);
  Packet send_piece(const Transfer& transfer, std::uint32_t done, std::uint32_t address,
                    Origin origin, unsigned life);
  void server_thread();
  void serve(const Transfer& transfer, unsigned life);

  // contract_receive.cpp
  contract::Answer take(contract::BusId bus, const contract::PacketHeader& header,
                        std::optional<contract::WindowWord> window,
                        std::span<const std::byte> payload);
  contract::Answer take_new(contract::BusId bus, const contract::PacketHeader& header,
                            std::optional<contract::WindowWord> window,
                            std::span<const std::byte> payload);
  contract::Answer take_message(contract::BusId bus, const contract::PacketHeader& header,
                                std::span<const std::byte> payload);
  contract::Answer take_write(contract::BusId bus, const contract::PacketHeader& header,
                              contract::WindowWord word, std::span<const std::byte> payload);
  contract::Answer take_read(contract::BusId bus, const contract::PacketHeader& header,
                             contract::WindowWord word, std::span<const std::byte> payload);
  contract::Answer refuse(contract::BusId bus, const contract::PacketHeader& header,
                          contract::WindowWord word);
  /// Byte address of that place if the peer may read or write it.
  std::optional<std::uint32_t> allowed(contract::WindowWord word, unsigned peer,
                                       std::uint32_t length, bool reading) const;
  void delivery_thread();

  ContractFabric& fabric_;
  const unsigned number_;
  std::vector<std::byte> ram_;
  std::map<contract::Register, std::uint32_t> registers_;
  std::array<Window, contract::windows> windows_;
  std::uint32_t next_base_ = 0, next_length_ = 0;
  std::list<Packet> posted_;
  std::optional<Transfer> bulk_;
  std::deque<Transfer> served_;
  std::deque<Delivery> deliveries_;
  std::map<Flow, unsigned> last_sequence_;
  std::map<Flow, std::array<unsigned, 2>> last_taken_;  // sequence number, epoch
  std::array<std::array<unsigned, contract::max_nodes>, 2> points_{};
  unsigned events_reserved_ = 0;
  unsigned answers_ = 0;
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
