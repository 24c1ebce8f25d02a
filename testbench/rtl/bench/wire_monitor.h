/// Watches the wires of both buses, and knows the packet format from the contract alone.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "rtl/bench/fabric_pins.h"
#include "rtl/bench/packet.h"

namespace xybus::bench {

/// Throws when the wires show what the contract does not allow:
/// * packets: announced, without a gap, of the right form, with their CRC and their true source;
/// * answers: in their slot, one from each node that saw itself addressed, none from others, and
///   by the packet as the receivers saw it: a wrong one is answered corrupt;
/// * numbers: a node that was heard to accept a packet is not sent it again, and a packet that was
///   not accepted is repeated as it was, unless it was given up;
/// * silence of halted nodes, and of what a guardian holds back.
class WireMonitor {
 public:
  /// What is known of a node's engine.
  enum class Engine {
    unknown,  ///< Being switched: it may do either.
    on,       ///< It answers, and what it sends is right.
    silent    ///< Nothing comes from it.
  };

  WireMonitor(unsigned nodes, unsigned data_width, unsigned max_beats)
      : nodes_(nodes), data_width_(data_width), max_beats_(max_beats) {}

  /// One cycle; `inputs` are those that act in it.
  void see(std::uint64_t cycle, const FabricOutputs& now, const FabricInputs& inputs);
  /// From this cycle on.
  void set(unsigned node, Engine engine, std::uint64_t cycle);

  /// Packets begun on a bus.
  std::uint64_t packets(unsigned bus) const { return bus_[bus].packets; }
  /// Cycles in which a bus carried a beat.
  std::uint64_t beats(unsigned bus) const { return bus_[bus].beats_in_all; }
  /// Bytes of payload in packets that somebody accepted.
  std::uint64_t payload_bytes(unsigned bus) const { return bus_[bus].payload_bytes; }
  /// Packets begun by a node, on both buses.
  std::uint64_t packets_of(unsigned node) const { return packets_of_[node]; }
  /// The last packet that ended on a bus, as the receivers saw it, and when it began and ended.
  struct Seen {
    unsigned source = 0;
    std::uint64_t first = 0, last = 0;
    Nodes addressed = 0;
    bool whole = true;      ///< The receivers saw every beat.
    bool excused = false;   ///< Its sender, or a fault, has spoilt it.
    WirePacket packet{};
    Answers answers{};      ///< Once they are there.
  };
  /// Called with each packet in its answer slot.
  std::function<void(unsigned bus, const Seen&)> on_packet;

 private:
  struct Bus {
    std::vector<std::uint64_t> beats{};
    Seen seen{};
    bool open = false;
    bool flipped = false;
    bool starts = false;
    unsigned start_source = 0;
    std::vector<std::pair<std::uint64_t, Seen>> answers_due{};
    std::uint64_t packets = 0, beats_in_all = 0, payload_bytes = 0;
  };
  struct Flow {
    WirePacket packet{};
    contract::Answer answer{};  // as it was heard
  };

  void see_bus(std::uint64_t cycle, unsigned number, const FabricOutputs& now,
               const FabricInputs& inputs);
  void begin(Bus& bus, std::uint64_t cycle);
  void end(Bus& bus, std::uint64_t cycle);
  void check_answers(const Seen& seen) const;
  void follow(const Seen& seen);
  /// What this node sends need not be right.
  bool excuses(unsigned source) const;
  bool is(unsigned node, Engine engine, std::uint64_t since) const {
    return engine_[node].first == engine && engine_[node].second <= since;
  }

  unsigned nodes_, data_width_, max_beats_;
  Nodes faulty_ = 0;
  std::array<Bus, 2> bus_{};
  std::array<std::pair<Engine, std::uint64_t>, contract::max_nodes> engine_{};
  std::array<std::uint64_t, contract::max_nodes> packets_of_{};
  std::map<std::tuple<unsigned, unsigned, contract::TrafficClass>, Flow> flows_;
};

}  // namespace xybus::bench
