/// A terminal as one CPU sees it: its port of a terminal that two CPUs are connected to.
///
/// It works in records and lines, as terminals in block mode do, and it has a memory of what it was
/// told last. That is what lets another CPU go on in the middle: whatever that one repeats, because
/// it cannot know whether it was done, is done once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "firmware/hal/device.h"

namespace xybus::hal {

/// Most characters of a record and of a line.
inline constexpr std::uint32_t most_terminal_characters = 4096;

enum class TerminalStatus : std::uint8_t {
  shown,           ///< It is on the screen, once.
  not_owner,       ///< The port does not own the terminal. Nothing was shown.
  ownership_lost,  ///< It owned it, and does no more. The record was shown whole, or will be before
                   ///< any record of the new owner, or was not shown at all.
};

/// Name of a status, for logs.
constexpr const char* name(TerminalStatus status) {
  switch (status) {
    case TerminalStatus::shown: return "shown";
    case TerminalStatus::not_owner: return "not_owner";
    case TerminalStatus::ownership_lost: return "ownership_lost";
  }
  return "?";
}

/// What is to be shown. A record with a lower number than the last one, or with the number and the
/// label of the last one, has been shown: it is not shown again, and ends as if it were.
struct TerminalRecord {
  std::uint64_t number = 0;
  std::array<std::uint32_t, 5> label{};
  std::string_view text{};  ///< At most most_terminal_characters; line ends are characters in it.
};

/// What was typed.
struct TerminalLine {
  std::uint64_t number = 0;  ///< Counts the lines of this terminal, from 1.
  std::string_view text{};   ///< Without its end. Until the line is accepted.
  bool end = false;          ///< It is no line: there will be none any more.
};

class TerminalPort : public DevicePort {
 public:
  /// What the operator has called it, such as "$TERM1".
  virtual std::string_view name() const = 0;

  /// Begins to show a record, of which the terminal makes a copy. False when one of this port is
  /// under way: its end has not been fetched.
  virtual bool show(const TerminalRecord& record) = 0;
  /// Fetches the end of the record; none: it has not ended, or there is none.
  virtual std::optional<TerminalStatus> ended() = 0;
  /// Gives up waiting for its end: it is shown whole or not at all.
  virtual void forget() noexcept = 0;
  /// Of the last record that was shown or is being shown; 0: none was.
  virtual std::uint64_t last_number() const = 0;

  /// Somebody wants a line: who types only when asked may begin. Does nothing unless this port owns
  /// the terminal. Holds until a line is accepted.
  virtual void ask() = 0;
  /// The first line that was typed whole and not accepted. The terminal keeps it until then.
  virtual std::optional<TerminalLine> line() const = 0;
  /// Takes that line away if it has this number and this port owns the terminal.
  virtual void accept(std::uint64_t number) = 0;
};

}  // namespace xybus::hal
