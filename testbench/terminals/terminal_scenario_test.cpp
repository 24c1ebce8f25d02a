// Reading [[terminal]], and writing it back.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <unistd.h>

#include "scenario/scenario.h"
#include "scenario/write.h"

namespace {

using namespace xybus;

// Its terminal is at line 7, its keys from line 8 on.
const std::string head = R"([system]
cpus = 4
[[disk]]
name = "$DATA1"
cpus = [0, 1]
drives = 1
)";
const std::string named = "[[terminal]]\nname = \"$term1\"\ncpus = [2, 0]\n";
const std::string session = "[[workload]]\nkind = \"session\"\n";

TerminalSpec terminal_of(const std::string& keys) {
  return parse_scenario(head + named + keys + session, "s.toml").terminals.at(0);
}

std::string error_of(const std::string& text) {
  try {
    parse_scenario(head + text, "s.toml");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

std::string key_error(const std::string& keys) { return error_of(named + keys + session); }

/// A file that goes when the test ends.
struct InputFile {
  std::string path;
  explicit InputFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "xybus-input-XXXXXX").string();
    close(mkstemp(pattern.data()));
    path = pattern;
    std::ofstream(path) << text;
  }
  ~InputFile() { std::filesystem::remove(path); }
  std::string key() const { return "input = \"" + path + "\"\n"; }
};

}  // namespace

TEST_CASE("a terminal has defaults for all but its name and its CPUs, which keep their order") {
  const TerminalSpec terminal = terminal_of("");
  CHECK(terminal.at.line == 7);
  CHECK(terminal.name == "$TERM1");
  CHECK(terminal.cpus == std::array{2U, 0U});
  CHECK(terminal.character_cycles == 100);
  CHECK(terminal.lines.empty());
  CHECK(terminal.input.empty());
}

TEST_CASE("lines of a terminal are typed when asked for, or at a time") {
  const TerminalSpec terminal = terminal_of(
      "character = \"7 cycles\"\nlines = [\"who\", { at = \"2 us\", text = \"a \\\"b\\\"\" },\n"
      "  { text = \"\" }, { text = \"c\", at = \"200 cycles\" }]\n");
  CHECK(terminal.character_cycles == 7);
  CHECK(terminal.lines == std::vector<TypedLine>{{.text = "who"},
                                                 {200, "a \"b\""},
                                                 {.text = ""},
                                                 {200, "c"}});
}

TEST_CASE("a mistake in a terminal is reported with its line and what was expected") {
  CHECK_THAT(error_of("[[terminal]]\ncpus = [0, 1]\n" + session),
             Catch::StartsWith("s.toml:7: terminal.0 has no name"));
  CHECK(error_of("[[terminal]]\nname = \"TERM1\"\ncpus = [0, 1]\n" + session) ==
        "s.toml:8: name = \"TERM1\" is no name of a terminal; expected \"$\", a letter, and up to "
        "six letters or digits: \"$TERM1\"");
  CHECK(error_of("[[terminal]]\nname = \"$DATA1\"\ncpus = [0, 1]\n" + session) ==
        "s.toml:8: $DATA1 is there already, in line 3; expected another name");
  CHECK(error_of(named + named + session) ==
        "s.toml:11: $TERM1 is there already, in line 7; expected another name");
  CHECK_THAT(error_of("[[terminal]]\nname = \"$T\"\ncpus = [0, 4]\n" + session),
             Catch::StartsWith("s.toml:9: cpus has 4; expected"));
  CHECK_THAT(error_of("[[terminal]]\nname = \"$T\"\ncpus = [1]\n" + session),
             Catch::StartsWith("s.toml:9: cpus has 1 CPU; expected two"));
  CHECK(key_error("character = \"0 s\"\n") ==
        "s.toml:10: character = \"0 s\" is 0 cycles; expected 1 to 2^32 cycles");
  CHECK_THAT(key_error("line = []\n"),
             Catch::StartsWith("s.toml:10: unknown key \"line\" in terminal.0, perhaps \"lines\""));
  CHECK(key_error("lines = \"who\"\n") == "s.toml:10: lines is a string; expected a list of lines");
  CHECK(key_error("lines = [\"who\",\n 3]\n") ==
        "s.toml:11: terminal.0.lines.1 is an integer; expected a string, or { at = \"2 ms\", "
        "text = \"...\" }");
  CHECK_THAT(key_error("lines = [\n { at = \"1 ms\" }]\n"),
             Catch::StartsWith("s.toml:11: terminal.0.lines.0 has no text"));
  CHECK_THAT(key_error("lines = [\n { at = 3, text = \"\" }]\n"),
             Catch::StartsWith("s.toml:11: at is an integer; expected a time"));
  CHECK_THAT(key_error("lines = [\n \"a\\nb\"]\n"),
             Catch::StartsWith("s.toml:11: terminal.0.lines.0: a line with a control character"));
  CHECK_THAT(key_error("lines = [\"" + std::string(4097, 'x') + "\"]\n"),
             Catch::StartsWith("s.toml:10: terminal.0.lines.0: a line of 4097 characters"));
  CHECK(key_error("lines = [{ at = \"2 us\", text = \"a\" }, \"b\",\n"
                  "  { at = \"199 cycles\", text = \"c\" }]\n") ==
        "s.toml:11: a line at cycle 199 behind one at cycle 200; expected times that do not "
        "decrease");
  CHECK_THAT(key_error("input = \"no/such/file\"\n"),
             Catch::StartsWith("s.toml:10: cannot read no/such/file: No such file"));
  CHECK_THAT(key_error("input = \"/tmp\"\n"), Catch::StartsWith("s.toml:10: cannot read /tmp: "));
  std::string many;
  for (char letter = 'A'; letter <= 'I'; ++letter)
    many += std::string("[[terminal]]\nname = \"$") + letter + "\"\ncpus = [0, 1]\n";
  CHECK(error_of(many + session) == "s.toml:31: more than 8 terminals; expected fewer");
  CHECK(error_of(session) ==
        "s.toml:7: a session without a terminal; expected a [[terminal]] at least");
  CHECK(error_of(named + session + session) ==
        "s.toml:12: a second workload of session; expected one at most");
}

TEST_CASE("a file of lines takes the place of the lines in the scenario") {
  const InputFile file("who\n@200 at a time\n@ @home\n\n@200 \n");
  const TerminalSpec terminal = terminal_of("lines = [\"not this\"]\n" + file.key());
  CHECK(terminal.input == file.path);
  CHECK(terminal.lines == std::vector<TypedLine>{
                              {.text = "who"}, {200, "at a time"}, {.text = "@home"},
                              {.text = ""}, {200, ""}});
  std::string again;
  for (const TypedLine& line : terminal.lines) again += input_line(line) + "\n";
  CHECK(again == "who\n@200 at a time\n@ @home\n\n@200 \n");
}

TEST_CASE("a mistake in a file of lines is reported with the line of that file") {
  const InputFile cycle("who\n@12x who\n");
  CHECK_THAT(key_error(cycle.key()), Catch::StartsWith(cycle.path + ":2: @12x is no cycle"));
  const InputFile order("@7 a\nb\n@6 c\n");
  CHECK_THAT(key_error(order.key()),
             Catch::StartsWith(order.path + ":3: a line at cycle 6 behind one at cycle 7"));
  const InputFile control("a\n\x1b[A\n");
  CHECK_THAT(key_error(control.key()),
             Catch::StartsWith(control.path + ":2: a line with a control character"));
}

TEST_CASE("a scenario with terminals reads as it was written, its input as lines") {
  const InputFile file("who\n@200 a \"b\"\n");
  Scenario first = parse_scenario(head + named + file.key() + session, "s.toml");
  Scenario again = parse_scenario(scenario_text(first), "s.toml");
  REQUIRE(again.terminals.size() == 1);
  first.terminals[0].at = again.terminals[0].at;
  first.terminals[0].input.clear();
  CHECK(again.terminals == first.terminals);
}
