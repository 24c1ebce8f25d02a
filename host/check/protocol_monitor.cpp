#include "check/protocol_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "model/crc32c.h"

namespace xybus {

using contract::Answer;
using contract::BusId;
using contract::PacketHeader;
using contract::PacketKind;

namespace {

bool crc_good(std::span<const std::uint32_t> words) {
  return words.size() > contract::crc_words &&
         crc32c(words.first(words.size() - 1)) == words.back();
}

std::size_t words_of(const PacketHeader& header) {
  return xybus::words_of(header.kind(), header.length());
}

const Answers& given(const WirePacket& packet) {
  return packet.given ? *packet.given : packet.answers;
}

// The header with nothing in its reserved bits.
PacketHeader without_reserved(const PacketHeader& header) {
  return PacketHeader{}
      .set_dst_mask(header.dst_mask())
      .set_source(header.source())
      .set_kind(header.kind())
      .set_traffic_class(header.traffic_class())
      .set_notify(header.notify())
      .set_length(header.length())
      .set_sequence_number(header.sequence_number())
      .set_epoch(header.epoch());
}

Answer worst(const Answers& answers, std::uint32_t destinations) {
  if ((destinations & ~answers.any()) != 0) return Answer::none;
  if ((destinations & answers.corrupt) != 0) return Answer::corrupt;
  if ((destinations & answers.refused) != 0) return Answer::refused;
  return (destinations & answers.busy) != 0 ? Answer::busy : Answer::accepted;
}

}  // namespace

ProtocolMonitor::ProtocolMonitor(unsigned nodes, const ProtocolLimits& limits,
                                 std::uint64_t alive_interval)
    : count_(nodes), paths_(limits.paths, alive_interval), flows_(limits.busy) {}

void ProtocolMonitor::halted(unsigned node, std::uint64_t cycle) {
  Node& its = nodes_[node];
  const bool is_halted = its.halted_until == never;
  its.halted_from = is_halted ? std::min(its.halted_from, cycle) : cycle;
  its.halted_until = never;
}

void ProtocolMonitor::restarted(unsigned node, std::uint64_t cycle) {
  nodes_[node].halted_until = cycle;
  alive_ &= ~(1U << node);
  flows_.restarted(node);
  paths_.restarted(node);
}

void ProtocolMonitor::rogue(unsigned node, std::uint64_t cycle, bool on) {
  Node& its = nodes_[node];
  if (on && its.misdeeds++ == 0) its.rogue_from = std::min(its.rogue_from, cycle);
  if (!on && its.misdeeds > 0 && --its.misdeeds == 0) its.rogue_until = cycle;
  flows_.forgive(node);
}

// What is on the wires or asks for them when it ends may still be cut.
bool ProtocolMonitor::is_rogue(unsigned node, std::uint64_t from, std::uint64_t to) const {
  constexpr std::uint64_t aftermath = 2 * max_packet_words;
  const Node& its = nodes_[node];
  if (to < its.rogue_from) return false;
  return its.misdeeds != 0 || from <= its.rogue_until + aftermath;
}

void ProtocolMonitor::wires_faulty(BusId bus, std::uint64_t cycle, bool on) {
  bus_of(bus).stuck.change(cycle, on);
}

void ProtocolMonitor::grants_faulty(BusId bus, std::uint64_t cycle, bool on) {
  bus_of(bus).doubled.change(cycle, on);
  paths_.blocked(bus, cycle, on);  // of two that drive, one is not seen to fail
  for (unsigned node = 0; node < count_; ++node) flows_.forgive(node);
}

void ProtocolMonitor::blocked(BusId bus, std::uint64_t cycle, bool on) {
  paths_.blocked(bus, cycle, on);
  for (unsigned node = 0; node < count_; ++node) flows_.forgive(node);
}

void ProtocolMonitor::upset(unsigned node, std::uint64_t cycle) {
  if (!std::exchange(nodes_[node].upset, true)) rogue(node, cycle, true);
}

void ProtocolMonitor::observe_copy(const WirePacket& packet) {
  check_timing(packet);
  check_answers(packet, false, crc_good(packet.received));
  ++bus_of(packet.bus).result.packets;
  bus_of(packet.bus).result.busy_cycles += packet.sent.size();
}

void ProtocolMonitor::check_collision(const WirePacket& packet, bool good) {
  if (!bus_of(packet.bus).doubled.covers(packet.start_cycle)) {
    complain(packet, "two nodes drove the bus, and no fault makes its controller grant two");
  }
  if (given(packet).plain().accepted != 0 && !good) {
    complain(packet, "accepted, though two nodes drove the bus");
  }
}

template <class... Arguments>
void ProtocolMonitor::complain(const WirePacket& packet, const char* format,
                               const Arguments&... arguments) {
  if (quiet_) return;
  Complaints& complaints = bus_of(packet.bus).complaints;
  if (!complaints.wants_text()) return complaints.add({}, packet.start_cycle);
  std::string who = fmt::format("CPU {}", packet.source);
  if (packet.sent.size() >= contract::header_words) {
    const PacketHeader header = packet_header(packet.sent);
    who += fmt::format(" -> mask {:#06x}, {} sequence {}, {} bytes", header.dst_mask(),
                       name(header.traffic_class()), header.sequence_number(), header.length());
  }
  complaints.add(fmt::format("bus {}, cycle {}, {}: {}", name(packet.bus), packet.start_cycle, who,
                             fmt::format(fmt::runtime(format), arguments...)),
                 packet.start_cycle);
}

// What an upset node does by itself may be wrong; what it sends rightly counts.
bool ProtocolMonitor::sound_though_upset(const WirePacket& packet, bool crc_right) {
  const Node& its = nodes_[packet.source];
  if (!its.upset || its.misdeeds > 1) return false;
  quiet_ = true;
  const bool sound = check_form(packet, crc_right);
  quiet_ = false;
  return sound;
}

PacketVerdict ProtocolMonitor::observe(const WirePacket& packet) {
  PacketVerdict verdict;
  bool first_accepted = false;
  const bool good = crc_good(packet.received);
  const bool unchanged = packet.sent.data() == packet.received.data() &&
                         packet.sent.size() == packet.received.size();
  const bool crc_right = unchanged ? good : crc_good(packet.sent);
  check_timing(packet);
  const bool rogue = is_rogue(packet.source, packet.start_cycle, packet.answer_cycle);
  if (!packet.sent.empty() && must_be_silent(packet.source, packet.start_cycle)) {
    complain(packet, "sent by a CPU that was halted at cycle {}",
             nodes_[packet.source].halted_from);
  }
  if (packet.altered && !bus_of(packet.bus).stuck.covers(packet.start_cycle)) {
    complain(packet, "changed on the wires, and no fault does that");
  }
  if (packet.collided) {
    check_collision(packet, good);
  } else if (packet.cut) {
    check_cut(packet, rogue);
  } else if (rogue && !sound_though_upset(packet, crc_right)) {
    check_source(packet);
    check_answers(packet, true, good);
  } else if (!halted_by(packet.source, packet.answer_cycle) && check_form(packet, crc_right)) {
    verdict.legal = true;
    alive_ |= 1U << packet.source;
    verdict.header = packet_header(packet.sent);
    verdict.answer = worst(packet.answers, verdict.header.dst_mask());
    check_answers(packet, false, good);
    const auto place = flows_.observe(
        packet, paths_, [&](const std::string& text) {
          if (!rogue) complain(packet, "{}", text);
        });
    verdict.retry = place.retry;
    verdict.accepted = place.accepted;
    first_accepted = place.first_accepted;
  }
  count(packet, verdict, first_accepted);
  return verdict;
}

void ProtocolMonitor::offence(BusId bus, std::uint64_t cycle, unsigned node,
                              contract::Offence offence) {
  Bus& its = bus_of(bus);
  ++its.result.offences;
  if (is_rogue(node, cycle, cycle) || halted_by(node, cycle)) return;
  its.complaints.add(fmt::format("bus {}, cycle {}: the guardian caught CPU {} ({}), which is "
                                 "sound",
                                 name(bus), cycle, node, name(offence)),
                     cycle);
}

// ---- Form -------------------------------------------------------------------------------------

bool ProtocolMonitor::check_form(const WirePacket& packet, bool crc_right) {
  const auto words = packet.sent;
  if (words.size() < contract::header_words + contract::crc_words) {
    complain(packet, "expected at least {} words, actual {}",
             contract::header_words + contract::crc_words, words.size());
    return false;
  }
  const PacketHeader header = packet_header(words);
  bool legal = true;
  auto expect = [&](bool holds, const char* format, const auto&... arguments) {
    if (holds) return;
    legal = false;
    complain(packet, format, arguments...);
  };
  expect(header.length() <= contract::max_payload_bytes, "expected at most {} bytes, actual {}",
         contract::max_payload_bytes, header.length());
  expect(words.size() == words_of(header), "expected {} words for {} bytes, actual {}",
         words_of(header), header.length(), words.size());
  expect(header.source() == packet.source, "expected source {} (the granted node), actual {}",
         packet.source, header.source());
  expect(header.dst_mask() != 0, "expected a destination, actual mask {:#06x}", header.dst_mask());
  expect((header.dst_mask() >> count_) == 0, "expected destinations below {}, actual mask {:#06x}",
         count_, header.dst_mask());
  expect(*name(header.kind()) != '?', "unknown kind {}",
         static_cast<unsigned>(header.kind()));
  expect(without_reserved(header) == header, "reserved header bits set: {:#010x} {:#010x}",
         words[0], words[1]);
  expect(header.notify() == 0 || header.kind() == PacketKind::write,
         "notify is for write packets, and this is a {}", name(header.kind()));
  if (has_window(header.kind())) {
    expect(std::has_single_bit(header.dst_mask()),
           "expected one destination of a {}, actual mask {:#06x}", name(header.kind()),
           header.dst_mask());
    expect(header.traffic_class() == contract::TrafficClass::data,
           "expected the data class for a {}, actual {}", name(header.kind()),
           name(header.traffic_class()));
    expect(header.length() != 0, "a {} of no bytes", name(header.kind()));
  }
  if (legal) legal = check_payload(packet, header);
  if (!crc_right) {
    expect(false, "CRC expected {:#010x}, actual {:#010x}",
           crc32c(words.first(words.size() - 1)), words.back());
  }
  return legal;
}

bool ProtocolMonitor::check_payload(const WirePacket& packet, const PacketHeader& header) {
  const auto words = packet.sent;
  const std::uint32_t tail_bytes = header.length() % contract::word_bytes;
  if (tail_bytes != 0) {
    const std::uint32_t padding = words[words.size() - 2] >> (8 * tail_bytes);
    if (padding != 0) {
      complain(packet, "padding not zero: {:#x}", padding);
      return false;
    }
  }
  if (header.kind() != PacketKind::read) return true;
  if (header.length() != contract::read_payload_bytes) {
    complain(packet, "expected {} bytes of a read, actual {}", contract::read_payload_bytes,
             header.length());
    return false;
  }
  const auto payload = words.subspan(words_before_payload(header.kind()));
  const contract::ReadRequest request{{payload[0], payload[1]}};
  const contract::ReadRequest plain =
      contract::ReadRequest{}.set_length(request.length()).set_reply(request.reply());
  if (request.length() == 0 || request.words != plain.words || payload[2] != 0 ||
      payload[3] != 0) {
    complain(packet, "read request malformed: {:#010x} {:#010x} {:#010x} {:#010x}", payload[0],
             payload[1], payload[2], payload[3]);
    return false;
  }
  return true;
}

// ---- Timing, and what breaks off --------------------------------------------------------------

void ProtocolMonitor::check_timing(const WirePacket& packet) {
  Bus& bus = bus_of(packet.bus);
  if (packet.start_cycle < bus.free_from) {
    complain(packet, "starts before cycle {}, when the packet before it has ended", bus.free_from);
  }
  const std::uint64_t end = packet.start_cycle + packet.sent.size();
  bus.free_from = std::max(bus.free_from, end);
  if (packet.cut) return;
  const std::uint64_t slot = end - 1 + contract::answer_delay;
  if (packet.answer_cycle != slot) {
    complain(packet, "{} words: answers expected at cycle {}, actual {}", packet.sent.size(), slot,
             packet.answer_cycle);
  }
}

void ProtocolMonitor::check_source(const WirePacket& packet) {
  if (packet.sent.empty()) return;
  const PacketHeader header{{packet.sent[0], 0}};
  if (header.source() == packet.source) return;
  complain(packet, "expected source {} (the granted node), actual {}: not contained",
           packet.source, header.source());
}

void ProtocolMonitor::check_cut(const WirePacket& packet, bool rogue) {
  check_source(packet);
  const std::uint64_t cycles = packet.answer_cycle - packet.start_cycle;
  if (cycles > max_packet_words) {
    complain(packet, "held the bus for {} cycles, and a packet has at most {} words", cycles,
             max_packet_words);
  }
  if (packet.answers.any() != 0) complain(packet, "answered, though it broke off");
  if (rogue || halted_by(packet.source, packet.answer_cycle)) return;
  complain(packet, "broke off after {} words", packet.sent.size());
}

// ---- Answers ----------------------------------------------------------------------------------

void ProtocolMonitor::check_answers(const WirePacket& packet, bool rogue, bool good) {
  const std::uint32_t addressed =
      packet.received.empty() ? 0 : PacketHeader{{packet.received[0], 0}}.dst_mask();
  const std::uint32_t answered = given(packet).any();
  const bool none_through = packet.unseen || packet.unanswered;
  const std::uint32_t silent =
      good && !rogue && !none_through ? addressed & ~answered & ~packet.parted : 0;
  for (std::uint32_t left = answered | silent; left != 0; left &= left - 1) {
    const auto node = static_cast<unsigned>(std::countr_zero(left));
    if ((answered >> node & 1) != 0) {
      alive_ |= 1U << node;
      check_answer(packet, node, good, (addressed >> node & 1) != 0);
    } else if ((alive_ >> node & 1) != 0 && !nodes_[node].upset &&
               !halted_by(node, packet.answer_cycle)) {
      complain(packet, "CPU {} did not answer a good packet", node);
    }
  }
}

void ProtocolMonitor::check_answer(const WirePacket& packet, unsigned node, bool good,
                                   bool addressed) {
  const Answer answer = given(packet).of(node);
  const auto expect = [&](bool holds, const char* format, const auto&... arguments) {
    if (!holds) complain(packet, format, node, name(answer), arguments...);
    return holds;
  };
  const bool window = good && has_window(packet_header(packet.received).kind());
  expect((given(packet).contradictory() >> node & 1) == 0,
         "CPU {} answered {} and something else at once") &&
      expect((packet.parted >> node & 1) == 0, "CPU {} answered {} across a partition") &&
      expect(!packet.unseen && !packet.unanswered,
             "CPU {} answered {}, but faults let nothing through") &&
      expect(addressed, "CPU {} answered {}, but was not addressed") &&
      expect(!must_be_silent(node, packet.answer_cycle),
             "CPU {} answered {}, but was halted at cycle {}", nodes_[node].halted_from) &&
      expect(!good || answer != Answer::corrupt, "CPU {} answered {}, but the CRC is right") &&
      expect(good || answer == Answer::corrupt, "CPU {} answered {}, but the CRC is wrong") &&
      expect(answer != Answer::refused || window,
             "CPU {} answered {}, but there is no window to be refused");
}

// ---- The account ------------------------------------------------------------------------------

void ProtocolMonitor::count(const WirePacket& packet, const PacketVerdict& verdict,
                            bool first_accepted) {
  BusResult& result = bus_of(packet.bus).result;
  ++result.packets;
  result.busy_cycles += packet.sent.size();
  if (packet.cut) ++result.cut_packets;
  if (!verdict.legal) return;
  if (verdict.retry) ++result.retries;
  const std::uint32_t destinations = verdict.header.dst_mask();
  if (has_window(verdict.header.kind())) ++result.window_packets;
  if (!std::has_single_bit(destinations)) ++result.multicasts;
  if (first_accepted) result.payload_bytes += verdict.header.length();
  if ((destinations & ~packet.answers.any()) != 0) ++result.no_answers;
  if ((destinations & packet.answers.busy) != 0) ++result.busy_answers;
  if ((destinations & packet.answers.corrupt) != 0) ++result.crc_errors;
  if ((destinations & packet.answers.refused) != 0) ++result.refused_answers;
}

CheckResult ProtocolMonitor::check(BusId bus) const {
  return bus_of(bus).complaints.result(std::string("protocol.") + name(bus),
                                       fmt::format("{} packets", result(bus).packets));
}

}  // namespace xybus
