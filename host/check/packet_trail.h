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
/// number, which travels as the tag of its link packet; its data by the names of the link: the
/// requestor's in replies, the server's, known from its pull packet, in requests.
class PacketTrail {
 public:
  static constexpr std::size_t kept = 512;  ///< packets of a pair and direction

  PacketTrail();

  /// Takes note of an accepted message packet. `words` is header to CRC.
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
    contract::LinkOperation operation{};
    std::uint32_t requestor_link = 0;
    std::uint32_t server_link = 0;
    std::uint32_t tag = 0;
  };
  struct Pair {
    std::vector<Note> notes;  // a ring, once it is full
    std::size_t next = 0;
  };
  const Pair& pair(unsigned source, unsigned destination) const {
    return pairs_[source * contract::max_nodes + destination];
  }

  std::vector<Pair> pairs_;
};

}  // namespace xybus
