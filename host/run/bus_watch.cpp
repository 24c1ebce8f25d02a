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

// What a message packet asks for; no operation at all when it is none.
LinkOperation operation_of(std::span<const std::uint32_t> words) {
  constexpr std::size_t least =
      contract::header_words + contract::link_words + contract::crc_words;
  if (words.size() < least || packet_header(words).kind() != PacketKind::message) return {};
  contract::LinkHeader link;
  link.words[0] = words[contract::header_words];
  return link.operation();
}

// Firmware sends these by a bus whatever the state of its paths.
bool by_fixed_route(LinkOperation operation) {
  return operation == LinkOperation::alive || operation == LinkOperation::regroup ||
         operation == LinkOperation::poison || operation == LinkOperation::join;
}

std::uint32_t window_of(const PacketVerdict& verdict, std::span<const std::uint32_t> words) {
  return verdict.legal && has_window(verdict.header.kind()) ? words[contract::header_words] : 0;
}

}  // namespace

void undo_flips(std::span<std::uint32_t> words, const std::vector<unsigned>& flips) {
  constexpr unsigned word_bits = 8 * contract::word_bytes;
  constexpr unsigned header_bits = contract::header_words * word_bits;
  const auto invert = [&](unsigned bit) {
    if (bit / word_bits < words.size()) words[bit / word_bits] ^= 1U << bit % word_bits;
  };
  for (const unsigned flip : flips) {
    if (flip < header_bits) invert(flip);
  }
  if (words.size() <= contract::header_words) return;
  // Where the others went depends on the length that was sent.
  const contract::PacketHeader header = packet_header(words);
  const std::uint32_t payload_words =
      (header.length() + contract::word_bytes - 1) / contract::word_bytes;
  const auto words_behind = static_cast<unsigned>(words_before_payload(header.kind())) -
                            contract::header_words + payload_words + contract::crc_words;
  for (const unsigned flip : flips) {
    if (flip >= header_bits) {
      invert(header_bits + (flip - header_bits) % (words_behind * word_bits));
    }
  }
}

PacketFault BusWatch::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  const PacketHit& hit = injector_.packet_started(bus, cycle, source);
  if (on_start_) on_start_(bus, cycle, hit);
  if (!hit.any()) return {};
  log_.record(EventLog::faults(), cycle, hit_kind,
              {static_cast<std::uint64_t>(bus), source, hit.drop, hit.answer_drop,
               hit.flips.size(), hit.answer_flips, hit.duplicate});
  return {.drop = hit.drop,
          .answer_drop = hit.answer_drop,
          .flips = hit.flips,
          .answer_flips = hit.answer_flips,
          .duplicate = hit.duplicate};
}

std::span<const std::uint32_t> BusWatch::before_faults(const BusPacket& packet,
                                                       const PacketHit& hit) {
  if (hit.flips.empty() || packet.words.size() > sent_.size()) return packet.words;
  std::ranges::copy(packet.words, sent_.begin());
  const std::span words(sent_.data(), packet.words.size());
  undo_flips(words, hit.flips);
  return words;
}

void BusWatch::packet_answered(const BusPacket& packet) {
  if (packet.replayed) return copied(packet);
  const PacketHit& hit = injector_.on_wires(packet.bus);
  // The fault points say what was sent; flips alone can be undone without them.
  const auto undone = before_faults(packet, hit);
  const auto sent = packet.sent.empty() ? undone : packet.sent;
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
                           .probe = by_fixed_route(operation_of(sent)),
                           .altered = !std::ranges::equal(sent, undone),
                           .collided = packet.collided,
                           .parted = packet.parted};
  const PacketVerdict verdict = monitor_.observe(wire);
  if (reference_ != nullptr) reference_->observe(wire);
  injector_.packet_answered(packet.bus, packet.start_cycle, verdict.answer, packet.down);

  for (std::uint32_t left = verdict.accepted; left != 0; left &= left - 1) {
    trail_.note(packet.bus, packet.start_cycle, packet.source,
                static_cast<unsigned>(std::countr_zero(left)), sent);
  }
  // I'm-alive goes on even when nothing else does.
  if (verdict.accepted != 0 && !alive) watchdog_.moved(packet.answer_cycle);
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
