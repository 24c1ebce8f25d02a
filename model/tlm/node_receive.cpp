// Receiving: what a packet is answered, and its way into node RAM.
#include <algorithm>

#include "model/tlm/core.h"
#include "model/tlm/form.h"

namespace xybus::tlm {

using contract::Answer;
using contract::PacketKind;

namespace {

/// The window is asked for when a packet's header and window word are there.
constexpr Cycle window_asked = 5;

}  // namespace

Answer Node::receive(unsigned bus, std::span<const std::uint32_t> words, bool good, Cycle start,
                     Cycle cycle) {
  if (!enabled()) return Answer::none;
  if (!good) {
    count(bus, Count::crc_error);
    return Answer::corrupt;
  }
  const contract::PacketHeader header{{words[0], words[1]}};
  if (!well_formed(header, words.size())) {
    count(bus, Count::malformed);
    return Answer::corrupt;
  }
  if (filter_.seen(header)) {
    count(bus, Count::duplicate);
    return Answer::accepted;
  }
  return header.kind() == PacketKind::message ? take_message(bus, words, cycle)
                                              : take_transfer(bus, words, start, cycle);
}

Answer Node::busy(unsigned bus) {
  count(bus, Count::refused);
  return Answer::busy;
}

bool Node::lines_fit(unsigned bus, unsigned lines) const {
  return lines_held_[bus] + lines <= buffer_lines;
}

Answer Node::take_message(unsigned bus, std::span<const std::uint32_t> words, Cycle cycle) {
  const contract::PacketHeader header{{words[0], words[1]}};
  Ring& slots = slots_[bus];
  const std::uint16_t filled = static_cast<std::uint16_t>(slots.tail - slots.head);
  const unsigned lines = (header.length() + contract::line_bytes - 1) / contract::line_bytes;
  if (filled >= slots.size() || !lines_fit(bus, lines) || !delivery_ready() || !room(true)) {
    return busy(bus);
  }
  claim();
  Delivery& its = deliver(bus);
  its.address = slots.at(slots.tail, contract::slot_bytes);
  its.length = header.length();
  its.has_event = true;
  its.entry = contract::EventEntry{}
                  .set_event_type(contract::EventType::received)
                  .set_bus(static_cast<contract::BusId>(bus))
                  .set_cookie(slots.tail)
                  .set_header_0(words[0])
                  .set_header_1(words[1]);
  std::copy_n(words.begin() + contract::header_words, (header.length() + 3) / 4,
              its.payload.begin());
  ++slots.tail;
  schedule_store(its, cycle);
  count(bus, Count::received);
  filter_.accept(header);
  return Answer::accepted;
}

Answer Node::take_transfer(unsigned bus, std::span<const std::uint32_t> words, Cycle start,
                           Cycle cycle) {
  const contract::PacketHeader header{{words[0], words[1]}};
  const contract::WindowWord place{{words[2]}};
  const bool write = header.kind() == PacketKind::write;
  const std::uint32_t length = write ? header.length() : words[3] & 0xfffff;
  const Grant grant = look_up(place.window(), place.generation(), header.source(), write,
                              place.offset() * contract::line_bytes, length,
                              start + window_asked);
  const auto entry = [&](contract::EventType type) {
    return contract::EventEntry{}
        .set_event_type(type)
        .set_bus(static_cast<contract::BusId>(bus))
        .set_cookie(words[2])
        .set_header_0(words[0])
        .set_header_1(words[1]);
  };
  if (!grant.allowed) {
    if (!delivery_ready() || !room(true)) return busy(bus);
    claim();
    Delivery& its = deliver(bus);
    its.length = 0;
    its.has_event = true;
    its.entry = entry(contract::EventType::violation);
    schedule_store(its, cycle);
    count(bus, Count::violation);
    return Answer::refused;
  }
  if (!write) {
    if (reads_.size() + buses > most_reads) return busy(bus);
    Read& its = reads_.push();
    its = {static_cast<std::uint8_t>(bus), static_cast<std::uint8_t>(header.source()), words[2],
           {words[3], words[4]}};
    if (reads_.size() == 1) next_read(cycle);
    count(bus, Count::served);
    filter_.accept(header);
    return Answer::accepted;
  }
  const bool notify = header.notify() != 0;
  const unsigned lines = (length + contract::line_bytes - 1) / contract::line_bytes;
  if (!lines_fit(bus, lines) || !delivery_ready() || (notify && !room(true))) return busy(bus);
  if (notify) claim();
  Delivery& its = deliver(bus);
  its.address = grant.address;
  its.length = length;
  its.has_event = notify;
  if (notify) its.entry = entry(contract::EventType::stored);
  std::copy_n(words.begin() + 3, (length + 3) / 4, its.payload.begin());
  schedule_store(its, cycle);
  count(bus, Count::stored);
  filter_.accept(header);
  return Answer::accepted;
}

// ---- Delivery, in the order of acceptance -------------------------------------------------------

Node::Delivery& Node::deliver(unsigned bus) {
  Delivery& its = deliveries_.push();
  its.bus = static_cast<std::uint8_t>(bus);
  return its;
}

void Node::schedule_store(const Delivery& its, Cycle cycle) {
  soon(its.address, its.length);
  lines_held_[its.bus] += its.lines();
  if (deliveries_.size() != 1) return;
  core_.agenda().set(Agenda::timer(Phase::store, number_),
                     cycle + timing::deliver + its.lines());
}

void Node::store(Cycle cycle) {
  const Delivery& its = deliveries_.front();
  if (held_ && its.has_event) return;
  put(its.address, its.payload.data(), its.length);
  lines_held_[its.bus] -= its.lines();
  if (its.has_event) event(its.entry, cycle);
  deliveries_.pop();
  if (deliveries_.empty()) return;
  core_.agenda().set(Agenda::timer(Phase::store, number_),
                     cycle + std::max(1u, deliveries_.front().lines()));
}

}  // namespace xybus::tlm
