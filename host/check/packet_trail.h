/// Which way the latest messages came: for the diagnosis of one that is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "check/message.h"
#include "contract/contract.h"

namespace xybus {

/// Remembers the last packets accepted between each pair of CPUs. A message is found by its
/// number, which travels as the tag of its link packet. What is too long for that goes by remote
/// writes, found by the windows that the link, its pull and its room packets and the server's
/// remote reads name.
class PacketTrail {
 public:
  static constexpr std::size_t kept = 512;  ///< packets of a pair and direction

  PacketTrail();

  /// Takes note of an accepted packet. `words` is header to CRC.
  void note(contract::BusId bus, std::uint64_t cycle, unsigned source, unsigned destination,
            std::span<const std::uint32_t> words);

  /// "bus x at cycle 1200 (link, control sequence 17), bus y at ..."; empty when it is not known,
  /// as on one CPU, or forgotten.
  std::string route(const MessageId& id) const;

 private:
  struct Note {
    std::uint64_t cycle = 0;
    contract::PacketHeader header;
    contract::BusId bus = contract::BusId::x;
    contract::LinkHeader link;    // of a message
    std::uint32_t window = 0;     // of a write or read; as link headers name it
    std::uint32_t into = 0;       // of a read: where it goes, likewise
    bool is(contract::LinkOperation operation) const {
      return header.kind() == contract::PacketKind::message && link.operation() == operation;
    }
  };
  struct Pair {
    std::vector<Note> notes;  // a ring, once it is full
    std::size_t next = 0;
    /// Calls with each note, oldest first.
    template <class Body>
    void for_each(Body&& body) const {
      for (std::size_t i = 0; i < notes.size(); ++i) body(notes[(next + i) % kept]);
    }
  };
  const Pair& pair(unsigned source, unsigned destination) const {
    return pairs_[source * contract::max_nodes + destination];
  }
  const Note* link_of(const MessageId& id) const;
  std::vector<std::uint32_t> windows_of(const MessageId& id, const Note& link) const;

  std::vector<Pair> pairs_;
};

}  // namespace xybus
