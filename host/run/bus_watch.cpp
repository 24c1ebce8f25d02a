#include "run/bus_watch.h"

#include <algorithm>

namespace xybus {

using contract::BusId;
using contract::LinkOperation;
using contract::PacketKind;

namespace {

constexpr EventKind packet_kind{"packet",
                                {"source",
                                 "destinations",
                                 {"class", name_of<contract::TrafficClass>},
                                 "sequence",
                                 "length",
                                 {"operation", name_of<LinkOperation>},
                                 "crc",
                                 "answers",
                                 "retry",
                                 "faulted"}};

constexpr EventKind hit_kind{"packet_hit",
                             {{"bus", name_of<BusId>}, "source", "drop", "answer_drop", "flips"}};

// What a message packet asks for; no operation at all when it is none.
LinkOperation operation_of(std::span<const std::uint32_t> words) {
  if (words.size() < contract::header_words + contract::link_words + contract::crc_words) return {};
  contract::LinkHeader link;
  link.words[0] = words[contract::header_words];
  return link.operation();
}

}  // namespace

void flip_bits(std::span<std::uint32_t> words, const std::vector<unsigned>& flips) {
  constexpr unsigned word_bits = 8 * contract::word_bytes;
  constexpr unsigned header_bits = contract::header_words * word_bits;
  const auto bits = static_cast<unsigned>(words.size()) * word_bits;
  for (const unsigned flip : flips) {
    const unsigned bit =
        flip < header_bits ? flip : header_bits + (flip - header_bits) % (bits - header_bits);
    words[bit / word_bits] ^= 1U << bit % word_bits;
  }
}

PacketFault BusWatch::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  const PacketHit& hit = injector_.packet_started(bus, cycle, source);
  if (on_start_) on_start_(bus, cycle, hit);
  if (!hit.any()) return {};
  log_.record(EventLog::faults(), cycle, hit_kind,
              {static_cast<std::uint64_t>(bus), source, hit.drop, hit.answer_drop,
               hit.flips.size()});
  return {hit.drop, hit.answer_drop, hit.flips};
}

std::span<const std::uint32_t> BusWatch::before_faults(const BusPacket& packet,
                                                       const PacketHit& hit) {
  if (hit.flips.empty() || packet.words.size() <= contract::header_words ||
      packet.words.size() > sent_.size()) {
    return packet.words;
  }
  std::ranges::copy(packet.words, sent_.begin());
  const std::span words(sent_.data(), packet.words.size());
  flip_bits(words, hit.flips);
  return words;
}

void BusWatch::packet_answered(const BusPacket& packet) {
  const PacketHit& hit = injector_.on_wires(packet.bus);
  const auto sent = before_faults(packet, hit);
  const PacketVerdict verdict =
      monitor_.observe({.bus = packet.bus,
                        .source = packet.source,
                        .start_cycle = packet.start_cycle,
                        .answer_cycle = packet.answer_cycle,
                        .sent = sent,
                        .received = packet.words,
                        .answers = packet.answers,
                        .unseen = hit.drop || packet.down,
                        .unanswered = hit.answer_drop || packet.down});
  injector_.packet_answered(packet.bus, packet.start_cycle, verdict.answer, packet.down);

  const LinkOperation operation = verdict.legal ? operation_of(sent) : LinkOperation{};
  if (verdict.answer == contract::Answer::accepted) {
    trail_.note(packet.bus, packet.start_cycle, packet.source, verdict.destination, sent);
    // I'm-alive goes on even when nothing else does.
    if (operation != LinkOperation::alive) watchdog_.moved(packet.answer_cycle);
  }
  log_.record(EventLog::bus(packet.bus), packet.start_cycle, packet_kind,
              {packet.source, verdict.header.dst_mask(),
               static_cast<std::uint64_t>(verdict.header.traffic_class()),
               verdict.header.sequence_number(), verdict.header.length(),
               static_cast<std::uint64_t>(operation),
               packet.words.empty() ? 0 : packet.words.back(), packet.answers, verdict.retry,
               packet.faulted || packet.down});
}

}  // namespace xybus
