#include "check/packet_trail.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/wire_packet.h"

namespace xybus {

using contract::LinkOperation;
using contract::PacketKind;

namespace {

// As link headers name a window: by number and generation.
std::uint32_t window_name(std::uint32_t window_word) { return window_word & 0xffff; }

}  // namespace

PacketTrail::PacketTrail() : pairs_(contract::max_nodes * contract::max_nodes) {}

void PacketTrail::note(contract::BusId bus, std::uint64_t cycle, unsigned source,
                       unsigned destination, std::span<const std::uint32_t> words) {
  if (words.size() < contract::header_words) return;
  Note note{.cycle = cycle, .header = packet_header(words), .bus = bus, .link = {}};
  const auto body = words.subspan(contract::header_words);
  std::size_t least = contract::crc_words;
  switch (note.header.kind()) {
    case PacketKind::message: least += contract::link_words; break;
    case PacketKind::write: least += contract::window_words; break;
    case PacketKind::read: least += contract::window_words + contract::ReadRequest{}.words.size();
  }
  if (body.size() < least) return;
  if (has_window(note.header.kind())) {
    note.window = window_name(body[0]);
    if (note.header.kind() == PacketKind::read) {
      note.into = window_name(contract::ReadRequest{{body[1], body[2]}}.reply());
    }
  } else {
    std::ranges::copy(body.first(contract::link_words), note.link.words.begin());
  }
  Pair& its = pairs_[source * contract::max_nodes + destination];
  if (its.notes.empty()) its.notes.resize(kept);
  its.notes[its.next] = note;
  its.next = (its.next + 1) % kept;
}

// The newest: numbers come round again.
const PacketTrail::Note* PacketTrail::link_of(const MessageId& id) const {
  const Note* found = nullptr;
  pair(id.from, id.to).for_each([&](const Note& note) {
    if (note.is(LinkOperation::link) && note.link.tag() == tag_of(id)) found = &note;
  });
  return found;
}

/// The windows that the data of a long message goes into.
std::vector<std::uint32_t> PacketTrail::windows_of(const MessageId& id, const Note& link) const {
  std::vector<std::uint32_t> windows;
  const auto add = [&](std::uint32_t window) {
    if (window != 0) windows.push_back(window);
  };
  const auto of_link = [&](const Note& note) {
    return note.cycle > link.cycle &&
           note.link.requestor_link() == link.link.requestor_link();
  };
  if (id.direction == Direction::reply) {
    add(link.link.reply_window());
    pair(id.from, id.to).for_each([&](const Note& note) {
      if (note.is(LinkOperation::room) && of_link(note)) add(note.link.window());
    });
    return windows;
  }
  pair(id.to, id.from).for_each([&](const Note& note) {
    if (note.is(LinkOperation::pull) && of_link(note)) add(note.link.window());
    const bool reads_it = note.header.kind() == PacketKind::read && note.cycle > link.cycle &&
                          note.window == link.link.window();
    if (reads_it) add(note.into);
  });
  return windows;
}

std::string PacketTrail::route(const MessageId& id) const {
  constexpr std::size_t most = 4;
  const Note* const link = link_of(id);
  if (link == nullptr) return {};
  const bool request = id.direction == Direction::request;
  const auto text = [](const Note& note) {
    return fmt::format("bus {} at cycle {} ({}, {} sequence {})", name(note.bus), note.cycle,
                       note.header.kind() == PacketKind::message ? name(note.link.operation())
                                                                 : name(note.header.kind()),
                       name(note.header.traffic_class()), note.header.sequence_number());
  };
  const auto windows = windows_of(id, *link);
  const auto carries = [&](const Note& note) {
    if (note.cycle < link->cycle) return false;
    if (note.header.kind() == PacketKind::write) {
      return std::ranges::find(windows, note.window) != windows.end();
    }
    return !request && note.is(LinkOperation::reply) &&
           note.link.requestor_link() == link->link.requestor_link();
  };
  std::string route = request ? text(*link) : "";
  const Pair& carrier = request ? pair(id.from, id.to) : pair(id.to, id.from);
  std::size_t packets = 0;
  carrier.for_each([&](const Note& note) {
    if (!carries(note) || ++packets > most) return;
    route += (route.empty() ? "" : ", ") + text(note);
  });
  if (packets > most) route += fmt::format(" and {} more", packets - most);
  return route;
}

}  // namespace xybus
