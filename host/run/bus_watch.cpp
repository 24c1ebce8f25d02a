#include "run/bus_watch.h"

#include <algorithm>
#include <bit>

namespace xybus {

using contract::BusId;
using contract::LinkOperation;
using contract::PacketKind;

namespace {

constexpr EventKind packet_kind{"packet",
                                {"source",
                                 "destinations",
                                 {"kind", name_of<PacketKind>},
                                 {"class", name_of<contract::TrafficClass>},
                                 "sequence",
                                 "length",
                                 {"operation", name_of<LinkOperation>},
                                 "window",
                                 "crc",
                                 "accepted",
                                 "busy",
                                 "corrupt",
                                 "refused",
                                 "retry",
                                 "faulted"}};

constexpr EventKind noise_kind{"noise", {"source", "words", "corrupt", "faulted"}};
constexpr EventKind cut_kind{"packet_cut", {"source", "words", "faulted"}};
constexpr EventKind offence_kind{"offence", {"cpu", {"offence", name_of<contract::Offence>}}};

constexpr EventKind hit_kind{"packet_hit",
                             {{"bus", name_of<BusId>}, "source", "drop", "answer_drop",
                              "flips", "answer_flips", "duplicate"}};
constexpr EventKind copy_kind{"packet_copy", {"source", "words", "accepted"}};

// The reference leaves it open in which order a write and what is close to it come about.
static_assert(reference::margin >= FabricObserver::write_cycles);

// What a message packet asks for; no operation at all when it is none.
LinkOperation operation_of(std::span<const std::uint32_t> words) {
  constexpr std::size_t least =
      contract::header_words + contract::link_words + contract::crc_words;
  if (words.size() < least || packet_header(words).kind() != PacketKind::message) return {};
  contract::LinkHeader link;
  link.words[0] = words[contract::header_words];
  return link.operation();
}

std::uint32_t window_of(const PacketVerdict& verdict, std::span<const std::uint32_t> words) {
  return verdict.legal && has_window(verdict.header.kind()) ? words[contract::header_words] : 0;
}

}  // namespace

void undo_flips(std::span<std::uint32_t> words, const PacketHit& hit) {
  constexpr unsigned word_bits = 8 * contract::word_bytes;
  constexpr unsigned header_bits = contract::header_words * word_bits;
  const auto invert = [&](unsigned place) {
    if (place / word_bits < words.size()) words[place / word_bits] ^= 1U << place % word_bits;
  };
  for (const unsigned flip : hit.flips) {
    if (flip < header_bits) invert(flip);
  }
  if (words.size() <= contract::header_words) return;
  // Where the others went depends on the length that was sent.
  const contract::PacketHeader header = packet_header(words);
  for (const unsigned flip : hit.flips) {
    if (flip >= header_bits) invert(flip_place(flip, header));
  }
  for (const unsigned flip : hit.late_flips) invert(flip_place(flip, header, true));
}

PacketFault BusWatch::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  return strike(bus, cycle, source, injector_.packet_started(bus, cycle, source));
}

PacketFault BusWatch::packet_opened(BusId bus, std::uint64_t cycle, unsigned source,
                                    std::span<const std::uint32_t> words) {
  const PacketHit& hit = injector_.packet_opened(bus, cycle, source, words);
  // It acts from the next cycle on; packets that start there have been told of by now.
  return hit.any() ? strike(bus, cycle + 1, source, hit) : PacketFault{};
}

PacketFault BusWatch::strike(BusId bus, std::uint64_t cycle, unsigned source,
                             const PacketHit& hit) {
  if (on_strike_) on_strike_(bus, cycle, hit);
  if (!hit.any()) return {};
  const auto& flips = hit.flips.empty() ? hit.late_flips : hit.flips;
  log_.record(EventLog::faults(), cycle, hit_kind,
              {static_cast<std::uint64_t>(bus), source, hit.drop, hit.answer_drop, flips.size(),
               hit.answer_flips, hit.duplicate});
  return {.drop = hit.drop,
          .answer_drop = hit.answer_drop,
          .flips = flips,
          .answer_flips = hit.answer_flips,
          .duplicate = hit.duplicate};
}

std::span<const std::uint32_t> BusWatch::before_faults(const BusPacket& packet,
                                                       const PacketHit& hit) {
  const bool flipped = !hit.flips.empty() || !hit.late_flips.empty();
  if (!flipped || packet.words.size() > sent_.size()) return packet.words;
  std::ranges::copy(packet.words, sent_.begin());
  const std::span words(sent_.data(), packet.words.size());
  undo_flips(words, hit);
  return words;
}

void BusWatch::packet_answered(const BusPacket& packet) {
  if (packet.replayed) return copied(packet);
  const PacketHit& hit = injector_.on_wires(packet.bus);
  // The fault points say what was sent; flips alone can be undone without them.
  const auto undone = before_faults(packet, hit);
  const auto sent = packet.sent.empty() ? undone : packet.sent;
  // That goes on even when nothing else does, and by a bus whatever the state of its paths.
  const bool membership = is_membership(operation_of(sent));
  const bool answers_pass = !hit.answer_drop && !packet.down && !packet.cut;
  const WirePacket wire = {.bus = packet.bus,
                           .source = packet.source,
                           .start_cycle = packet.start_cycle,
                           .answer_cycle = packet.answer_cycle,
                           .sent = sent,
                           .received = packet.words,
                           .answers = packet.answers.plain(),
                           .given = answers_pass ? packet.answers.flipped(hit.answer_flips)
                                                 : packet.answers,
                           .cut = packet.cut,
                           .unseen = hit.drop || packet.down,
                           .unanswered = hit.answer_drop || packet.down,
                           .probe = membership,
                           .altered = !std::ranges::equal(sent, undone),
                           .collided = packet.collided,
                           .parted = packet.parted};
  const PacketVerdict verdict = monitor_.observe(wire);
  if (reference_ != nullptr) reference_->observe(wire);
  injector_.packet_answered(packet.bus, packet.start_cycle, packet.source, verdict.answer,
                            packet.down);

  for (std::uint32_t left = verdict.accepted; left != 0; left &= left - 1) {
    trail_.note(packet.bus, packet.start_cycle, packet.source,
                static_cast<unsigned>(std::countr_zero(left)), sent);
  }
  if (verdict.accepted != 0 && !membership) watchdog_.moved(packet.answer_cycle);
  record(packet, verdict, sent);
}

void BusWatch::copied(const BusPacket& packet) {
  monitor_.observe_copy({.bus = packet.bus,
                         .source = packet.source,
                         .start_cycle = packet.start_cycle,
                         .answer_cycle = packet.answer_cycle,
                         .sent = packet.sent,
                         .received = packet.words,
                         .answers = packet.answers.plain(),
                         .given = packet.answers,
                         .unseen = packet.down,
                         .unanswered = packet.down,
                         .parted = packet.parted});
  log_.record(EventLog::bus(packet.bus), packet.start_cycle, copy_kind,
              {packet.source, packet.words.size(), packet.answers.accepted});
}

void BusWatch::record(const BusPacket& packet, const PacketVerdict& verdict,
                      std::span<const std::uint32_t> sent) {
  const auto source = EventLog::bus(packet.bus);
  const bool faulted = packet.faulted || packet.down;
  if (packet.cut) {
    return log_.record(source, packet.start_cycle, cut_kind,
                       {packet.source, packet.words.size(), faulted});
  }
  if (!verdict.legal) {
    return log_.record(source, packet.start_cycle, noise_kind,
                       {packet.source, packet.words.size(), packet.answers.corrupt, faulted});
  }
  log_.record(source, packet.start_cycle, packet_kind,
              {packet.source, verdict.header.dst_mask(),
               static_cast<std::uint64_t>(verdict.header.kind()),
               static_cast<std::uint64_t>(verdict.header.traffic_class()),
               verdict.header.sequence_number(), verdict.header.length(),
               static_cast<std::uint64_t>(operation_of(sent)), window_of(verdict, sent),
               packet.words.back(), packet.answers.accepted, packet.answers.busy,
               packet.answers.corrupt, packet.answers.refused, verdict.retry, faulted});
}

void BusWatch::offence(BusId bus, std::uint64_t cycle, unsigned node,
                       contract::Offence offence) {
  monitor_.offence(bus, cycle, node, offence);
  injector_.offence(node, cycle);
  log_.record(EventLog::faults(), cycle, offence_kind,
              {node, static_cast<std::uint64_t>(offence)});
}

}  // namespace xybus
