#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "chaos/draw.h"
#include "cli/command.h"
#include "cli/last_words.h"
#include "cli/second_run.h"
#include "cli/status_signal.h"
#include "cli/user_terminal.h"
#include "firmware/process/name.h"
#include "report/event_log.h"
#include "report/format.h"
#include "report/output_files.h"
#include "report/progress.h"
#include "report/summary.h"
#include "run/run.h"
#include "scenario/quantity.h"
#include "scenario/write.h"

namespace xybus {
namespace {

namespace fs = std::filesystem;

/// Thrown for what the user can put right; the message says how.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const TerminalSpec& terminal_of(const RunRequest& request, const Scenario& scenario) {
  const bool dollar = request.terminal.starts_with('$');
  const auto name = ProcessName::parse(dollar ? request.terminal : "$" + request.terminal);
  std::string all;
  for (const TerminalSpec& terminal : scenario.terminals) {
    if (name && terminal.name == name->text()) {
      if (terminal.input.empty()) return terminal;
      throw UsageError(fmt::format("--terminal {}, and it has an input: {}; expected one of the "
                                   "two",
                                   request.terminal, terminal.input));
    }
    all += (all.empty() ? "" : ", ") + terminal.name;
  }
  throw UsageError(fmt::format("there is no terminal {}; expected {}", request.terminal,
                               all.empty() ? "a scenario with a [[terminal]]" : all));
}

RunOptions options_for(const RunRequest& request, const Scenario& scenario,
                       const std::string& directory) {
  if (request.fabric != "rtl" && request.fabric != "tlm")
    throw UsageError(fmt::format("there is no fabric {}; expected rtl or tlm", request.fabric));
  if (request.fabric == "tlm" && request.trace)
    throw UsageError("--wave needs --fabric rtl: the tlm fabric moves whole packets and has no "
                     "wires");
  RunOptions options;
  options.fabric = request.fabric == "tlm" ? FabricKind::tlm : FabricKind::rtl;
  options.seed = request.seed;
  options.skip = !request.no_skip;
  options.bursts = !request.no_bursts;
  options.reference = request.reference.value_or(options.fabric == FabricKind::rtl);
  options.sabotage = request.sabotage;
  options.planted = request.planted;
  options.failing = request.failing;
  options.trace = request.trace;
  options.out_dir = directory;
  if (!request.window.empty()) {
    const auto window = parse_window(request.window, scenario.system.clock_hz);
    if (!window)
      throw UsageError(fmt::format("--wave={} is no part of a run; expected FROM:TO, in times "
                                   "(10us:20us) or cycles (1000:2000), FROM before TO",
                                   request.window));
    options.trace_from = window->from;
    options.trace_to = window->to;
  }
  for (const std::string& time : request.status_at) {
    const auto cycle = parse_cycle(time, scenario.system.clock_hz);
    if (!cycle)
      throw UsageError(fmt::format("--status-at {} is neither a time (10us) nor a cycle (1000)",
                                   time));
    options.status_at.push_back(*cycle);
  }
  if (!request.terminal.empty())
    options.terminal = user_terminal(terminal_of(request, scenario).name);
  options.failure_at = request.failure_at;
  if (request.trace_only) options.end_at = options.trace_to;
  return options;
}

/// The images at the end must not be those from the beginning: what failed could not be repeated.
void check_images(const Scenario& scenario, const fs::path& directory) {
  const fs::path own = fs::weakly_canonical(directory / "disks");
  for (const DiskSpec& disk : scenario.disks) {
    if (disk.image.empty() || fs::weakly_canonical(disk.image).parent_path() != own) continue;
    throw UsageError(fmt::format("the run would overwrite the image {} that it starts from; "
                                 "expected another --out",
                                 image_file(disk.image, 0)));
  }
}

/// The images that an earlier run left.
void remove_images(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory / "disks", error))
    if (entry.path().extension() == ".img") fs::remove(entry.path(), error);
}

/// What terminals of an earlier run have shown, and what was typed there, unless it is typed again.
void remove_terminals(const fs::path& directory, const Scenario& scenario) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory / "terminals", error)) {
    const auto used = [&](const TerminalSpec& terminal) {
      return !terminal.input.empty() && fs::equivalent(terminal.input, entry.path(), error);
    };
    const std::string kind = entry.path().extension().string();
    const bool ours = kind == ".txt" || kind == ".in";
    if (ours && std::ranges::none_of(scenario.terminals, used)) fs::remove(entry.path(), error);
  }
}

/// Takes out what an earlier run left, and finds out before the run whether there can be a new one.
void make_way(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (!error && !std::ofstream(file)) error = {errno, std::generic_category()};
  if (error)
    throw UsageError(fmt::format("cannot write {}: {}", file.string(), error.message()));
  fs::remove(file, error);
}

/// Makes the directory, with nothing of an earlier run in it but the scenario itself, which may be
/// what an earlier run left there.
void prepare(const fs::path& directory, const Scenario& scenario) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!fs::is_directory(directory))
    throw UsageError(fmt::format("cannot make the directory {}: {}", directory.string(),
                                 error ? error.message() : "a file is in the way"));
  for (const char* file : output_files)
    if (!fs::equivalent(directory / file, scenario.path, error)) make_way(directory / file);
  remove_images(directory);
  remove_terminals(directory, scenario);
}

std::string recorded_input(const fs::path& directory, const TerminalSpec& terminal) {
  return (directory / "terminals" / (file_name(terminal) + ".in")).string();
}

/// The request that repeats a run: of the user's own terminal there is a record. When the last line
/// of that was typed does not make the limit a later one.
RunRequest repeated(RunRequest request, const Scenario& scenario, const fs::path& directory) {
  if (request.terminal.empty()) return request;
  const TerminalSpec& terminal = terminal_of(request, scenario);
  request.terminal.clear();
  request.overrides.push_back(fmt::format("terminal.{}.input={}",
                                          &terminal - scenario.terminals.data(),
                                          recorded_input(directory, terminal)));
  request.overrides.push_back(fmt::format("limits.time={} cycles", scenario.limit_cycles));
  return request;
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

/// The request with the scenario's seed and fabric where it names none.
RunRequest resolved(RunRequest request, const Scenario& scenario) {
  if (!request.seed_given) request.seed = scenario.seed.value_or(request.seed);
  if (!request.fabric_given && scenario.fabric) request.fabric = name(*scenario.fabric);
  return request;
}

/// What was run, to its end: overrides and drawn faults are part of it, seed and fabric are named.
Scenario whole(const RunRequest& request, Scenario scenario) {
  scenario.seed = request.seed;
  scenario.fabric = request.fabric == "tlm" ? FabricKind::tlm : FabricKind::rtl;
  return scenario;
}

std::string repro_file(const std::string& directory) {
  return (fs::path(directory) / "repro.toml").string();
}

std::string repro_text(const RunRequest& request, const Scenario& scenario) {
  return scenario_text(whole(request, scenario),
                       "A run that failed, whole: " + repeat_command(request));
}

/// Leaves repro.toml, and gives the command that runs it.
std::string leave_repro(const RunRequest& request, const Scenario& scenario,
                        const std::string& directory) {
  write_file(repro_file(directory), repro_text(request, scenario));
  return repro_command(request, repro_file(directory));
}

void print_status(std::FILE* to, const TimedStatus& status, double clock_hz) {
  const double seconds = clock_hz > 0 ? double(status.cycle) / clock_hz : 0;
  fmt::print(to, "status at cycle {} ({})\n{}\n", status.cycle, format_time(seconds), status.text);
  std::fflush(to);
}

/// Shows what the machine says of itself while it runs: at the times that were asked for, and at
/// each signal.
void show_status(const RunRequest& request, double clock_hz, RunOptions& options) {
  options.status_wanted = &StatusSignal::take;
  options.on_status = [&request, clock_hz](const TimedStatus& status, bool asked) {
    if (asked) return print_status(stderr, status, clock_hz);
    if (!request.quiet) print_status(stdout, status, clock_hz);
  };
}

void say_missing(const RunOptions& options, const RunResult& result) {
  for (const std::uint64_t cycle : options.status_at) {
    const auto told = [&](const TimedStatus& status) { return status.cycle == cycle; };
    if (std::ranges::none_of(result.status_at, told))
      fmt::print(stderr, "xybus: no status at cycle {}: the run ended before\n", cycle);
  }
}

int run_and_report(const RunRequest& request, Scenario scenario, RunOptions options) {
  const StatusSignal signal;
  show_status(request, scenario.system.clock_hz, options);
  options.write_disks = options.write_terminals = true;
  const bool at_terminal = options.terminal.has_value();
  const auto user = [&] {
    return std::ranges::find(scenario.terminals, options.terminal->name, &TerminalSpec::name);
  };
  // Who repeats it has what was typed, not who typed it.
  const Scenario asked = scenario;
  if (at_terminal) {
    user()->lines.clear();
    user()->input = recorded_input(options.out_dir, *user());
    options.on_typed = [&](const std::vector<TypedLine>& lines) { user()->lines = lines; };
  }
  RunOutputs outputs{options.out_dir, false, repeat_command(request), {}};
  EventLog log((fs::path(options.out_dir) / "events.jsonl").string());
  RunResult result;
  const LastWords last_words(repro_file(options.out_dir), repro_text(request, scenario),
                             fmt::format("to repeat: {}\n       or: {}\n", outputs.command,
                                         repro_command(request, repro_file(options.out_dir))));
  try {
    const bool watched = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    Progress progress(!request.quiet && !at_terminal && watched,
                      scenario.system.clock_hz);
    result = run(asked, options, log, progress);
    log.finish();
    if (at_terminal) end_user_terminal();
  } catch (const std::exception& error) {
    const std::string repro = leave_repro(request, scenario, options.out_dir);
    throw std::runtime_error(
        fmt::format("{}\nto repeat: {}\n       or: {}", error.what(), outputs.command, repro));
  }
  say_missing(options, result);
  outputs.trace = fs::exists(fs::path(options.out_dir) / "trace.gtkw");
  if (request.trace && !outputs.trace)
    fmt::print(stderr, "xybus: no trace: the run ended before the window {}\n", request.window);
  if (result.outcome != Outcome::good)
    outputs.repro = leave_repro(request, scenario, options.out_dir);
  write_file(fs::path(options.out_dir) / "summary.json", summary_json(result, outputs));
  if (!request.quiet) fmt::print("{}", result_table(result, outputs));
  if (!request.quiet && at_terminal && result.outcome == Outcome::good)
    fmt::print("{:<11}{}\n", "to repeat", outputs.command);
  if (!request.quiet && request.status) {
    MachineStatus machine = result.machine;
    machine.nodes = result.status;
    fmt::print("\n{}", machine_text(machine));
  }
  std::fflush(stdout);
  fmt::print(stderr, "{}", failure_text(result, outputs));
  const bool look = result.outcome != Outcome::good && request.wave_on_failure > 0;
  if (look && !request.trace && request.fabric == "rtl") {
    trace_failure(request, result, options.out_dir);
  }
  return exit_status(result.outcome);
}

// What it comes to is known already.
int run_for_trace(const Scenario& scenario, const RunOptions& options) {
  EventLog log;
  Progress progress;
  run(scenario, options, log, progress);
  return 0;
}

}  // namespace

int run_command(const RunRequest& asked) {
  const Scenario read = load_scenario(find_scenario(asked.scenario), asked.overrides);
  const RunRequest request = resolved(asked, read);
  const Scenario scenario = draw_chaos(read, request.seed);
  const std::string directory = request.directory.empty()
                                    ? fmt::format("runs/{}-{}", scenario.name, request.seed)
                                    : request.directory;
  try {
    const RunOptions options = options_for(request, scenario, directory);
    if (request.trace_only) return run_for_trace(scenario, options);
    check_images(scenario, directory);
    prepare(directory, scenario);
    if (!(scenario == read))
      write_file(fs::path(directory) / "drawn.toml",
                 scenario_text(whole(request, scenario),
                               "What the seed has drawn: " + repeat_command(request)));
    const RunRequest again = repeated(request, scenario, directory);
    const int status = run_and_report(again, scenario, options);
    return request.check_determinism ? check_determinism(again, directory, status) : status;
  } catch (const UsageError& error) {
    fmt::print(stderr, "xybus: {}\n", error.what());
    return bad_usage;
  }
}

std::optional<std::uint64_t> parse_cycle(std::string_view text, double clock_hz) {
  if (const auto cycles = parse_count(text)) return cycles;
  const auto seconds = parse_time(text);
  return seconds ? to_cycles(*seconds, clock_hz) : std::nullopt;
}

std::optional<Window> parse_window(std::string_view text, double clock_hz) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  using Point = std::optional<std::uint64_t>;
  const auto point = [&](std::string_view part, std::uint64_t open) -> Point {
    return part.empty() ? open : parse_cycle(part, clock_hz);
  };
  const auto from = point(text.substr(0, colon), Window{}.from);
  const auto to = point(text.substr(colon + 1), Window{}.to);
  if (!from || !to || *from >= *to) return {};
  return Window{*from, *to};
}

}  // namespace xybus
