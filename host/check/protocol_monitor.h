/// The bus protocol, checked packet by packet from the wires alone.
///
/// It shares nothing with the RTL but the contract: CRC, sequence rules and timing are worked out
/// again here. One monitor watches both buses, because the order of a flow holds across them.
///
/// Rules, each with a test that breaks it:
///   form      header fields legal, source the granted node, destinations that exist, of a write or
///             read one, as many words as the length says, reserved bits and padding zero, CRC-32C
///             right as sent
///   timing    no two packets overlap on a bus; words back to back; answers in their slot
///   answers   only addressed nodes, one answer each; never `corrupt` for a good packet nor another
///             for a bad one; `refused` only where there is a window; every node seen alive answers
///             every good packet that reaches it; none comes where the scenario lets none through
///   halted    a halted node neither sends nor answers, until it is started again
///   sequence  of a (source, destination, class): one packet at a time over both buses; it is
///             repeated bit for bit to those that have not accepted it, and to no other, until
///             they have or it is given up as the limits say; then the number changes, from
///             unicast to unicast by one
///   contained only a node that is made to misbehave, or is halted, breaks off or is caught by the
///             guardian; of its packets nothing but the form may be wrong, and never the source
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "check/complaints.h"
#include "check/flow_watch.h"
#include "check/path_watch.h"
#include "check/wire_packet.h"
#include "contract/contract.h"
#include "model/reset_value.h"
#include "report/run_result.h"

namespace xybus {

/// The limits that the firmware sets, or leaves as they are after reset.
struct ProtocolLimits {
  std::uint32_t busy = reset_value(contract::Register::busy_limit);
  contract::PathLimitsRegister paths;
};

/// What a packet turned out to be.
struct PacketVerdict {
  bool legal = false;  ///< its header can be believed
  bool retry = false;  ///< repeats an earlier attempt
  /// Of its destinations the answer that calls for most: none before corrupt, refused, busy and
  /// accepted.
  contract::Answer answer = contract::Answer::none;
  std::uint32_t accepted = 0;  ///< destinations that accepted it now
  contract::PacketHeader header;
};

class ProtocolMonitor {
 public:
  /// `alive_interval`, in cycles, is how often the firmware raises paths that are down; 0: never.
  explicit ProtocolMonitor(unsigned nodes, const ProtocolLimits& limits = {},
                           std::uint64_t alive_interval = 0);

  /// Checks a packet. Packets of a bus come in order of their answers.
  PacketVerdict observe(const WirePacket& packet);

  /// The guardian of a bus has caught a node.
  void offence(contract::BusId bus, std::uint64_t cycle, unsigned node, contract::Offence offence);

  /// The node is halted with effect from this cycle.
  void halted(unsigned node, std::uint64_t cycle);

  /// It is started again: from this cycle on it counts as sound, and as new. Long enough after the
  /// halt for everything that was on its way to have been observed.
  void restarted(unsigned node, std::uint64_t cycle);

  /// From this cycle on the node misbehaves, or no longer does; several times at once, too.
  void rogue(unsigned node, std::uint64_t cycle, bool on);

  /// Checks the answers to a packet that the bus has repeated by itself.
  void observe_copy(const WirePacket& packet);

  /// From this cycle on a fault that lets the wires of a bus change what is sent, or lets two nodes
  /// drive it, holds, or no longer does; several times at once, too.
  void wires_faulty(contract::BusId bus, std::uint64_t cycle, bool on);
  void grants_faulty(contract::BusId bus, std::uint64_t cycle, bool on);

  /// From this cycle on a bus grants nothing, or does again. What its senders try there is not
  /// seen.
  void blocked(contract::BusId bus, std::uint64_t cycle, bool on);

  /// From here on the inside of a node cannot be trusted: it may send, and leave unanswered, what
  /// it wants; still not under another's number.
  void upset(unsigned node, std::uint64_t cycle);

  /// See PathWatch.
  void readmitted(unsigned source, unsigned destination) {
    paths_.readmitted(source, destination);
  }
  bool was_cut_off(unsigned source, unsigned destination, std::uint64_t since = 0) const {
    return paths_.was_cut_off(source, destination, since);
  }

  const BusResult& result(contract::BusId bus) const { return bus_of(bus).result; }
  /// The check "protocol.x" or "protocol.y".
  CheckResult check(contract::BusId bus) const;
  /// The cycle of the first packet, or offence, that was found wrong.
  std::optional<std::uint64_t> first_complaint(contract::BusId bus) const {
    return bus_of(bus).complaints.first_cycle();
  }

 private:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  struct Bus {
    std::uint64_t free_from = 0;  // first cycle after the last packet's last word
    BusResult result;
    Complaints complaints;
    struct Period {
      int faults = 0;           // that are on
      std::uint64_t until = 0;  // while there are none
      void change(std::uint64_t cycle, bool on) {
        faults += on ? 1 : -1;
        until = cycle;
      }
      bool covers(std::uint64_t start_cycle) const { return faults > 0 || start_cycle < until; }
    };
    Period stuck, doubled;
  };
  struct Node {
    bool upset = false;
    std::uint64_t halted_from = never;   // the last time
    std::uint64_t halted_until = never;
    unsigned misdeeds = 0;               // going on
    std::uint64_t rogue_from = never;
    std::uint64_t rogue_until = 0;       // while misdeeds is 0
  };

  Bus& bus_of(contract::BusId bus) { return buses_[static_cast<std::size_t>(bus)]; }
  const Bus& bus_of(contract::BusId bus) const { return buses_[static_cast<std::size_t>(bus)]; }

  /// What has left a node when it is halted still passes through the registers of the bus, and
  /// its guardian allows some cycles for it.
  static constexpr std::uint64_t in_flight_cycles = 4;
  bool halted_by(unsigned node, std::uint64_t cycle) const {
    return nodes_[node].halted_from <= cycle && cycle < nodes_[node].halted_until;
  }
  bool must_be_silent(unsigned node, std::uint64_t cycle) const {
    return cycle >= in_flight_cycles && halted_by(node, cycle) &&
           halted_by(node, cycle - in_flight_cycles);
  }
  bool is_rogue(unsigned node, std::uint64_t from, std::uint64_t to) const;

  template <class... Arguments>
  void complain(const WirePacket& packet, const char* format, const Arguments&... arguments);

  // `good`: the CRC is right as received. `crc_right`: as sent.
  bool check_form(const WirePacket& packet, bool crc_right);
  bool sound_though_upset(const WirePacket& packet, bool crc_right);
  bool check_payload(const WirePacket& packet, const contract::PacketHeader& header);
  void check_timing(const WirePacket& packet);
  void check_cut(const WirePacket& packet, bool rogue);
  void check_collision(const WirePacket& packet, bool good);
  void check_source(const WirePacket& packet);
  void check_answers(const WirePacket& packet, bool rogue, bool good);
  void check_answer(const WirePacket& packet, unsigned node, bool good, bool addressed);
  void count(const WirePacket& packet, const PacketVerdict& verdict, bool first_accepted);

  unsigned count_;
  std::array<Bus, 2> buses_;
  std::array<Node, contract::max_nodes> nodes_;
  std::uint32_t alive_ = 0;  // nodes that have sent or answered
  PathWatch paths_;
  FlowWatch flows_;
  bool quiet_ = false;  // nothing is complained of
};

}  // namespace xybus
