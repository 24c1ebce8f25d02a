#include "cli/user_terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace xybus {
namespace {

bool in_a_line = false;  // the cursor is behind something

std::optional<std::string> read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) return {};
  // Keys that type nothing.
  std::erase_if(line, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
  line.resize(std::min<std::size_t>(line.size(), hal::most_terminal_characters));
  return line;
}

void show(std::string_view text, bool echo) {
  if (text.empty()) return;
  in_a_line = !text.ends_with('\n');
  if (echo && isatty(STDIN_FILENO)) return;
  fmt::print("{}", text);
  std::fflush(stdout);
}

}  // namespace

LiveTerminal user_terminal(std::string name) { return {std::move(name), read_line, show}; }

void end_user_terminal() {
  if (in_a_line) fmt::print("\n");
  in_a_line = false;
}

}  // namespace xybus
