/// What a node must answer a packet, and what it then owes its CPU.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "check/reference/event_book.h"
#include "check/reference/report.h"
#include "check/reference/settings.h"
#include "check/wire_packet.h"
#include "model/tlm/duplicate_filter.h"

namespace xybus::reference {

/// A remote read that a node has taken on.
struct TakenRead {
  contract::BusId bus = contract::BusId::x;
  unsigned reader = 0;
  contract::WindowWord window;
  std::array<std::uint32_t, 2> request{};
  bool optional = false;  // it may not have been taken on
  Cycle cycle = 0;
};

class Receiver {
 public:
  /// What else takes room at the node, or may: reads that wait, and events that senders claim.
  struct Claims {
    unsigned reads = 0;
    std::size_t events = 0;
  };

  /// Whether a packet has reached the nodes.
  enum class Seen { no, perhaps, yes };

  Receiver(unsigned node, const Settings& settings, EventBook& book, Report& report)
      : node_(node), settings_(settings), book_(book), report_(report) {}

  /// A packet has been on a bus, and this node is one of its destinations by what was received.
  /// Gives the read that it has brought.
  std::optional<TakenRead> judge(const WirePacket& packet, Seen seen, bool good_crc,
                                 const Claims& claims);

  /// The engine was disabled.
  void clear();

 private:
  /// What the node may answer: a set, a bit for each answer, and why.
  struct Opinion {
    unsigned answers = 0;
    const char* reason = "";
    bool may(contract::Answer answer) const {
      return (answers >> static_cast<unsigned>(answer) & 1) != 0;
    }
    void add(contract::Answer answer) { answers |= 1U << static_cast<unsigned>(answer); }
    bool one() const { return (answers & (answers - 1)) == 0; }
  };
  struct Taking {
    Cycle cycle = 0;
    unsigned bus = 0;
    unsigned lines = 0;
  };
  struct Perhaps {  // may have been accepted last of its flow
    bool valid = false;
    std::uint16_t number = 0;
    std::uint8_t epoch = 0;
  };
  enum class Duplicate { no, perhaps, yes };

  Opinion opinion(const WirePacket& packet, Seen seen, bool good_crc, Duplicate duplicate,
                  const Claims& claims) const;
  void of_message(Opinion& opinion, const WirePacket& packet, const Claims& claims) const;
  void of_transfer(Opinion& opinion, const WirePacket& packet, const Claims& claims) const;
  bool may_lack_room(const WirePacket& packet, unsigned lines, bool event,
                     const Claims& claims) const;
  Duplicate duplicate(const contract::PacketHeader& header) const;
  std::optional<TakenRead> take(const WirePacket& packet, contract::Answer answer,
                                bool optional);
  Perhaps& perhaps(const contract::PacketHeader& header) {
    return perhaps_[static_cast<unsigned>(header.traffic_class())][header.source()];
  }

  unsigned node_;
  const Settings& settings_;
  EventBook& book_;
  Report& report_;
  tlm::DuplicateFilter filter_;
  std::array<std::array<Perhaps, contract::max_nodes>, 2> perhaps_{};
  std::array<Taking, 8> takings_{};  // the last ones
  unsigned next_taking_ = 0;
};

}  // namespace xybus::reference
