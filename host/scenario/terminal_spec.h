/// `[[terminal]]`: a terminal, and what is typed at it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/terminal.h"
#include "scenario/source.h"

namespace xybus {

struct TerminalSpec {
  Source at;
  std::string name;                ///< "$TERM1"
  std::array<unsigned, 2> cpus{};  ///< That it is connected to; its process begins on the first.
  std::uint64_t character_cycles = 0;  ///< To show or to type a character, at least 1.
  std::vector<TypedLine> lines;        ///< Those of `input` if there is one.
  std::string input;                   ///< The file they are from; empty: none.
  bool operator==(const TerminalSpec&) const = default;
};

inline constexpr std::size_t most_machine_terminals = 8;

/// What the files of a terminal are called, before ".txt" and ".in": "TERM1".
inline std::string file_name(const TerminalSpec& terminal) { return terminal.name.substr(1); }

/// A line as a file for `input` has it, without its end: "@1200 who" is typed in cycle 1200, "who"
/// when somebody wants a line, "@ who" too.
std::string input_line(const TypedLine& line);

}  // namespace xybus
