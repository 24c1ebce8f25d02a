/// One bus as seen on its wires: gathers words into packets, tells the observer, and aims faults.
///
/// Knows nothing of Verilator or SystemC; told the wires of a cycle, it says what the fault inputs
/// must be in the next one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/fabric.h"

namespace xybus {

class BusTap {
 public:
  /// The wires in one cycle, faults included.
  struct Wires {
    bool start;
    unsigned start_source;
    bool valid;
    bool first;
    bool last;
    std::uint32_t data;
    std::uint32_t answers;
  };

  /// The fault inputs in one cycle.
  struct Drive {
    std::uint32_t flip = 0;
    bool drop = false;
    bool answer_drop = false;
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

 private:
  static constexpr unsigned max_words = contract::header_words +
                                        contract::max_payload_bytes / contract::word_bytes +
                                        contract::crc_words;

  /// A fault aimed at the words of one packet.
  struct Aim {
    bool any = false;
    bool drop = false;
    bool answer_drop = false;
    std::array<std::uint32_t, max_words> mask{};
    std::vector<unsigned> beyond_header;  // flips that wait for the length
    void set(const PacketFault& fault);
    void resolve(std::uint32_t header_1);
  };

  bool answer(std::uint64_t cycle, std::uint32_t answers, FabricObserver* observer);
  void word(std::uint64_t cycle, const Wires& wires);
  void announce(std::uint64_t cycle, unsigned source, FabricObserver* observer);
  void decide();

  contract::BusId bus_;
  bool down_ = false;    // in force with next_
  bool waiting_ = false;
  Drive next_;

  // The packet that starts in the next cycle.
  bool announced_ = false;
  unsigned announced_source_ = 0;
  Aim announced_aim_;

  // The packet on the wires, or in its answer slot.
  bool on_wires_ = false;
  bool answer_due_ = false;
  Aim aim_;
  BusPacket packet_{};
  unsigned count_ = 0;
  std::array<std::uint32_t, max_words> words_{};

  std::vector<PacketFault> injected_;
};

}  // namespace xybus
