/// The bus protocol, checked packet by packet from the wires alone.
///
/// It shares nothing with the RTL but the contract: CRC, sequence rules and timing are worked out
/// again here. One monitor watches both buses, because the order of a flow holds across them.
///
/// Rules, each with a test that breaks it:
///   form      header fields legal, source the granted node, one existing destination, length as
///             many words as there are, reserved bits and padding zero, CRC-32C right as sent
///   timing    no two packets overlap on a bus; words back to back; answers in their slot
///   answers   only addressed nodes; never `corrupt` for a good packet nor anything else for a bad
///             one; every node seen alive answers every good packet that reaches it; none comes
///             where the scenario lets none through
///   halted    a halted node neither sends nor answers
///   sequence  of a (source, destination, class): one packet at a time over both buses; it is
///             repeated bit for bit until it is accepted or given up as the retry limits say;
///             then the number goes up by one
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "check/complaints.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

/// Bus words of the longest packet.
inline constexpr std::size_t max_packet_words =
    contract::header_words + contract::max_payload_bytes / contract::word_bytes +
    contract::crc_words;

/// A packet with its answers, and what the fault injector did to it.
struct WirePacket {
  contract::BusId bus = contract::BusId::x;
  unsigned source = 0;                       ///< the node that was granted the bus
  std::uint64_t start_cycle = 0;             ///< of its first word
  std::uint64_t answer_cycle = 0;            ///< of its answer slot
  std::span<const std::uint32_t> sent;       ///< header to CRC, before faults
  std::span<const std::uint32_t> received;   ///< the same after faults
  std::uint32_t answers = 0;                 ///< 2 bits a node, as the sender sees them
  bool unseen = false;                       ///< faults hid it from the receivers
  bool unanswered = false;                   ///< faults took its answers
};

/// What a packet turned out to be.
struct PacketVerdict {
  bool legal = false;  ///< its header can be believed
  bool retry = false;  ///< repeats an earlier attempt
  contract::Answer answer = contract::Answer::none;  ///< of its destination
  unsigned destination = 0;
  contract::PacketHeader header;
};

class ProtocolMonitor {
 public:
  /// `limits` are those the firmware sets. `alive_interval`, in cycles, is how often it raises
  /// paths that are down; 0: never.
  explicit ProtocolMonitor(unsigned nodes, contract::RetryLimitsRegister limits = {},
                           std::uint64_t alive_interval = 0);

  /// Checks a packet. Packets of a bus come in order of their answers.
  PacketVerdict observe(const WirePacket& packet);

  /// The node is halted with effect from this cycle.
  void halted(unsigned node, std::uint64_t cycle);

  /// Whether no bus led from one CPU to another, at some time: attempts on both failed, on each
  /// so often in a row that the sender had to give the path up, and both within two I'm-alive
  /// intervals. A path that failed longer ago has been raised since. CPUs that were cut off have
  /// declared each other down and stay so.
  bool was_cut_off(unsigned source, unsigned destination) const;

  const BusResult& result(contract::BusId bus) const { return bus_of(bus).result; }
  /// The check "protocol.x" or "protocol.y".
  CheckResult check(contract::BusId bus) const;

 private:
  struct Bus {
    std::uint64_t free_from = 0;  // first cycle after the last packet's last word
    BusResult result;
    Complaints complaints;
  };
  // One source, destination and class: its last packet and how that went.
  struct Flow {
    bool used = false;
    bool accepted = false;
    std::uint16_t sequence = 0;
    std::uint32_t attempts = 0;
    std::uint32_t busy = 0;
    std::uint64_t answer_cycle = 0;
    std::size_t size = 0;
    std::array<std::uint32_t, max_packet_words> words;
  };
  // One source, destination and bus: attempts in a row that failed, since something got through.
  struct Path {
    std::uint32_t unanswered = 0;
    std::uint32_t corrupt = 0;
    bool down = false;
    std::optional<std::uint64_t> failed_cycle;  // when it last went down
  };

  Bus& bus_of(contract::BusId bus) { return buses_[static_cast<std::size_t>(bus)]; }
  const Bus& bus_of(contract::BusId bus) const { return buses_[static_cast<std::size_t>(bus)]; }
  static std::size_t path_index(contract::BusId bus, unsigned source, unsigned destination);
  Path& path(contract::BusId bus, unsigned source, unsigned destination) {
    return paths_[path_index(bus, source, destination)];
  }
  Flow& flow(const PacketVerdict& verdict, unsigned source);
  /// What has left a node when it is halted still passes through the registers of the bus.
  static constexpr std::uint64_t in_flight_cycles = 3;
  bool halted_by(unsigned node, std::uint64_t cycle) const { return halted_from_[node] <= cycle; }
  bool must_be_silent(unsigned node, std::uint64_t cycle) const {
    return cycle >= in_flight_cycles && halted_by(node, cycle - in_flight_cycles);
  }
  template <class... Arguments>
  void complain(const WirePacket& packet, const char* format, const Arguments&... arguments);

  bool check_form(const WirePacket& packet);
  void check_timing(const WirePacket& packet);
  void check_answers(const WirePacket& packet);
  void check_sequence(const WirePacket& packet, PacketVerdict& verdict);
  void count(const WirePacket& packet, const PacketVerdict& verdict);
  bool given_up(const Flow& flow, unsigned source, unsigned destination);
  void judge_path(const WirePacket& packet, const PacketVerdict& verdict);

  unsigned nodes_;
  contract::RetryLimitsRegister limits_;
  std::array<Bus, 2> buses_;
  std::vector<Flow> flows_;
  std::vector<Path> paths_;
  std::uint64_t cut_window_;  // cycles within which the failures of two paths add up
  std::array<std::uint32_t, contract::max_nodes> cut_off_{};  // a bit for each destination
  std::uint32_t alive_ = 0;  // nodes that have sent or answered
  std::array<std::uint64_t, contract::max_nodes> halted_from_;
};

}  // namespace xybus
