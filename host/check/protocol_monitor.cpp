#include "check/protocol_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "check/crc32c.h"

namespace xybus {

using contract::Answer;
using contract::BusId;
using contract::PacketHeader;

namespace {

PacketHeader header_of(std::span<const std::uint32_t> words) {
  return {{words[0], words[1]}};
}

bool crc_good(std::span<const std::uint32_t> words) {
  return words.size() > contract::crc_words &&
         crc32c(words.first(words.size() - 1)) == words.back();
}

std::size_t words_of(std::uint32_t length) {
  return contract::header_words + (length + contract::word_bytes - 1) / contract::word_bytes +
         contract::crc_words;
}

// The header with nothing in its reserved bits.
PacketHeader without_reserved(const PacketHeader& header) {
  return PacketHeader{}
      .set_dst_mask(header.dst_mask())
      .set_source(header.source())
      .set_kind(header.kind())
      .set_traffic_class(header.traffic_class())
      .set_length(header.length())
      .set_sequence_number(header.sequence_number())
      .set_epoch(header.epoch());
}

Answer answer_of(std::uint32_t answers, unsigned node) {
  return static_cast<Answer>(answers >> (2 * node) & 3);
}

}  // namespace

ProtocolMonitor::ProtocolMonitor(unsigned nodes, contract::RetryLimitsRegister limits,
                                 std::uint64_t alive_interval)
    : nodes_(nodes),
      limits_(limits),
      flows_(contract::max_nodes * contract::max_nodes * 2),
      paths_(contract::max_nodes * contract::max_nodes * 2),
      cut_window_(alive_interval != 0 ? 2 * alive_interval : ~std::uint64_t{0}) {
  halted_from_.fill(~std::uint64_t{0});
}

void ProtocolMonitor::halted(unsigned node, std::uint64_t cycle) {
  halted_from_[node] = std::min(halted_from_[node], cycle);
}

std::size_t ProtocolMonitor::path_index(BusId bus, unsigned source, unsigned destination) {
  return (source * contract::max_nodes + destination) * 2 + static_cast<std::size_t>(bus);
}

bool ProtocolMonitor::was_cut_off(unsigned source, unsigned destination) const {
  return (cut_off_[source] >> destination & 1) != 0;
}

ProtocolMonitor::Flow& ProtocolMonitor::flow(const PacketVerdict& verdict, unsigned source) {
  return flows_[(source * contract::max_nodes + verdict.destination) * 2 +
                static_cast<unsigned>(verdict.header.traffic_class())];
}

template <class... Arguments>
void ProtocolMonitor::complain(const WirePacket& packet, const char* format,
                               const Arguments&... arguments) {
  Complaints& complaints = bus_of(packet.bus).complaints;
  if (!complaints.wants_text()) return complaints.add({});
  std::string who = fmt::format("CPU {}", packet.source);
  if (packet.sent.size() >= contract::header_words) {
    const PacketHeader header = header_of(packet.sent);
    who += fmt::format(" -> mask {:#06x}, {} sequence {}, {} bytes", header.dst_mask(),
                       name(header.traffic_class()), header.sequence_number(), header.length());
  }
  complaints.add(fmt::format("bus {}, cycle {}, {}: {}", name(packet.bus), packet.start_cycle, who,
                             fmt::format(fmt::runtime(format), arguments...)));
}

PacketVerdict ProtocolMonitor::observe(const WirePacket& packet) {
  PacketVerdict verdict;
  check_timing(packet);
  // A node that is halted while it sends breaks off where it is.
  const bool broken_off = halted_by(packet.source, packet.answer_cycle);
  if (must_be_silent(packet.source, packet.start_cycle)) {
    complain(packet, "sent by a CPU that was halted at cycle {}", halted_from_[packet.source]);
  }
  verdict.legal = !broken_off && check_form(packet);
  if (verdict.legal) {
    alive_ |= 1U << packet.source;
    verdict.header = header_of(packet.sent);
    verdict.destination = static_cast<unsigned>(std::countr_zero(verdict.header.dst_mask()));
    verdict.answer = answer_of(packet.answers, verdict.destination);
    check_answers(packet);
    check_sequence(packet, verdict);
  }
  count(packet, verdict);
  return verdict;
}

bool ProtocolMonitor::check_form(const WirePacket& packet) {
  const auto words = packet.sent;
  if (words.size() < contract::header_words + contract::crc_words) {
    complain(packet, "expected at least {} words, actual {}",
             contract::header_words + contract::crc_words, words.size());
    return false;
  }
  const PacketHeader header = header_of(words);
  bool legal = true;
  auto expect = [&](bool holds, const char* format, const auto&... arguments) {
    if (holds) return;
    legal = false;
    complain(packet, format, arguments...);
  };
  expect(header.length() <= contract::max_payload_bytes, "expected at most {} bytes, actual {}",
         contract::max_payload_bytes, header.length());
  expect(words.size() == words_of(header.length()), "expected {} words for {} bytes, actual {}",
         words_of(header.length()), header.length(), words.size());
  expect(header.source() == packet.source, "expected source {} (the granted node), actual {}",
         packet.source, header.source());
  expect(std::has_single_bit(header.dst_mask()), "expected one destination, actual mask {:#06x}",
         header.dst_mask());
  expect((header.dst_mask() >> nodes_) == 0, "expected destinations below {}, actual mask {:#06x}",
         nodes_, header.dst_mask());
  expect(*name(header.kind()) != '?', "unknown kind {}",
         static_cast<unsigned>(header.kind()));
  expect(without_reserved(header) == header, "reserved header bits set: {:#010x} {:#010x}",
         words[0], words[1]);
  const std::uint32_t tail_bytes = header.length() % contract::word_bytes;
  if (legal && tail_bytes != 0) {
    const std::uint32_t padding = words[words.size() - 2] >> (8 * tail_bytes);
    expect(padding == 0, "padding not zero: {:#x}", padding);
  }
  const std::uint32_t crc = crc32c(words.first(words.size() - 1));
  expect(crc == words.back(), "CRC expected {:#010x}, actual {:#010x}", crc, words.back());
  return legal;
}

void ProtocolMonitor::check_timing(const WirePacket& packet) {
  Bus& bus = bus_of(packet.bus);
  if (packet.start_cycle < bus.free_from) {
    complain(packet, "starts before cycle {}, when the packet before it has ended", bus.free_from);
  }
  const std::uint64_t end = packet.start_cycle + packet.sent.size();
  bus.free_from = std::max(bus.free_from, end);
  const std::uint64_t slot = end - 1 + contract::answer_delay;
  if (packet.answer_cycle != slot) {
    complain(packet, "{} words: answers expected at cycle {}, actual {}", packet.sent.size(), slot,
             packet.answer_cycle);
  }
}

void ProtocolMonitor::check_answers(const WirePacket& packet) {
  const bool good = crc_good(packet.received);
  const std::uint32_t addressed = header_of(packet.received).dst_mask();
  const bool none_through = packet.unseen || packet.unanswered;
  for (unsigned node = 0; node < contract::max_nodes; ++node) {
    const Answer answer = answer_of(packet.answers, node);
    const bool is_addressed = (addressed >> node & 1) != 0;
    if (answer == Answer::none) {
      const bool must = is_addressed && good && !none_through && (alive_ >> node & 1) != 0 &&
                        !halted_by(node, packet.answer_cycle);
      if (must) complain(packet, "CPU {} did not answer a good packet", node);
      continue;
    }
    alive_ |= 1U << node;
    if (none_through) {
      complain(packet, "CPU {} answered {}, but faults let nothing through", node, name(answer));
    } else if (!is_addressed) {
      complain(packet, "CPU {} answered {}, but was not addressed", node, name(answer));
    } else if (must_be_silent(node, packet.answer_cycle)) {
      complain(packet, "CPU {} answered {}, but was halted at cycle {}", node, name(answer),
               halted_from_[node]);
    } else if (good && answer == Answer::corrupt) {
      complain(packet, "CPU {} answered corrupt, but the CRC is right", node);
    } else if (!good && answer != Answer::corrupt) {
      complain(packet, "CPU {} answered {}, but the CRC is wrong", node, name(answer));
    }
  }
}

bool ProtocolMonitor::given_up(const Flow& flow, unsigned source, unsigned destination) {
  if (limits_.busy() != 0 && flow.busy >= limits_.busy()) return true;
  return path(BusId::x, source, destination).down && path(BusId::y, source, destination).down;
}

void ProtocolMonitor::check_sequence(const WirePacket& packet, PacketVerdict& verdict) {
  Flow& its = flow(verdict, packet.source);
  const auto sequence = static_cast<std::uint16_t>(verdict.header.sequence_number());
  if (its.used && packet.start_cycle <= its.answer_cycle) {
    complain(packet,
             "sent before the flow's packet before it, sequence {}, was answered at cycle {}",
             its.sequence, its.answer_cycle);
  }
  const bool open = its.used && !its.accepted;
  const auto next = static_cast<std::uint16_t>(its.sequence + 1);
  const bool same =
      its.used && std::ranges::equal(packet.sent, std::span(its.words).first(its.size));
  // A packet that ended busy was not delivered; the next one takes its number.
  const bool ended_busy = open && limits_.busy() != 0 && its.busy >= limits_.busy();
  verdict.retry = open && sequence == its.sequence && (same || !ended_busy);
  if (verdict.retry && !same) {
    complain(packet, "repeated with other contents than at first");
  } else if (its.used && !open && sequence == its.sequence) {
    complain(packet, "sent again, or its number used again, after it was accepted");
  } else if (its.used && !verdict.retry && !(ended_busy && sequence == its.sequence) &&
             sequence != next) {
    complain(packet, "expected sequence {}, actual {}", next, sequence);
  } else if (open && !verdict.retry && !given_up(its, packet.source, verdict.destination)) {
    complain(packet, "sent although sequence {} before it was neither accepted nor given up",
             its.sequence);
  }

  if (!verdict.retry) {
    its.attempts = its.busy = 0;
    its.size = packet.sent.size();
    std::ranges::copy(packet.sent, its.words.begin());
  }
  its.used = true;
  its.sequence = sequence;
  ++its.attempts;
  its.accepted = verdict.answer == Answer::accepted;
  its.busy = verdict.answer == Answer::busy ? its.busy + 1 : 0;
  its.answer_cycle = std::max(its.answer_cycle, packet.answer_cycle);
  judge_path(packet, verdict);
}

void ProtocolMonitor::judge_path(const WirePacket& packet, const PacketVerdict& verdict) {
  // A path that was down and carries packets again has been raised.
  Path& its_path = path(packet.bus, packet.source, verdict.destination);
  if (its_path.down) its_path = {.failed_cycle = its_path.failed_cycle};
  if (verdict.answer == Answer::none) {
    ++its_path.unanswered;
  } else if (verdict.answer == Answer::corrupt) {
    ++its_path.corrupt;
  } else {
    its_path = {.failed_cycle = its_path.failed_cycle};
  }
  its_path.down = (limits_.no_answer() != 0 && its_path.unanswered >= limits_.no_answer()) ||
                  (limits_.corrupt() != 0 && its_path.corrupt >= limits_.corrupt());
  if (!its_path.down) return;
  its_path.failed_cycle = packet.answer_cycle;
  const BusId other_bus = packet.bus == BusId::x ? BusId::y : BusId::x;
  const auto other = path(other_bus, packet.source, verdict.destination).failed_cycle;
  if (!other) return;
  // Packets of the two buses need not come in order of time.
  const auto [first, last] = std::minmax(*other, packet.answer_cycle);
  if (last - first <= cut_window_) cut_off_[packet.source] |= 1U << verdict.destination;
}

void ProtocolMonitor::count(const WirePacket& packet, const PacketVerdict& verdict) {
  BusResult& result = bus_of(packet.bus).result;
  ++result.packets;
  result.busy_cycles += packet.sent.size();
  if (!verdict.legal) return;
  if (verdict.retry) ++result.retries;
  switch (verdict.answer) {
    case Answer::none: ++result.no_answers; break;
    case Answer::accepted: result.payload_bytes += verdict.header.length(); break;
    case Answer::busy: ++result.busy_answers; break;
    case Answer::corrupt: ++result.crc_errors; break;
  }
}

CheckResult ProtocolMonitor::check(BusId bus) const {
  return bus_of(bus).complaints.result(std::string("protocol.") + name(bus),
                                       fmt::format("{} packets", result(bus).packets));
}

}  // namespace xybus
