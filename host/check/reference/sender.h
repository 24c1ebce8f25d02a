/// What a node may send: the packets of its descriptors and of the reads it serves, each in its
/// turn, with its number, its bytes and by a bus that it may take; and the event that tells its
/// end.
///
/// Which of several packets leaves first, and when, is the hardware's choice; all else follows from
/// descriptors, windows and node RAM, and the answers that came before.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "check/reference/event_book.h"
#include "check/reference/known_paths.h"
#include "check/reference/receiver.h"
#include "check/reference/report.h"
#include "check/reference/settings.h"
#include "check/wire_packet.h"
#include "model/tlm/descriptor.h"

namespace xybus::reference {

class Sender {
 public:
  /// `present`: nodes of the fabric. `ram` is the node's.
  Sender(unsigned node, Nodes present, std::span<const std::byte> ram, const Settings& settings,
         EventBook& book, Report& report)
      : node_(node),
        present_(present),
        ram_(ram),
        settings_(settings),
        book_(book),
        report_(report) {}

  /// The CPU has moved a ring's tail from `from` to `to`.
  void posted(unsigned traffic_class, std::uint16_t from, std::uint16_t to, Cycle cycle);
  void raised(unsigned bus, Nodes nodes, Cycle cycle) {
    paths_.raise(bus, nodes & present_, cycle);
  }
  /// The node has taken on a read.
  void taken(const TakenRead& read) { reads_.push_back(read); }

  /// The node has had a packet on a bus, with its answers.
  void sent(const WirePacket& packet);

  /// Whether an event may come that is not owed: of what was never sent, or ended unseen.
  bool explains(const contract::EventEntry& entry, Cycle cycle);

  /// What may still claim events; reads that wait.
  std::size_t outstanding() const {
    return rings_[0].size() + rings_[1].size() + active_.size() + (transfer_ ? 1 : 0) +
           reads_.size();
  }
  unsigned reads() const { return static_cast<unsigned>(reads_.size()); }

  /// The engine was disabled.
  void clear();
  /// The node misbehaves, or has: what it is at is not known, and up to `until` not judged.
  void forget(Cycle cycle, Cycle until);

 private:
  struct Posted {
    contract::SendDescriptor descriptor;
    Cycle cycle = 0;
    };
  /// A packet on its way.
  struct Active {
    tlm::Job job;
    Cycle since = 0;  // earliest cycle in which it was handed to a bus
    bool check_bytes = true;
    unsigned bus = 0;
    // After an attempt: the job and the attempt as they were before paths were looked at.
    tlm::Job before;
    tlm::Verdict verdict{0, Answers{}};
    tlm::Nodes staying = 0;
    unsigned version = 0;
    bool loose = false;  // paths were not known
  };
  struct Transfer {
    contract::SendDescriptor descriptor;
    tlm::Segments segments;
    Cycle cycle = 0;
    std::uint32_t busy = 0;
  };
  struct Flow {
    std::uint16_t number = 0;  // settled last
    bool used = false;         // one is
    bool known = true;
    Cycle free = 0;            // since when no packet is on its way
  };

  Active* find(const contract::PacketHeader& header);
  bool may_be_another(const WirePacket& packet, const Active& its) const;
  Active* launch(const WirePacket& packet, std::string& why);
  bool launch_message(const WirePacket& packet, Active& its, std::string& why);
  bool launch_reply(const WirePacket& packet, Active& its, std::string& why);
  bool launch_transfer(const WirePacket& packet, Active& its, std::string& why);
  bool fits(const WirePacket& packet, const tlm::Offer& offer, bool bytes, std::string& why) const;
  bool own_window_allows(const contract::SendDescriptor& d, const tlm::Window& window) const;
  bool reply_allowed(const tlm::Window& window, const TakenRead& read, std::uint32_t done,
                     std::uint32_t length) const;
  bool forget_posted(std::uint32_t cookie);
  void forget_ended(const contract::EventEntry& entry);
  bool explains_fate(const contract::EventEntry& entry, Cycle cycle);
  bool explains_failed_read(const contract::EventEntry& entry, Cycle cycle);
  std::string number_wrong(const contract::PacketHeader& header, Nodes to);
  std::string bus_wrong(const WirePacket& packet, const Active& its) const;
  Nodes tried_first(const tlm::Job& job, unsigned bus) const;
  std::string repeat_wrong(const WirePacket& packet, Active& its);
  void conclude(const WirePacket& packet, Active& its);
  void end(Active& its, Cycle cycle);
  void end_transfer(const Active& its, const contract::PacketHeader& header, Cycle cycle);
  void end_reply(const Active& its, const contract::PacketHeader& header, Cycle cycle);
  void settle(const tlm::Job& job, Nodes nodes);
  bool reachable(Nodes destinations, Cycle cycle) const;
  bool tolerant(Cycle cycle) const { return cycle < tolerant_until_; }
  Flow& flow(unsigned traffic_class, unsigned node) { return flows_[traffic_class][node]; }
  void complain(const WirePacket& packet, const std::string& model);

  unsigned node_;
  Nodes present_;
  std::span<const std::byte> ram_;
  const Settings& settings_;
  EventBook& book_;
  Report& report_;
  std::array<std::deque<Posted>, 2> rings_;  // by class; not yet seen on a bus
  std::optional<Transfer> transfer_;
  std::deque<TakenRead> reads_;
  tlm::Segments reply_;        // of the read in front
  Cycle reply_since_ = 0;      // when its last packet began
  std::vector<Active> active_;
  std::array<std::array<Flow, contract::max_nodes>, 2> flows_{};
  std::uint16_t series_ = 0;
  bool series_known_ = true;
  std::array<Cycle, 2> last_answer_{};  // by bus
  KnownPaths paths_;
  Cycle tolerant_until_ = 0;
};

}  // namespace xybus::reference
