/// One bus as seen on its wires: gathers words into packets, tells the observer, and aims faults.
///
/// Knows nothing of Verilator or SystemC; told the wires of a cycle, it says what the fault inputs
/// must be in the next one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/fabric.h"
#include "model/packet_form.h"

namespace xybus {

class BusTap {
 public:
  /// Words of the longest packet.
  static constexpr unsigned max_words = max_packet_words;

  /// The wires in one cycle, faults included.
  struct Wires {
    bool start;
    unsigned start_source;
    bool valid;
    bool first;
    bool last;
    std::uint32_t data;
    Answers answers;
    std::uint32_t sent = 0;  ///< data before the faults of the wires
    bool collision = false;
  };

  /// The fault inputs in one cycle.
  struct Drive {
    std::uint32_t flip = 0;
    bool drop = false;
    bool answer_drop = false;
    std::uint64_t answer_flip = 0;
    /// Nothing is granted.
    bool hold = false;
    /// A word that nobody sends, with `flip` as its data.
    bool valid = false, first = false, last = false;
    bool operator==(const Drive&) const = default;
  };

  explicit BusTap(contract::BusId bus) : bus_(bus) {}

  /// Whether see() must be called in the next cycle even if nothing starts and no word is valid.
  bool waiting() const { return waiting_; }

  /// Takes in the wires of cycle `cycle`. Need not be called in a cycle without start and word,
  /// unless waiting(). True: the observer was called.
  bool see(std::uint64_t cycle, const Wires& wires, FabricObserver* observer);

  /// The fault inputs in the cycle after the last one seen.
  const Drive& next() const { return next_; }

  void inject(const PacketFault& fault);

  /// From the next cycle on. Not to be called from within see().
  void set_down(bool down);
  /// The same for a partition: nodes on one side.
  void set_partition(std::uint32_t nodes) { partition_ = nodes; }

 private:
  /// A fault aimed at the words of one packet.
  struct Aim {
    bool any = false;
    bool drop = false;
    bool answer_drop = false;
    bool duplicate = false;
    std::uint64_t answer_flips = 0;
    std::array<std::uint32_t, max_words> mask{};
    std::vector<unsigned> beyond_header;  // flips that wait for the length
    /// A fault that comes late, see packet_opened(), knows the header at once.
    void set(const PacketFault& fault, const contract::PacketHeader* header = nullptr);
    void resolve(const contract::PacketHeader& header);
    void flip(unsigned place);
  };

  /// A packet from its announcement to its answers.
  struct Record {
    BusPacket packet{};
    Aim aim;
    unsigned count = 0;         // words so far
    std::uint64_t due = 0;      // cycle in which it is reported
    std::array<std::uint32_t, max_words> words{};
    std::array<std::uint32_t, max_words> sent{};
  };

  // What the bus repeats.
  struct Replay {
    bool on = false;      // from the announcement of the packet to the end of its copy
    bool copying = false;
    unsigned count = 0;
    std::array<std::uint32_t, max_words> words{};
  };

  // In flight at once on one bus: one announced, one on the wires, those that wait for their
  // answers, and between them some that broke off at once.
  static constexpr unsigned most_records = 2 * contract::answer_delay + 4;

  Record& record(unsigned place) { return records_[(oldest_ + place) % most_records]; }
  bool report(std::uint64_t cycle, const Answers& answers, FabricObserver* observer);
  void begin(std::uint64_t cycle);
  void word(std::uint64_t cycle, const Wires& wires);
  void close(std::uint64_t cycle, bool cut);
  bool open(std::uint64_t cycle, FabricObserver* observer);
  void reserve_replay(Aim& aim);
  void announce(std::uint64_t cycle, unsigned source, FabricObserver* observer);
  void decide();
  void begin_copy(const Record& original, std::uint64_t cycle);
  std::uint32_t parted_from(unsigned source) const;

  contract::BusId bus_;
  bool down_ = false;  // in force with next_
  bool waiting_ = false;
  Drive next_;
  std::uint64_t next_cycle_ = 0;  // the one that next_ is for

  // Oldest first: those that wait to be reported, the one on the wires, the one announced.
  std::array<Record, most_records> records_;
  unsigned oldest_ = 0;
  unsigned ended_ = 0;
  bool on_wires_ = false;
  bool announced_ = false;

  std::vector<PacketFault> injected_;
  std::uint32_t partition_ = 0;
  Replay replay_;
};

}  // namespace xybus
