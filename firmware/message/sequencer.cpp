#include "firmware/message/sequencer.h"

#include <algorithm>
#include <cassert>

namespace xybus {

namespace {

// A repeated packet is at most a window behind; there is no harm in a little more.
constexpr unsigned most_behind = 3 * sequence_window;

// How far a sender is believed that others were accepted.
constexpr unsigned most_beyond = 4 * sequence_window;

static_assert(256 % sequence_window == 0, "slots go by numbers that wrap");

}  // namespace

// ---- Sent ---------------------------------------------------------------------------------------

void SendSequence::add(const PacketBuffer& buffer, std::uint32_t length, std::uint32_t cookie,
                       contract::LinkOperation operation) {
  assert(!full());
  at(next_++) = {buffer, length, cookie, operation, Stage::posted, false};
  ++posted_;
}

SendSequence::Packet* SendSequence::find(std::uint8_t number, const PacketBuffer& buffer) {
  Packet& packet = at(number);
  const bool it = packet.stage == Stage::posted && packet.buffer.index == buffer.index;
  return it ? &packet : nullptr;
}

void SendSequence::accepted(Packet& packet) {
  assert(packet.stage == Stage::posted);
  packet.stage = Stage::none;
  --posted_;
  while (oldest_ != next_ && at(oldest_).stage == Stage::none) ++oldest_;
}

void SendSequence::failed(Packet& packet, bool unsure) {
  assert(packet.stage == Stage::posted);
  packet.stage = Stage::waiting;
  packet.unsure |= unsure;
  --posted_;
  ++waiting_;
}

void SendSequence::posted_again(Packet& packet) {
  assert(packet.stage == Stage::waiting);
  packet.stage = Stage::posted;
  --waiting_;
  ++posted_;
}

// ---- Received -----------------------------------------------------------------------------------

ReceiveSequence::ReceiveSequence()
    : memory_(std::size_t{sequence_window} * contract::max_payload_bytes) {}

ReceiveSequence::Place ReceiveSequence::place(std::uint8_t number) const {
  const auto ahead = static_cast<std::uint8_t>(number - next_);
  if (ahead == 0) return Place::next;
  if (ahead < sequence_window) return Place::ahead;
  if (256U - ahead <= most_behind) return Place::seen;
  return ahead < most_beyond ? Place::beyond : Place::astray;
}

std::span<std::byte> ReceiveSequence::slot(std::uint8_t number) {
  return std::span(memory_).subspan(
      std::size_t{number % sequence_window} * contract::max_payload_bytes,
      contract::max_payload_bytes);
}

bool ReceiveSequence::keep(std::uint8_t number, std::span<const std::byte> payload) {
  assert(place(number) == Place::ahead && !payload.empty());
  const unsigned at = number % sequence_window;
  if ((kept_ >> at & 1U) != 0) return false;
  kept_ = static_cast<std::uint8_t>(kept_ | 1U << at);
  lengths_[at] = static_cast<std::uint16_t>(payload.size());
  std::copy(payload.begin(), payload.end(), slot(number).begin());
  return true;
}

std::span<const std::byte> ReceiveSequence::take_kept() {
  const unsigned at = next_ % sequence_window;
  if ((kept_ >> at & 1U) == 0) return {};
  kept_ = static_cast<std::uint8_t>(kept_ & ~(1U << at));
  return slot(next_++).first(lengths_[at]);
}

void ReceiveSequence::clear() {
  next_ = 0;
  kept_ = 0;
}

}  // namespace xybus
