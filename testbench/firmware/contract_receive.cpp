// What a node does with packets that come.

#include <algorithm>
#include <cstring>

#include "contract_fabric.h"

namespace firmware_test {

using contract::Answer;
using contract::BusId;
using contract::EventEntry;
using contract::EventType;
using contract::PacketHeader;
using contract::PacketKind;
using contract::Register;
using contract::WindowWord;

namespace {

constexpr std::size_t deliveries_at_most = 8;
constexpr std::size_t served_at_most = 4;

EventEntry event_of(EventType type, BusId bus, std::uint32_t cookie, const PacketHeader& header) {
  EventEntry entry;
  entry.set_event_type(type).set_bus(bus).set_cookie(cookie);
  entry.set_header_0(header.words[0]).set_header_1(header.words[1]);
  return entry;
}

}  // namespace

Answer Node::take(BusId bus, const PacketHeader& header, std::optional<WindowWord> window,
                  std::span<const std::byte> payload) {
  if (!enabled() || (deaf_to >> header.source() & 1) != 0) return Answer::none;
  const std::array<unsigned, 2> number = {header.sequence_number(), header.epoch()};
  const Flow flow{header.source(), header.traffic_class()};
  const auto last = last_taken_.find(flow);
  Answer answer = Answer::accepted;
  if (last == last_taken_.end() || last->second != number) {
    answer = take_new(bus, header, window, payload);
    if (answer == Answer::accepted) last_taken_[flow] = number;
  }
  const bool lost = lose_answer_each != 0 && ++answers_ % lose_answer_each == 0;
  return lost || (answers_lost_to >> header.source() & 1) != 0 ? Answer::none : answer;
}

Answer Node::take_new(BusId bus, const PacketHeader& header, std::optional<WindowWord> window,
                      std::span<const std::byte> payload) {
  const bool data = header.traffic_class() == contract::TrafficClass::data;
  const bool reading = header.kind() == PacketKind::read;
  if (busy || (busy_data && data) || (busy_reads && reading)) return Answer::busy;
  if (free_events() == 0 || deliveries_.size() == deliveries_at_most) return Answer::busy;
  switch (header.kind()) {
    case PacketKind::message: return take_message(bus, header, payload);
    case PacketKind::write: return take_write(bus, header, *window, payload);
    case PacketKind::read: return take_read(bus, header, *window, payload);
  }
  return Answer::corrupt;
}

Answer Node::take_message(BusId bus, const PacketHeader& header,
                          std::span<const std::byte> payload) {
  const bool x = bus == BusId::x;
  const std::uint32_t slots = value(x ? Register::receive_x_slots : Register::receive_y_slots);
  std::uint32_t& tail = reg(x ? Register::receive_x_tail : Register::receive_y_tail);
  const std::uint32_t head = value(x ? Register::receive_x_head : Register::receive_y_head);
  if (static_cast<std::uint16_t>(tail - head) >= slots) return Answer::busy;
  const std::uint32_t slot = tail % slots;
  tail = (tail + 1) & 0xffff;
  ++events_reserved_;
  deliveries_.push_back({value(x ? Register::receive_x_base : Register::receive_y_base) +
                             slot * contract::slot_bytes,
                         {payload.begin(), payload.end()},
                         event_of(EventType::received, bus, slot, header)});
  work_.notify(sc_core::SC_ZERO_TIME);
  return Answer::accepted;
}

std::optional<std::uint32_t> Node::allowed(WindowWord word, unsigned peer, std::uint32_t length,
                                           bool reading) const {
  if (word.window() >= contract::windows || length == 0) return std::nullopt;
  const Window& window = windows_[word.window()];
  const bool right = (reading ? window.control.read() : window.control.write()) != 0;
  if (!right || window.control.peer() != peer) return std::nullopt;
  if (window.control.generation() != word.generation()) return std::nullopt;
  const std::uint32_t offset = word.offset() * contract::line_bytes;
  if (offset + length > window.length) return std::nullopt;
  return window.base + offset;
}

Answer Node::take_write(BusId bus, const PacketHeader& header, WindowWord word,
                        std::span<const std::byte> payload) {
  const auto at =
      allowed(word, header.source(), static_cast<std::uint32_t>(payload.size()), false);
  if (!at || refuse_writes) return refuse(bus, header, word);
  Delivery delivery{*at, {payload.begin(), payload.end()}, std::nullopt};
  if (header.notify() != 0) {
    ++events_reserved_;
    delivery.event = event_of(EventType::stored, bus, word.words[0], header);
  }
  deliveries_.push_back(std::move(delivery));
  ++writes_stored;
  work_.notify(sc_core::SC_ZERO_TIME);
  return Answer::accepted;
}

Answer Node::take_read(BusId bus, const PacketHeader& header, WindowWord word,
                       std::span<const std::byte> payload) {
  contract::ReadRequest request;
  std::memcpy(request.words.data(), payload.data(), 8);
  const auto at = allowed(word, header.source(), request.length(), true);
  if (!at || refuse_reads) return refuse(bus, header, word);
  if (served_.size() == served_at_most) return Answer::busy;
  Transfer transfer;
  transfer.node = header.source();
  transfer.far = {{request.reply()}};
  transfer.own = word;
  transfer.length = request.length();
  transfer.notify = true;
  served_.push_back(transfer);
  ++reads_served;
  work_.notify(sc_core::SC_ZERO_TIME);
  return Answer::accepted;
}

Answer Node::refuse(BusId bus, const PacketHeader& header, WindowWord word) {
  ++violations;
  put_event(event_of(EventType::violation, bus, word.words[0], header));
  return Answer::refused;
}

/// In order, and some time after they were accepted.
void Node::delivery_thread() {
  for (;;) {
    if (deliveries_.empty() || stuck_delivery) {
      wait(work_);
      continue;
    }
    const unsigned life = life_;
    wait(cycles(4.0 + static_cast<double>(deliveries_.front().data.size()) / 16));
    if (life != life_) continue;
    const Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    std::copy(delivery.data.begin(), delivery.data.end(),
              ram_.begin() + static_cast<std::ptrdiff_t>(delivery.address));
    if (!delivery.event) continue;
    --events_reserved_;
    put_event(*delivery.event);
  }
}

}  // namespace firmware_test
