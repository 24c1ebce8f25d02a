#include "scenario/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "scenario/overrides.h"
#include "scenario/profile.h"
#include "scenario/quantity.h"
#include "scenario/read_chaos.h"
#include "scenario/read_disk.h"
#include "scenario/read_fault.h"
#include "scenario/read_terminal.h"
#include "scenario/read_workload.h"
#include "scenario/section.h"

namespace xybus {
namespace {

constexpr std::uint64_t most_integer = std::numeric_limits<std::int64_t>::max();  // of TOML
constexpr std::uint64_t default_alive_cycles = 100'000;
constexpr double longest_alive_seconds = 3600;
constexpr std::uint64_t most_cost_cycles = 1'000'000;
constexpr double most_cost_scale = 1000;

std::uint64_t read_alive(const Section& section, double clock_hz) {
  if (!section.has("alive")) return std::max(*to_cycles(1e-3, clock_hz), default_alive_cycles);
  const std::uint64_t cycles = section.time("alive", clock_hz);
  const std::uint64_t most = *to_cycles(longest_alive_seconds, clock_hz);
  if (cycles != 0 && (cycles < least_alive_cycles || cycles > most))
    section.fail("alive",
                 fmt::format("{} is {} cycles at {:g} MHz", section.written("alive"), cycles,
                             clock_hz / 1e6),
                 fmt::format("at least {} cycles and at most 1 hour, or \"0 s\" for none",
                             least_alive_cycles));
  return cycles;
}

Words cost_names() {
  Words names;
  for (const auto& entry : CostTable::entries()) names.push_back(entry.name);
  return names;
}

CostTable read_cost(const Section& section, CostTable table) {
  for (const auto& entry : CostTable::entries()) {
    table.*entry.cost =
        std::uint32_t(section.integer(entry.name, 0, most_cost_cycles, table.*entry.cost));
  }
  return table;
}

/// Every piece of work takes so many times as long, to the nearest cycle.
CostTable scaled(const Section& section, CostTable table) {
  if (!section.has("cost_scale")) return table;
  const double scale = section.positive("cost_scale");
  if (scale > most_cost_scale)
    section.fail("cost_scale", section.written("cost_scale") + " is out of range",
                 fmt::format("at most {}", most_cost_scale));
  for (const auto& entry : CostTable::entries())
    table.*entry.cost = std::uint32_t(std::nearbyint(table.*entry.cost * scale));
  return table;
}

SystemSpec read_system(const Section& section, const Section& cost) {
  SystemSpec system;
  system.cpus = unsigned(section.integer("cpus", 2, contract::max_nodes, system.cpus));
  if (section.has("clock")) {
    system.clock_hz = section.frequency("clock");
    if (system.clock_hz < 1e6 || system.clock_hz > 10e9)
      section.fail("clock", section.written("clock") + " is out of range", "1 MHz to 10 GHz");
  }
  if (section.has("costs")) system.costs = Costs(section.word("costs", {"default", "zero"}));
  system.cost = read_cost(cost, scaled(section, cost_table(system.costs)));
  system.alive_interval_cycles = read_alive(section, system.clock_hz);
  return system;
}

std::uint64_t read_limit(const Section& section, double clock_hz) {
  if (!section.has("time")) return *to_cycles(10e-3, clock_hz);
  const std::uint64_t cycles = section.time("time", clock_hz);
  if (cycles == 0)
    section.fail("time", section.written("time") + " is no time at all", "at least one cycle");
  return cycles;
}

void read_run(const Section& section, Scenario& scenario) {
  if (section.has("seed")) {
    // TOML has integers up to 2^63 - 1 only; a seed beyond is a string.
    const std::string expected = "0 to 2^63 - 1, or a string with a number to 2^64 - 1";
    if (section.is_string("seed")) {
      scenario.seed = parse_count(section.string("seed", expected));
      if (!scenario.seed) section.fail("seed", section.written("seed") + " is no seed", expected);
    } else {
      scenario.seed = section.integer("seed", 0, most_integer);
    }
  }
  if (section.has("fabric")) scenario.fabric = FabricKind(section.word("fabric", {"rtl", "tlm"}));
}

/// Twice what a workload pauses on average; all that one takes that makes its own faults; when the
/// last line is typed that has a time.
std::uint64_t longest_pauses(const Scenario& scenario) {
  std::uint64_t longest = 0;
  for (const TerminalSpec& terminal : scenario.terminals)
    for (const TypedLine& line : terminal.lines)
      longest = std::max(longest, line.cycle.value_or(0));
  for (const WorkloadSpec& workload : scenario.workloads) {
    if (const auto* membership = std::get_if<MembershipSpec>(&workload)) {
      longest = std::max(longest, longest_membership(*membership, scenario.system));
      continue;
    }
    const std::uint64_t count = std::visit([](const auto& its) { return its.count; }, workload);
    const std::uint64_t pause = pause_of(workload);
    const std::uint64_t most = most_integer / 4;
    longest = std::max(longest, pause != 0 && count > most / pause ? most : 2 * count * pause);
  }
  return longest;
}

/// The limit has to leave room for the workloads to be late; when it is not given, it does.
void check_limits(const Section& section, Scenario& scenario) {
  if (!section.has("time")) scenario.limit_cycles += longest_pauses(scenario);
  std::optional<std::uint64_t> by = scenario.complete_by;
  if (scenario.chaos) by = scenario.chaos->until_cycle + scenario.chaos->drain_cycles;
  if (!by) return;
  if (!section.has("time")) {
    scenario.limit_cycles = std::max(scenario.limit_cycles, *by + 1);
  } else if (scenario.limit_cycles <= *by) {
    section.fail("time",
                 fmt::format("{} comes before all has to be complete, at cycle {}",
                             section.written("time"), *by),
                 "a later time, or none");
  }
}

Scenario read_scenario(const toml::table& root, const std::string& path, const Origin& origin) {
  const Section top(root, "", origin,
                    {"run", "system", "limits", "disk", "terminal", "workload", "fault", "chaos"});
  const toml::table& system_table = table_or_empty(root, "system", origin);
  const Section system(system_table, "system", origin,
                       {"name", "profile", "cpus", "clock", "costs", "cost_scale", "cost",
                        "alive"});
  const Section cost(table_or_empty(system_table, "cost", origin), "system.cost", origin,
                     cost_names());
  const Section limits(table_or_empty(root, "limits", origin), "limits", origin,
                       {"time", "complete_by"});
  const Section run(table_or_empty(root, "run", origin), "run", origin, {"seed", "fabric"});

  Scenario scenario;
  scenario.path = path;
  scenario.name = system.has("name") ? system.string("name", "a string")
                                     : std::filesystem::path(path).stem().string();
  if (scenario.name.empty() || scenario.name.find('/') != std::string::npos)
    system.fail("name", system.written("name") + " is no name", "a word without \"/\"");
  scenario.system = read_system(system, cost);
  scenario.limit_cycles = read_limit(limits, scenario.system.clock_hz);

  std::size_t number = 0;
  for (const toml::table* table : tables(root, "disk", origin))
    scenario.disks.push_back(read_disk(*table, fmt::format("disk.{}", number++), origin,
                                       scenario.system, scenario.disks));
  number = 0;
  for (const toml::table* table : tables(root, "terminal", origin))
    scenario.terminals.push_back(
        read_terminal(*table, fmt::format("terminal.{}", number++), origin, scenario));
  number = 0;
  for (const toml::table* table : tables(root, "workload", origin))
    scenario.workloads.push_back(read_workload(*table, fmt::format("workload.{}", number++), origin,
                                               scenario.system));
  if (scenario.workloads.empty())
    throw ScenarioError(origin.line(1), "no workload", "at least one [[workload]]");
  check_together(scenario);
  number = 0;
  for (const toml::table* table : tables(root, "fault", origin))
    scenario.faults.push_back(
        read_fault(*table, fmt::format("fault.{}", number++), origin, scenario));
  read_run(run, scenario);
  if (limits.has("complete_by"))
    scenario.complete_by = limits.time("complete_by", scenario.system.clock_hz);
  if (root.contains("chaos")) read_chaos(table_or_empty(root, "chaos", origin), origin, scenario);
  check_limits(limits, scenario);
  return scenario;
}

/// What was written may hold line ends; a message may not.
std::string one_line(std::string text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text;
}

}  // namespace

ScenarioError::ScenarioError(Source where, std::string problem, std::string expectation)
    : std::runtime_error(one_line(
          fmt::format("{}: {}; expected {}",
                      where.line ? fmt::format("{}:{}", where.file, where.line) : where.file,
                      problem, expectation))),
      at(std::move(where)),
      what_is_wrong(std::move(problem)),
      expected(std::move(expectation)) {}

Scenario parse_scenario(const std::string& text, const std::string& path,
                        const std::vector<std::string>& overrides) {
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw ScenarioError({path, error.source().begin.line}, std::string(error.description()),
                        "a TOML document");
  }
  Origin origin(path);
  // There is one profile: the last that an override names, else that of the scenario.
  const auto last = std::find_if(overrides.rbegin(), overrides.rend(), names_profile);
  if (last == overrides.rend()) lay_profile(root, Laid::under, origin);
  for (const std::string& argument : overrides) {
    apply_override(root, argument, origin);
    if (last != overrides.rend() && &argument == &*last) lay_profile(root, Laid::over, origin);
  }
  return read_scenario(root, path, origin);
}

Scenario load_scenario(const std::string& path, const std::vector<std::string>& overrides) {
  const auto unreadable = [&](int error) {
    throw ScenarioError({path, 1}, fmt::format("cannot read it: {}", std::strerror(error)),
                        "a scenario file, such as scenarios/ping.toml");
  };
  if (std::filesystem::is_directory(path)) unreadable(EISDIR);
  std::ifstream file(path);
  if (!file) unreadable(errno);
  std::stringstream text;
  text << file.rdbuf();
  return parse_scenario(text.str(), path, overrides);
}

}  // namespace xybus
