#include "check/reference/receiver.h"

#include <fmt/format.h>

#include "model/tlm/form.h"

namespace xybus::reference {

using contract::Answer;
using contract::PacketHeader;
using contract::PacketKind;

namespace {

/// A packet that was accepted is in node RAM so long after, whatever else goes on there.
constexpr Cycle storing = 600;
/// Room between wires and node RAM: lines of each bus; and packets, reads that are surely taken.
constexpr unsigned buffer_lines = 32;
constexpr unsigned sure_deliveries = 5;
constexpr unsigned sure_reads = 2;
/// Events that others may claim in the same cycle.
constexpr unsigned claimers = 5;

unsigned lines_of(std::uint32_t bytes) {
  return (bytes + contract::line_bytes - 1) / contract::line_bytes;
}

}  // namespace

void Receiver::clear() {
  filter_ = {};
  perhaps_ = {};
}

Receiver::Duplicate Receiver::duplicate(const PacketHeader& header) const {
  if (filter_.seen(header)) return Duplicate::yes;
  const Perhaps& its =
      perhaps_[static_cast<unsigned>(header.traffic_class())][header.source()];
  return its.valid && its.number == header.sequence_number() && its.epoch == header.epoch()
             ? Duplicate::perhaps
             : Duplicate::no;
}

std::optional<TakenRead> Receiver::judge(const WirePacket& packet, Seen seen, bool good_crc,
                                         const Claims& claims) {
  const bool has_header = packet.received.size() >= contract::header_words;
  const PacketHeader header = has_header ? packet_header(packet.received) : PacketHeader{};
  const Duplicate again = good_crc && has_header ? duplicate(header) : Duplicate::no;
  const Opinion opinion = this->opinion(packet, seen, good_crc, again, claims);
  const Answer actual = packet.answers.of(node_);
  if (!packet.unanswered && !opinion.may(actual)) {
    std::string expected;
    for (unsigned a = 0; a <= static_cast<unsigned>(Answer::refused); ++a) {
      if (!opinion.may(static_cast<Answer>(a))) continue;
      expected += fmt::format("{}{}", expected.empty() ? "" : " or ", name(static_cast<Answer>(a)));
    }
    report_.complain(
        packet.bus, packet.start_cycle,
        fmt::format("CPU {} -> CPU {}, {} {} sequence {}, {} bytes", packet.source, node_,
                    name(header.traffic_class()), name(header.kind()), header.sequence_number(),
                    header.length()),
        fmt::format("CPU {} answers {}", node_, name(actual)),
        fmt::format("{} ({})", expected, opinion.reason));
  }
  if (!good_crc || !has_header || !tlm::well_formed(header, packet.received.size())) return {};
  // What was done, as far as it can be told.
  Answer did = actual;
  bool optional = again == Duplicate::perhaps;
  if (packet.unanswered) {
    did = opinion.may(Answer::accepted)  ? Answer::accepted
          : opinion.may(Answer::refused) ? Answer::refused
                                         : Answer::none;
    optional = optional || !opinion.one();
  }
  if (did == Answer::refused) return take(packet, did, packet.unanswered && !opinion.one());
  if (did != Answer::accepted || again == Duplicate::yes) return {};
  auto read = take(packet, did, optional);
  if (packet.unanswered && optional) {
    perhaps(header) = {true, static_cast<std::uint16_t>(header.sequence_number()),
                       static_cast<std::uint8_t>(header.epoch())};
  } else {
    filter_.accept(header);
    perhaps(header).valid = false;
  }
  return read;
}

Receiver::Opinion Receiver::opinion(const WirePacket& packet, Seen seen, bool good_crc,
                                    Duplicate duplicate, const Claims& claims) const {
  Opinion opinion;
  const bool on = settings_.enabled.now;
  // An engine that was enabled while the packet was on the wires has not heard its beginning.
  const bool fresh = settings_.enabled.fresh(packet.start_cycle);
  if (seen == Seen::no || (!on && !fresh)) {
    opinion.add(Answer::none);
    opinion.reason = on ? "the packet did not reach it" : "its engine is off";
    return opinion;
  }
  if (seen == Seen::perhaps || fresh) opinion.add(Answer::none);
  if (!good_crc) {
    opinion.add(Answer::corrupt);
    opinion.reason = "the CRC is wrong";
    return opinion;
  }
  const PacketHeader header = packet_header(packet.received);
  if (!tlm::well_formed(header, packet.received.size())) {
    opinion.add(Answer::corrupt);
    opinion.reason = "the packet is malformed";
    return opinion;
  }
  if (duplicate != Duplicate::no) {
    opinion.add(Answer::accepted);
    opinion.reason = "it is a duplicate";
    if (duplicate == Duplicate::yes) return opinion;
  }
  if (header.kind() == PacketKind::message) {
    of_message(opinion, packet, claims);
  } else {
    of_transfer(opinion, packet, claims);
  }
  return opinion;
}

// A slot that was given back a moment ago may not be seen to be free yet.
void Receiver::of_message(Opinion& opinion, const WirePacket& packet,
                          const Claims& claims) const {
  const auto bus = static_cast<unsigned>(packet.bus);
  const auto& slots = settings_.slots[bus];
  const auto taken = [&](std::uint16_t filled, std::uint16_t head) {
    return static_cast<std::uint16_t>(filled - head);
  };
  const auto& head = slots.written;
  if (taken(book_.least_filled(bus), head.now) >= slots.size()) {
    opinion.add(Answer::busy);
    opinion.reason = "all receive slots are full";
    return;
  }
  opinion.add(Answer::accepted);
  opinion.reason = "there is room for it";
  const std::uint16_t old = head.fresh(packet.answer_cycle) ? head.before : head.now;
  const auto header = packet_header(packet.received);
  if (taken(book_.most_filled(bus), old) >= slots.size() ||
      may_lack_room(packet, lines_of(header.length()), true, claims)) {
    opinion.add(Answer::busy);
    opinion.reason = "there may be room for it";
  }
}

void Receiver::of_transfer(Opinion& opinion, const WirePacket& packet,
                           const Claims& claims) const {
  const auto header = packet_header(packet.received);
  const contract::WindowWord place{{packet.received[contract::header_words]}};
  const bool write = header.kind() == PacketKind::write;
  const std::uint32_t length =
      write ? header.length()
            : contract::ReadRequest{{packet.received[3], packet.received[4]}}.length();
  const auto allows = [&](const tlm::Window& window) {
    return window.allows(place.generation(), header.source(), write,
                         place.offset() * contract::line_bytes, length);
  };
  bool may = false;
  bool may_not = true;
  if (place.window() < contract::windows) {
    const auto& window = settings_.windows[place.window()];
    may = allows(window.now);
    may_not = !may;
    // The window counts that stood from the packet's first words to its verdict.
    if (window.fresh(packet.start_cycle)) {
      may = may || allows(window.before);
      may_not = true;
    }
  }
  const bool event = !may || !write || header.notify() != 0;
  if (may) opinion.add(Answer::accepted);
  if (may_not) opinion.add(Answer::refused);
  opinion.reason = !may      ? "the window does not allow it"
                   : may_not ? "the window has just changed"
                             : "the window allows it";
  const bool reads_wait = may && !write && claims.reads > sure_reads;
  const unsigned lines = write && may ? lines_of(length) : 0;
  if (reads_wait || ((write || may_not) &&
                     may_lack_room(packet, lines, event || may_not, claims))) {
    opinion.add(Answer::busy);
  }
}

bool Receiver::may_lack_room(const WirePacket& packet, unsigned lines, bool event,
                             const Claims& claims) const {
  unsigned packets = 0;
  for (const Taking& taking : takings_) {
    if (taking.cycle == 0 || taking.cycle + storing < packet.start_cycle) continue;
    ++packets;
    if (taking.bus == static_cast<unsigned>(packet.bus)) lines += taking.lines;
  }
  if (packets > sure_deliveries || lines > buffer_lines) return true;
  const auto& events = settings_.events;
  const std::uint16_t head =
      events.written.fresh(packet.answer_cycle) ? events.written.before : events.written.now;
  const auto not_given_back = static_cast<std::uint16_t>(book_.taken_count() - head);
  return event && not_given_back + book_.owed() + claims.events + claimers > events.size();
}

std::optional<TakenRead> Receiver::take(const WirePacket& packet, Answer answer, bool optional) {
  const auto words = packet.received;
  const auto header = packet_header(words);
  const bool message = header.kind() == PacketKind::message;
  const bool stores = answer == Answer::accepted && header.kind() != PacketKind::read;
  takings_[next_taking_++ % takings_.size()] = {packet.answer_cycle,
                                                static_cast<unsigned>(packet.bus),
                                                stores ? lines_of(header.length()) : 0};
  const auto entry = contract::EventEntry{}
                         .set_bus(packet.bus)
                         .set_header_0(words[0])
                         .set_header_1(words[1]);
  auto of = [&](contract::EventType type) {
    auto its = entry;
    return its.set_event_type(type).set_cookie(message ? 0 : words[2]);
  };
  if (answer == Answer::refused) {
    book_.owe(of(contract::EventType::violation), optional, packet.answer_cycle);
  } else if (message) {
    book_.owe_received(packet.bus, of(contract::EventType::received),
                       words.subspan(contract::header_words,
                                     words.size() - contract::header_words - contract::crc_words),
                       header.length(), optional, packet.answer_cycle);
  } else if (header.kind() == PacketKind::read) {
    return TakenRead{packet.bus, header.source(), {{words[2]}}, {words[3], words[4]}, optional,
                     packet.answer_cycle};
  } else if (header.notify() != 0) {
    book_.owe(of(contract::EventType::stored), optional, packet.answer_cycle);
  }
  return {};
}

}  // namespace xybus::reference
