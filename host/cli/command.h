/// The xybus command: options in, exit status out.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/scenario.h"

namespace xybus {

/// Exit status for bad usage and bad scenarios.
inline constexpr int bad_usage = 2;

/// What `xybus run` was asked for.
struct RunRequest {
  std::string scenario;  ///< as given
  std::uint64_t seed = 1;
  bool seed_given = false;  ///< else the scenario may name one
  std::string fabric = "rtl";
  bool fabric_given = false;
  bool trace = false;
  std::string window;  ///< FROM:TO, or empty
  std::string directory;  ///< empty: runs/<scenario>-<seed>
  std::vector<std::string> overrides;
  bool no_skip = false;
  bool quiet = false;
  std::string terminal;  ///< the user's own; empty: none
  bool status = false;  ///< the machine's status is printed after the run
  std::vector<std::string> status_at;  ///< and at these times or cycles
  std::optional<bool> reference;         ///< nothing: on the rtl fabric
  bool no_bursts = false;                ///< test hook: one clock edge at a time
  std::optional<std::uint64_t> sabotage;  ///< test hook, see RunOptions
  std::optional<std::uint64_t> planted;   ///< test hook, see RunOptions
  std::string failing;                    ///< test hook, see RunOptions
  bool check_determinism = false;         ///< run it twice and compare digests
  /// A run that fails without a waveform is repeated with one of this many cycles before the
  /// failure; 0: it is not.
  std::uint64_t wave_on_failure = 20'000;
  bool trace_only = false;  ///< such a repetition: leaves a trace, nothing else, and ends with it
  std::optional<std::uint64_t> failure_at;  ///< its mark, see RunOptions
};

/// The whole command. Prints; never throws.
int command(int argc, const char* const* argv);

int run_command(const RunRequest& request);

/// `what` is "scenarios", "workloads", "faults", or empty for all.
int list_command(std::string_view what, std::ostream& out);

/// Part of a run, in cycles: `from` up to but not including `to`.
struct Window {
  std::uint64_t from = 0;
  std::uint64_t to = ~std::uint64_t{0};
};

/// Reads "10us" or "1000": a time, or cycles where there is no unit. Nothing when it is malformed.
std::optional<std::uint64_t> parse_cycle(std::string_view text, double clock_hz);

/// Reads "10us:20us", "1000:2000", "10us:", ":2000": times, or cycles where there is no unit.
/// Nothing when it is malformed or empty.
std::optional<Window> parse_window(std::string_view text, double clock_hz);

/// What says which run it is, as words behind the program's name; not what it leaves where.
std::vector<std::string> run_words(const RunRequest& request);

/// The shell command that repeats a run.
std::string repeat_command(const RunRequest& request);

/// The same from a file that holds all the scenario, its seed and its fabric.
std::string repro_command(const RunRequest& request, const std::string& file);

/// How the user calls this program, for commands that are shown: "./xybus".
std::string program_word();

/// `text` as a whole number. Throws a usage error that names the option.
std::uint64_t whole_number(const char* option, const std::string& text);

/// Quotes a word for the shell where it needs quotes.
std::string shell_word(const std::string& word);

/// A scenario as the user names it: a path, also from the project's root, or the bare name of a
/// shipped one. The path as given when there is no such file; throws ScenarioError with all names,
/// and the one that was perhaps meant, when it looks like a name and is none.
std::string find_scenario(const std::string& name);

}  // namespace xybus
