#include "scenario/read_terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "firmware/process/name.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr double default_character_seconds = 1e-6;
constexpr std::uint64_t longest_character_cycles = std::uint64_t{1} << 32;  // no sum overflows

std::string read_name(const Section& section, const Scenario& scenario) {
  const std::string expected = "\"$\", a letter, and up to six letters or digits: \"$TERM1\"";
  const auto name = ProcessName::parse(section.string("name", expected));
  if (!name) section.fail("name", section.written("name") + " is no name of a terminal", expected);
  const std::string text(name->text());
  const auto refuse_same = [&](const auto& others) {
    for (const auto& other : others) {
      if (other.name != text) continue;
      section.fail("name", fmt::format("{} is there already, in line {}", text, other.at.line),
                   "another name");
    }
  };
  refuse_same(scenario.disks);
  refuse_same(scenario.terminals);
  return text;
}

/// In the order in which they stand there.
std::array<unsigned, 2> read_cpus(const Section& section, const toml::table& table,
                                  const SystemSpec& system) {
  const std::vector<unsigned> cpus = section.numbers("cpus", system.cpus - 1, true);
  if (cpus.size() != 2)
    section.fail("cpus", fmt::format("cpus has {} CPU{}", cpus.size(), cpus.size() == 1 ? "" : "s"),
                 "two, such as [0, 1]: a terminal has two ports");
  const bool ascending = table.get("cpus")->as_array()->get(0)->value<unsigned>() == cpus[0];
  return ascending ? std::array{cpus[0], cpus[1]} : std::array{cpus[1], cpus[0]};
}

std::uint64_t read_character(const Section& section, double clock_hz) {
  if (!section.has("character"))
    return std::max<std::uint64_t>(1, *to_cycles(default_character_seconds, clock_hz));
  const std::uint64_t cycles = section.time("character", clock_hz);
  if (cycles == 0 || cycles > longest_character_cycles)
    section.fail("character", fmt::format("{} is {} cycles", section.written("character"), cycles),
                 "1 to 2^32 cycles");
  return cycles;
}

/// What is wrong with the text of a line; empty if nothing is.
std::string complaint(const std::string& text) {
  if (text.size() > hal::most_terminal_characters)
    return fmt::format("a line of {} characters", text.size());
  const auto control = [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; };
  return std::ranges::any_of(text, control) ? "a line with a control character in it" : "";
}

const std::string plain_text = fmt::format("one line, of at most {} characters, without line ends",
                                           hal::most_terminal_characters);

TypedLine read_line(const toml::node& node, const std::string& path, const Origin& origin,
                    double clock_hz) {
  const std::string expected = "a string, or { at = \"2 ms\", text = \"...\" }";
  const Source at = origin.of(path, node);
  TypedLine line;
  if (const auto* string = node.as_string()) {
    line.text = string->get();
  } else if (const auto* table = node.as_table()) {
    const Section section(*table, path, origin, {"at", "text"});
    line.text = section.string("text", "what is typed");
    if (section.has("at")) line.cycle = section.time("at", clock_hz);
  } else {
    throw ScenarioError(at, fmt::format("{} is {}", path, type_name(node)), expected);
  }
  if (const std::string wrong = complaint(line.text); !wrong.empty())
    throw ScenarioError(at, fmt::format("{}: {}", path, wrong), plain_text);
  return line;
}

/// Of lines that are typed in a cycle, none comes before one that stands in front of it.
class Order {
 public:
  void check(const TypedLine& line, const Source& at) {
    if (!line.cycle) return;
    if (*line.cycle < last_)
      throw ScenarioError(at, fmt::format("a line at cycle {} behind one at cycle {}", *line.cycle,
                                          last_),
                          "times that do not decrease");
    last_ = *line.cycle;
  }

 private:
  std::uint64_t last_ = 0;
};

std::vector<TypedLine> read_lines(const Section& section, const toml::table& table,
                                  const Origin& origin, double clock_hz) {
  const toml::array* const array = table.get("lines")->as_array();
  if (array == nullptr)
    section.fail("lines", fmt::format("lines is {}", type_name(*table.get("lines"))),
                 "a list of lines");
  std::vector<TypedLine> lines;
  Order order;
  for (const toml::node& node : *array) {
    const std::string path = fmt::format("{}.{}", section.full("lines"), lines.size());
    lines.push_back(read_line(node, path, origin, clock_hz));
    order.check(lines.back(), origin.of(path, node));
  }
  return lines;
}

/// "@1200 who", "@ who" or "who".
TypedLine parse_input_line(const std::string& text, const Source& at) {
  if (!text.starts_with('@')) return {.text = text};
  const std::size_t blank = std::min(text.find(' '), text.size());
  TypedLine line{.text = text.substr(std::min(blank + 1, text.size()))};
  if (blank == 1) return line;
  line.cycle = parse_count(std::string_view(text).substr(1, blank - 1));
  if (!line.cycle || *line.cycle >> 63 != 0)
    throw ScenarioError(at, fmt::format("{} is no cycle", text.substr(0, blank)),
                        "\"@\", a cycle, a blank and what is typed; or \"@ \" and that");
  return line;
}

std::vector<TypedLine> read_input(const Section& section, const std::string& path) {
  std::ifstream file(path);
  const bool directory = std::filesystem::is_directory(path);
  if (!file || directory)
    section.fail("input", fmt::format("cannot read {}: {}", path,
                                      std::strerror(directory ? EISDIR : errno)),
                 "a file of lines, such as \"runs/terminal-1/terminals/TERM1.in\"");
  std::vector<TypedLine> lines;
  Order order;
  for (std::string text; std::getline(file, text);) {
    const Source at{path, static_cast<unsigned>(lines.size() + 1)};
    lines.push_back(parse_input_line(text, at));
    if (const std::string wrong = complaint(lines.back().text); !wrong.empty())
      throw ScenarioError(at, wrong, plain_text);
    order.check(lines.back(), at);
  }
  return lines;
}

}  // namespace

std::string input_line(const TypedLine& line) {
  if (line.cycle) return fmt::format("@{} {}", *line.cycle, line.text);
  return line.text.starts_with('@') ? "@ " + line.text : line.text;
}

TerminalSpec read_terminal(const toml::table& table, const std::string& path, const Origin& origin,
                           const Scenario& scenario) {
  const Section section(table, path, origin, {"name", "cpus", "character", "lines", "input"});
  const double clock_hz = scenario.system.clock_hz;
  TerminalSpec terminal;
  terminal.at = section.at();
  terminal.name = read_name(section, scenario);
  terminal.cpus = read_cpus(section, table, scenario.system);
  terminal.character_cycles = read_character(section, clock_hz);
  if (section.has("lines")) terminal.lines = read_lines(section, table, origin, clock_hz);
  if (section.has("input")) {
    terminal.input = section.string("input", "a path");
    terminal.lines = read_input(section, terminal.input);
  }
  if (scenario.terminals.size() == most_machine_terminals)
    throw ScenarioError(terminal.at, fmt::format("more than {} terminals", most_machine_terminals),
                        "fewer");
  return terminal;
}

}  // namespace xybus
