/// One node's message engine: registers, node RAM, sending, receiving, transfers.
///
/// What the CPU or a bus does to it in a cycle is told to it with the cycle; what it does itself
/// later it puts on the agenda. See docs/contract.md for all rules; only their timing is its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "model/reset_value.h"
#include "model/tlm/duplicate_filter.h"
#include "model/tlm/packet.h"
#include "model/tlm/paths.h"
#include "model/tlm/queue.h"
#include "model/tlm/window.h"

namespace xybus::tlm {

class Core;

/// The counters of one bus, in the order of their registers.
enum class Count : unsigned {
  sent, accepted, busy, corrupt, no_answer, denied, moved, received,
  stored, served, duplicate, crc_error, refused, malformed, violation, broken_off,
};

class Node {
 public:
  static constexpr std::size_t ram_bytes = node_ram_bytes;

  Node(Core& core, unsigned number);

  std::span<std::byte> ram() { return ram_; }

  /// From this cycle on. The engine stays disabled at the restart.
  void halt(Cycle cycle);
  void restart() { halted_ = false; }
  bool halted() const { return halted_; }

  std::uint32_t read(std::uint32_t offset) const;
  void write(std::uint32_t offset, std::uint32_t value, Cycle cycle);

  /// Bits of a register that the CPU can write are inverted; of a size, the bits of size - 1.
  void upset(contract::Register reg, std::uint32_t bits, Cycle cycle);

  /// From this cycle on no event gets to the ring, or all do again.
  void hold_events(bool on, Cycle cycle);

  // ---- For a bus ----

  /// A lane has its grant: the words of its packet, their number, and whose answers it wants.
  unsigned granted(unsigned bus, std::array<std::uint32_t, max_words>& words, Nodes& tried);
  void answer_due(unsigned bus, Cycle cycle);
  void answered(unsigned bus, const Answers& answers) { lanes_[bus].answers = answers; }

  /// A packet for this node is complete. `good`: its CRC is right. `start`: of its first word.
  contract::Answer receive(unsigned bus, std::span<const std::uint32_t> words, bool good,
                           Cycle start, Cycle cycle);
  void broken_off(unsigned bus) {
    if (enabled()) count(bus, Count::broken_off);
  }

  // ---- Timers ----

  void store(Cycle cycle);
  void write_event(Cycle cycle);
  void fetch(unsigned traffic_class, Cycle cycle);
  void lane(unsigned bus, Cycle cycle);
  void bulk(Cycle cycle);
  void serve(Cycle cycle);
  void choose(Cycle cycle);
  void update_interrupt(Cycle cycle);

 private:
  struct Ring {
    std::uint32_t base = 0;
    std::uint16_t mask = 0;  // size - 1
    std::uint16_t head = 0;  // consumed: by the CPU, or of a send ring by the engine
    std::uint16_t tail = 0;
    std::uint32_t at(std::uint16_t index, std::uint32_t bytes) const {
      return base + (index & mask) * bytes;
    }
    std::uint32_t size() const { return mask + 1u; }
  };

  struct Front {  // of a send ring
    bool valid = false;
    bool malformed = false;
    bool transfer = false;
    contract::SendDescriptor descriptor;
    Offer offer;  // unless it is a transfer
  };

  struct Lane {
    enum class State : std::uint8_t {
      idle, load, request, send, weigh, move, pause, withdraw, report
    };
    State state = State::idle;
    Job job;
    Nodes tried = 0;
    Answers answers;
    Cycle resumes = 0;  // pause: when it ends
    bool active() const { return state != State::idle; }
    bool waits() const {
      return state == State::load || state == State::request || state == State::pause;
    }
    bool urgent() const { return job.offer.traffic_class != 0 || job.moves != 0; }
    bool makes_way() const {
      return waits() && (state == State::pause ? job.offer.traffic_class == 0 : !urgent());
    }
  };

  struct Delivery {
    std::uint8_t bus = 0;
    std::uint32_t address = 0;
    std::uint32_t length = 0;
    bool has_event = false;
    contract::EventEntry entry;
    std::array<std::uint32_t, contract::max_payload_bytes / contract::word_bytes> payload;
    unsigned lines() const { return (length + contract::line_bytes - 1) / contract::line_bytes; }
  };

  struct Read {  // of another node, to be served
    std::uint8_t bus = 0;
    std::uint8_t source = 0;
    std::uint32_t window = 0;
    std::array<std::uint32_t, 2> request{};
  };

  /// A transfer under way, as a source of packets.
  struct Source {
    enum class State : std::uint8_t { idle, ask, offer, drain, pause };
    State state = State::idle;
    Segments segments;
    Offer offer;
    contract::SendDescriptor descriptor;  // of this node's own
    std::uint32_t busy = 0;               // times a read found no room
    bool in_flight = false;
  };

  bool enabled() const { return control_.enable() != 0 && !halted_; }
  void enable(std::uint32_t value, Cycle cycle);
  void clear(Cycle cycle);
  void write_window(std::uint32_t offset, std::uint32_t value, Cycle cycle);
  void restore_paths(unsigned bus, Nodes nodes, Cycle cycle);
  void doorbell(unsigned traffic_class, Cycle cycle, bool behind_payload = false);
  void count(unsigned bus, Count what) { ++counters_[bus][static_cast<unsigned>(what)]; }
  std::uint32_t word(std::uint32_t address) const;
  void put(std::uint32_t address, const void* data, std::size_t bytes);
  // These bytes of node RAM will be wanted, and it is larger than the caches of the machine below.
  void soon(std::uint32_t address, std::uint32_t bytes) const {
    constexpr std::uint32_t cache_line = 64;
    for (std::uint32_t at = 0; at < bytes; at += cache_line) {
      __builtin_prefetch(ram_.data() + address + at);
    }
  }

  // Events.
  bool room(bool receiving) const;
  void event(const contract::EventEntry& entry, Cycle cycle);
  void claim() { ++claimed_; }

  // Sending.
  Front parse(unsigned traffic_class, const contract::SendDescriptor& descriptor) const;
  void take_front(unsigned traffic_class, Cycle cycle);
  void wake(Cycle cycle);
  const Offer* offered(unsigned source) const;
  bool flow_free(const Offer& offer) const;
  unsigned routes(const Offer& offer, bool& unreachable) const;
  bool lane_ready(unsigned bus, bool data) const;
  bool can_launch(unsigned source, unsigned& lanes, bool& reject);
  bool number_for(const Offer& offer, std::uint16_t& number);
  void hand_over(unsigned source, unsigned bus, std::uint16_t number, Cycle cycle);
  void turn_down(unsigned source, Cycle cycle);
  void taken(unsigned source, Cycle cycle);
  void make_way(unsigned bus, Cycle cycle);
  void unpark(unsigned wanted, Cycle cycle);
  void start_job(unsigned bus, const Job& job, Cycle request);
  void begin_job(unsigned bus, Cycle request);
  void settle(const Job& job, Nodes nodes);
  void decide(unsigned bus, Cycle cycle);
  void weigh(unsigned bus, Cycle cycle);
  void try_again(unsigned bus, Cycle cycle, bool pause);
  void try_move(unsigned bus, Cycle cycle);
  void end_job(unsigned bus, Cycle cycle);
  void lane_free(unsigned bus, Cycle cycle);

  // Transfers.
  struct Grant {
    bool allowed = false;
    std::uint32_t address = 0;
    unsigned generation = 0;
  };
  Grant look_up(unsigned window, std::optional<unsigned> generation, unsigned peer, bool write,
                std::uint32_t offset, std::uint32_t length, Cycle unchanged_since) const;
  void look_for_transfer(Cycle cycle);
  void fate(Origin origin, contract::SendStatus status, unsigned bus,
            const contract::PacketHeader& header, Cycle cycle);
  void bulk_fate(contract::SendStatus status, unsigned bus, const contract::PacketHeader& header,
                 Cycle cycle);
  void serve_fate(contract::SendStatus status, unsigned bus, const contract::PacketHeader& header,
                  Cycle cycle);
  void end_bulk(contract::SendStatus status, unsigned bus, const contract::PacketHeader& header,
                Cycle cycle);
  void read_failed(contract::SendStatus status, unsigned bus,
                   const contract::PacketHeader& header, Cycle cycle);
  void next_read(Cycle cycle);

  // Receiving.
  contract::Answer take_message(unsigned bus, std::span<const std::uint32_t> words, Cycle cycle);
  contract::Answer take_transfer(unsigned bus, std::span<const std::uint32_t> words, Cycle start,
                                 Cycle cycle);
  contract::Answer busy(unsigned bus);
  bool lines_fit(unsigned bus, unsigned lines) const;
  bool delivery_ready() const { return deliveries_.size() + buses <= most_deliveries; }
  Delivery& deliver(unsigned bus);
  void schedule_store(const Delivery& its, Cycle cycle);

  static constexpr unsigned most_deliveries = 8;
  static constexpr unsigned most_reads = 4;
  static constexpr unsigned buffer_lines = 32;  // of each bus, between wires and node RAM

  Core& core_;
  unsigned number_;
  bool halted_ = false;
  std::vector<std::byte> ram_;

  contract::ControlRegister control_;
  contract::CoalescingRegister coalescing_;
  contract::PathLimitsRegister limits_;
  std::uint32_t busy_limit_ = reset_value(contract::Register::busy_limit);
  std::uint32_t grant_timeout_ = reset_value(contract::Register::grant_timeout);
  Ring events_;                 // tail: written
  std::array<Ring, 2> send_;    // by class; head: fetched
  std::array<Ring, 2> slots_;   // by bus; tail: filled
  std::array<std::array<std::uint32_t, 16>, buses> counters_{};
  std::uint32_t window_base_ = 0;
  std::uint32_t window_length_ = 0;
  std::array<Window, contract::windows> windows_{};

  // Interrupt.
  bool raised_ = false;
  Cycle waits_since_ = never;

  bool held_ = false;  // no event gets to the ring

  // Events on their way to the ring; claims are counted as the tail is.
  std::uint16_t claimed_ = 0;
  Queue<contract::EventEntry, 32> written_;

  // Sending.
  std::array<Front, 2> front_{};
  std::array<Lane, buses> lanes_{};
  struct Parked {
    Job job;
    Cycle pause = 0;  // what is left of it
  };
  std::array<std::optional<Parked>, buses> parked_;
  std::array<Paths, buses> paths_{};
  std::array<std::array<std::uint16_t, contract::max_nodes>, 2> numbers_{};  // by class
  std::uint16_t series_ = 0;
  unsigned prefer_ = 0;  // bus whose turn it is
  unsigned turn_ = 3;    // source of data that left last

  // Transfers.
  Source bulk_;
  Source server_;
  std::optional<contract::EventEntry> failed_;  // waits for room in the event ring
  Queue<Read, most_reads> reads_;  // the one in front is being served

  // Receiving.
  DuplicateFilter filter_;
  Queue<Delivery, most_deliveries> deliveries_;
  std::array<unsigned, buses> lines_held_{};
};

}  // namespace xybus::tlm
