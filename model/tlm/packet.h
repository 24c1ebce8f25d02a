/// Packets on their way: what is asked for, what has become of it, what is on the wires.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "contract/contract.h"
#include "model/answers.h"
#include "model/packet_form.h"
#include "model/tlm/timing.h"

namespace xybus::tlm {

using Nodes = std::uint32_t;  // a set of nodes

/// The lowest node of a set that is not empty.
constexpr unsigned lowest(Nodes set) { return static_cast<unsigned>(std::countr_zero(set)); }

/// Whether it is a set of one, without the call that std::has_single_bit makes on old processors.
constexpr bool one(Nodes set) { return set != 0 && (set & (set - 1)) == 0; }

inline constexpr unsigned buses = 2;
inline constexpr unsigned max_words = max_packet_words;

/// Who is told the fate of a packet.
enum class Origin : std::uint8_t { ring, write, serve };

/// A packet that asks to be sent.
struct Offer {
  Origin origin = Origin::ring;
  contract::Route route = contract::Route::any;
  std::uint8_t traffic_class = 0;
  contract::PacketKind kind = contract::PacketKind::message;
  bool notify = false;
  Nodes destinations = 0;
  std::uint32_t length = 0;   // bytes of payload
  std::uint32_t address = 0;  // of the payload in node RAM; not of a read packet
  std::uint32_t window = 0;   // window word
  std::array<std::uint32_t, 2> request{};  // payload of a read packet
  std::uint32_t cookie = 0;

  contract::PacketHeader header(Nodes to, unsigned source, unsigned epoch,
                                std::uint32_t number) const {
    return contract::PacketHeader{}
        .set_dst_mask(to)
        .set_source(source)
        .set_kind(kind)
        .set_traffic_class(static_cast<contract::TrafficClass>(traffic_class))
        .set_notify(notify)
        .set_length(length)
        .set_sequence_number(number)
        .set_epoch(epoch);
  }
};

/// What an attempt has met, by the nodes it was for.
struct Verdict {
  Nodes accepted = 0;
  Nodes refused = 0;
  Nodes busy = 0;
  Nodes corrupt = 0;
  Nodes missing = 0;

  Verdict(Nodes tried, const Answers& answers)
      : accepted(tried & answers.accepted),
        refused(tried & answers.refused),
        busy(tried & answers.busy),
        corrupt(tried & answers.corrupt),
        missing(tried & ~(accepted | refused | busy | corrupt)) {}

  /// The path to them works.
  Nodes good() const { return accepted | refused | busy; }
};

/// A packet in a transmit lane.
struct Job {
  Offer offer;
  std::uint16_t number = 0;
  Nodes left = 0;    // their answer is still wanted
  Nodes unsure = 0;  // an attempt at them was not answered
  Nodes missed = 0;  // given up
  contract::SendStatus status = contract::SendStatus::ok;  // worst fate of those
  std::uint32_t busy = 0;   // attempts that somebody answered busy
  std::uint32_t moves = 0;  // changes of bus

  void give_up(Nodes nodes, contract::SendStatus why) {
    if (nodes == 0) return;
    missed |= nodes;
    if (status < why) status = why;
  }

  /// Takes in an attempt, but for what the paths say to it. Gives the nodes for which its number
  /// is used up.
  Nodes attempted(const Verdict& verdict, std::uint32_t busy_limit) {
    Nodes given_up = 0;
    if (verdict.busy != 0) {
      ++busy;
      if (busy >= (busy_limit == 0 ? 1 : busy_limit) || offer.kind == contract::PacketKind::read) {
        given_up = verdict.busy;
        give_up(verdict.busy, contract::SendStatus::busy);
      }
    }
    give_up(verdict.refused, contract::SendStatus::denied);
    left &= ~(verdict.accepted | verdict.refused | given_up);
    unsure |= verdict.missing;
    return verdict.accepted | verdict.refused;
  }

  /// The most changes of bus.
  static constexpr unsigned most_moves = 7;

  struct Next {
    Nodes staying = 0;  // are tried again on this bus; if there are none, the rest on the other
    Nodes settled = 0;  // given up, and its number is used up for them
  };

  /// Where each destination that is left goes after an attempt that met this.
  Next weigh(const Verdict& verdict, Nodes here_suspect, Nodes here_down, Nodes there_suspect,
             Nodes there_down) {
    const bool stays = offer.route != contract::Route::any || moves == most_moves;
    const Nodes waits = left & verdict.busy;
    const Nodes moving = stays ? 0
                               : left & ~waits & ~there_down &
                                     (here_down | (here_suspect & ~there_suspect));
    const Nodes lost = left & ~waits & here_down & ~moving;
    give_up(lost, contract::SendStatus::unreachable);
    left &= ~lost;
    return {left & ~moving, lost & unsure};
  }
};

/// A transfer cut into packets: a write of this node, or a read of another that it serves.
struct Segments {
  std::uint32_t length = 0;   // bytes in all
  std::uint32_t done = 0;     // bytes of the packets taken
  std::uint32_t place = 0;    // window word of the first packet
  bool notify = false;        // of the last packet
  std::uint32_t left() const { return length - done; }
  std::uint32_t next() const {
    return left() < contract::max_payload_bytes ? left() : contract::max_payload_bytes;
  }
  /// Window word of the packet at hand.
  std::uint32_t window() const {
    return place + ((done / contract::line_bytes) << 16);
  }
};

}  // namespace xybus::tlm
