/// Lines of events.jsonl, into a buffer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "report/event_log.h"

namespace xybus {

class EventText {
 public:
  EventText();

  void event(EventLog::SourceId source, std::uint64_t cycle, const EventKind& kind,
             std::span<const std::uint64_t> values);

  /// A rung of the ladder: `digest` is that of the `events` above it.
  void rung(std::uint64_t cycle, std::uint64_t events, std::string_view digest);

  /// What has been added since the last clear(). More than full_bytes: clear it.
  std::span<const char> bytes() const { return {buffer_.data(), size()}; }
  bool full() const { return size() >= full_bytes; }
  void clear() { at_ = buffer_.data(); }

 private:
  /// Words that stand in every line of a kind. Copied whole, so that no length has to be looked at.
  struct Piece {
    std::array<char, 64> text{};
    std::size_t size = 0;
    Piece& add(std::string_view more);
  };
  /// A kind's words: in front of each of its values, and behind the last.
  struct Form {
    const EventKind* kind;
    std::array<Piece, max_event_fields + 1> pieces{};
  };

  static constexpr std::size_t full_bytes = 1 << 18;
  static constexpr std::size_t most_line_bytes = 4096;

  const Form& form_of(const EventKind& kind);
  const Form& make_form(const EventKind& kind);
  std::size_t size() const { return static_cast<std::size_t>(at_ - buffer_.data()); }
  void put(const Piece& piece);
  void put(std::string_view text);
  void number(std::uint64_t value);

  std::array<Piece, EventLog::sources> openings_;
  std::deque<Form> forms_;  // of the kinds seen so far
  std::array<const Form*, 64> latest_{};  // by the kind's hash
  std::vector<char> buffer_;
  char* at_;
};

}  // namespace xybus
