#include "check/packet_trail.h"

#include <fmt/format.h>

#include <algorithm>

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;

PacketTrail::PacketTrail() : pairs_(contract::max_nodes * contract::max_nodes) {}

void PacketTrail::note(contract::BusId bus, std::uint64_t cycle, unsigned source,
                       unsigned destination, std::span<const std::uint32_t> words) {
  constexpr std::size_t least = contract::header_words + contract::link_words + contract::crc_words;
  if (words.size() < least) return;
  LinkHeader link;
  std::ranges::copy(words.subspan(contract::header_words, contract::link_words),
                    link.words.begin());
  Pair& its = pairs_[source * contract::max_nodes + destination];
  if (its.notes.empty()) its.notes.resize(kept);
  its.notes[its.next] = {cycle, {{words[0], words[1]}}, bus, link.operation(),
                         link.requestor_link(), link.server_link(), link.tag()};
  its.next = (its.next + 1) % kept;
}

std::string PacketTrail::route(const MessageId& id) const {
  // Newest first: numbers and link names come round again.
  auto newest = [](const Pair& its, auto&& wanted) -> const Note* {
    for (std::size_t back = 1; back <= its.notes.size(); ++back) {
      const Note& note = its.notes[(its.next + kept - back) % kept];
      if (wanted(note)) return &note;
    }
    return nullptr;
  };
  const Note* link = newest(pair(id.from, id.to), [&](const Note& note) {
    return note.operation == LinkOperation::link && note.tag == id.number;
  });
  if (link == nullptr) return {};
  auto text = [](const Note& note) {
    return fmt::format("bus {} at cycle {} ({}, {} sequence {})", name(note.bus), note.cycle,
                       name(note.operation), name(note.header.traffic_class()),
                       note.header.sequence_number());
  };
  const bool request = id.direction == Direction::request;
  const Note* pull = newest(pair(id.to, id.from), [&](const Note& note) {
    return note.operation == LinkOperation::pull && note.requestor_link == link->requestor_link &&
           note.cycle > link->cycle;
  });
  auto carries = [&](const Note& note) {
    if (note.cycle < link->cycle) return false;
    if (request) {
      return note.operation == LinkOperation::data && pull != nullptr &&
             note.server_link == pull->server_link;
    }
    return (note.operation == LinkOperation::data || note.operation == LinkOperation::reply) &&
           note.requestor_link == link->requestor_link;
  };
  std::string route = request ? text(*link) : "";
  const Pair& carrier = request ? pair(id.from, id.to) : pair(id.to, id.from);
  std::size_t packets = 0;
  for (std::size_t i = 0; i < carrier.notes.size(); ++i) {
    const Note& note = carrier.notes[(carrier.next + i) % kept];
    if (!carries(note) || ++packets > 4) continue;
    route += (route.empty() ? "" : ", ") + text(note);
  }
  if (packets > 4) route += fmt::format(" and {} more", packets - 4);
  return route;
}

}  // namespace xybus
