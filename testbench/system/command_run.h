/// Runs the built xybus command and reads what it leaves behind.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace xybus::test {

/// What --fabric takes.
inline constexpr std::array fabrics{"rtl", "tlm"};

/// How one `xybus run` went.
struct CommandRun {
  int status = -1;         ///< exit status
  std::string errors;      ///< its standard error
  nlohmann::json summary;  ///< summary.json; null if there is none
  std::string events;      ///< events.jsonl

  /// "detail" of a check; "no such check" if it was not made.
  std::string detail_of(const std::string& name) const;
  /// The same if it failed, else empty.
  std::string failed_check(const std::string& name) const;
  /// The events of that kind there: at "cpu0", "bus_x", "fault".
  std::vector<nlohmann::json> events_of(const std::string& at, const std::string& event) const;
};

/// Runs `xybus run SCENARIO ARGUMENTS` with a directory of its own for the outputs. `scenario` is
/// the name of a shipped one, or a path. `arguments` go through the shell.
CommandRun run_command(const std::string& scenario, const std::string& arguments = "");

/// How a command went, in a directory of its own.
struct PlainRun {
  int status = -1;
  std::string output, errors;
  std::string directory;  ///< where it ran; goes when the test ends
};

/// Runs `xybus ARGUMENTS` through the shell in `directory`, in a fresh one when that is empty.
PlainRun run_plain(const std::string& arguments, const std::string& directory = "");

/// What a file holds; empty when there is none.
std::string file_text(const std::string& path);
/// The same of one that holds JSON; throws when there is none.
nlohmann::json file_json(const std::string& path);

/// How often one text is in another.
std::size_t occurrences(const std::string& text, const std::string& part);

/// How one `xybus bench` went.
struct BenchRun {
  int status = -1;      ///< exit status
  std::string output;   ///< its standard output
  std::string errors;   ///< its standard error
  nlohmann::json json;  ///< what --json wrote; null if there is nothing
};

BenchRun run_bench(const std::string& name);

/// A directory that does not exist yet; it goes when the test ends.
std::string fresh_directory();

/// The path of a shipped scenario.
std::string shipped(const std::string& name);

/// Writes a scenario to a file of its own and gives its path.
std::string scenario_file(const std::string& text);

/// A scenario that hangs: without I'm-alives nobody finds out that the server's CPU, 1, has died
/// while it owed a reply to a ping of CPU 0.
std::string hanging_scenario();

}  // namespace xybus::test
