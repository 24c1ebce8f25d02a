#include "scenario/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "scenario/overrides.h"
#include "scenario/fault_detail.h"
#include "scenario/quantity.h"
#include "scenario/read_chaos.h"
#include "scenario/section.h"

namespace xybus {
namespace {

constexpr std::uint64_t most_integer = std::numeric_limits<std::int64_t>::max();  // of TOML
constexpr std::uint64_t default_alive_cycles = 100'000;
constexpr double longest_alive_seconds = 3600;
constexpr std::uint64_t most_cost_cycles = 1'000'000;
constexpr double longest_pause_seconds = 3600;

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

SystemSpec read_system(const Section& section, const Section& cost) {
  SystemSpec system;
  system.cpus = unsigned(section.integer("cpus", 2, contract::max_nodes, system.cpus));
  if (section.has("clock")) {
    system.clock_hz = section.frequency("clock");
    if (system.clock_hz < 1e6 || system.clock_hz > 10e9)
      section.fail("clock", section.written("clock") + " is out of range", "1 MHz to 10 GHz");
  }
  if (section.has("costs")) system.costs = Costs(section.word("costs", {"default", "zero"}));
  system.cost = read_cost(cost, cost_table(system.costs));
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

std::string kind_of(const toml::table& table, const std::string& path, const Origin& origin,
                    const Words& kinds) {
  const toml::node* node = table.get("kind");
  if (!node)
    throw ScenarioError(origin.of(path, table), path + " has no kind",
                        "kind = " + alternatives(kinds));
  const Source at = origin.of(path + ".kind", *node);
  const auto kind = node->value_exact<std::string>();
  if (!kind)
    throw ScenarioError(at, fmt::format("kind is {}", type_name(*node)), alternatives(kinds));
  if (std::find(kinds.begin(), kinds.end(), *kind) == kinds.end())
    throw ScenarioError(at, fmt::format("unknown kind \"{}\"{}", *kind, near_miss(*kind, kinds)),
                        alternatives(kinds));
  return *kind;
}

constexpr std::uint64_t most_messages = 1'000'000'000;

std::uint64_t read_pause(const Section& section, double clock_hz) {
  if (!section.has("pause")) return 0;
  const std::uint64_t cycles = section.time("pause", clock_hz);
  if (cycles > *to_cycles(longest_pause_seconds, clock_hz))
    section.fail("pause", section.written("pause") + " is too long", "at most 1 hour");
  return cycles;
}

WorkloadSpec read_workload(const toml::table& table, const std::string& path, const Origin& origin,
                           const SystemSpec& system) {
  const std::string kind = kind_of(table, path, origin, names_of(known_workloads()));
  if (kind == "ping") {
    const Section section(table, path, origin,
                          {"kind", "from", "to", "bytes", "reply_bytes", "count", "pause"});
    PingSpec ping;
    ping.at = section.at();
    ping.from = section.cpu("from", system.cpus);
    ping.to = section.cpu("to", system.cpus);
    ping.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
    ping.reply_bytes =
        std::uint32_t(section.integer("reply_bytes", 0, max_message_bytes, ping.bytes));
    ping.count = section.integer("count", 1, most_messages);
    ping.pause_cycles = read_pause(section, system.clock_hz);
    return ping;
  }
  if (kind == "stream") {
    const Section section(table, path, origin,
                          {"kind", "from", "to", "bytes", "count", "window", "pause"});
    StreamSpec stream;
    stream.at = section.at();
    stream.from = section.cpu("from", system.cpus);
    stream.to = section.cpu("to", system.cpus);
    stream.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
    stream.count = section.integer("count", 1, most_messages);
    stream.window = unsigned(section.integer("window", 1, max_window, stream.window));
    stream.pause_cycles = read_pause(section, system.clock_hz);
    return stream;
  }
  const Section section(table, path, origin,
                        {"kind", "bytes", "count", "window", "pause", "pattern", "cpus"});
  AllToAllSpec all;
  all.at = section.at();
  all.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
  all.count = section.integer("count", 1, most_messages);
  all.window = unsigned(section.integer("window", 1, max_window, all.window));
  all.pause_cycles = read_pause(section, system.clock_hz);
  if (section.has("pattern"))
    all.pattern = Pattern(section.word(
        "pattern", {"uniform", "hotspot", "transpose", "bit-complement", "tornado"}));
  all.cpus = section.cpus("cpus", system.cpus);
  return all;
}

contract::BusId bus_of(std::size_t index) {
  return index == 0 ? contract::BusId::x : contract::BusId::y;
}

/// "packet 3 on x", "packet 3 from 1 on x".
AtPacket read_packet(const Section& section, unsigned cpus) {
  const std::string expected = "\"packet 3 on x\" or \"packet 3 from 1 on x\", counted from 1";
  std::istringstream text(section.string("when", expected));
  const std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
  const auto malformed = [&] {
    section.fail("when", section.written("when") + " names no point", expected);
  };
  const bool from = words.size() == 6 && words[2] == "from";
  if ((words.size() != 4 && !from) || words[0] != "packet" || words[words.size() - 2] != "on")
    malformed();

  AtPacket point;
  const auto n = parse_count(words[1]);
  if (!n || *n == 0) malformed();
  point.n = *n;
  if (from) {
    const auto cpu = parse_count(words[3]);
    if (!cpu) malformed();
    if (*cpu >= cpus)
      section.fail("when", fmt::format("{}: there is no CPU {}", section.written("when"), *cpu),
                   fmt::format("0 to {}", cpus - 1));
    point.from = unsigned(*cpu);
  }
  if (words.back() != "x" && words.back() != "y")
    section.fail("when",
                 fmt::format("{}: there is no bus \"{}\"", section.written("when"), words.back()),
                 "x or y");
  point.bus = bus_of(words.back() == "y");
  return point;
}

/// Which of the keys that say when is there: exactly one has to be.
std::string_view trigger_of(const Section& section) {
  const Words keys{"at", "at_cycle", "when", "probability"};
  std::string_view trigger;
  for (const std::string_view key : keys) {
    if (!section.has(key)) continue;
    if (!trigger.empty())
      section.fail(key, fmt::format("{} contradicts {}", key, trigger),
                   "one of " + alternatives(keys));
    trigger = key;
  }
  if (trigger.empty())
    throw ScenarioError(section.at(), "nothing says when this fault comes",
                        "one of " + alternatives(keys));
  return trigger;
}

/// How long it lasts: of a point in time, a way to write `until`.
void read_duration(const Section& section, const SystemSpec& system, bool packet_fault,
                   FaultSpec& fault) {
  if (section.has("until")) section.fail("for", "for contradicts until", "one of the two");
  const bool single = packet_fault && std::holds_alternative<AtPacket>(fault.when);
  if (fault.kind == FaultKind::cpu_halt || is_instant(fault.kind) || single ||
      std::holds_alternative<EachPacket>(fault.when))
    section.fail("for", fmt::format("for on a {} that has no length", name(fault.kind)),
                 "no for");
  const std::uint64_t cycles = section.time("for", system.clock_hz);
  if (cycles == 0) section.fail("for", section.written("for") + " is no time at all", "a cycle");
  if (const auto* at = std::get_if<AtCycle>(&fault.when)) {
    fault.until_cycle = at->cycle + cycles;
  } else {
    fault.for_cycles = cycles;
  }
}

void read_until(const Section& section, const SystemSpec& system, bool packet_fault,
                FaultSpec& fault) {
  if (section.has("for")) return read_duration(section, system, packet_fault, fault);
  if (!section.has("until")) return;
  if (fault.kind == FaultKind::cpu_halt)
    section.fail("until", "until on cpu-halt", "no until: a halted CPU stays halted");
  if (is_instant(fault.kind))
    section.fail("until", fmt::format("until on {}", name(fault.kind)),
                 "no until: it happens once");
  if (packet_fault && std::holds_alternative<AtPacket>(fault.when))
    section.fail("until", "until contradicts when: one packet is hit", "one of the two");
  fault.until_cycle = section.time("until", system.clock_hz);
  const auto* at = std::get_if<AtCycle>(&fault.when);
  const auto* each = std::get_if<EachPacket>(&fault.when);
  const std::uint64_t start = at ? at->cycle : each ? each->after_cycle : 0;
  if (*fault.until_cycle <= start)
    section.fail("until",
                 fmt::format("{} is cycle {}, not after the start at cycle {}",
                             section.written("until"), *fault.until_cycle, start),
                 "a later time");
}

constexpr unsigned most_chance = 1'000'000;

FaultSpec read_fault(const toml::table& table, const std::string& path, const Origin& origin,
                     const SystemSpec& system) {
  const Words kinds = names_of(known_faults());
  const std::string kind = kind_of(table, path, origin, kinds);
  Words keys{"kind", "bus", "cpu", "at", "at_cycle", "when", "probability", "after", "until", "for",
             "chance"};
  keys.insert(keys.end(), all_detail_keys().begin(), all_detail_keys().end());
  const Section section(table, path, origin, keys);
  FaultSpec fault;
  fault.at = section.at();
  fault.kind = FaultKind(std::find(kinds.begin(), kinds.end(), kind) - kinds.begin());
  const bool packet_fault = is_packet_fault(fault.kind);

  if (is_node_fault(fault.kind)) {
    if (section.has("bus")) section.fail("bus", "bus on " + kind, "cpu");
    fault.cpu = section.cpu("cpu", system.cpus);
  } else {
    if (section.has("cpu"))
      section.fail("cpu", "cpu on " + kind, "bus; cpu is for faults of a node");
    if (section.has("bus")) fault.bus = bus_of(section.word("bus", {"x", "y"}));
  }

  const std::string_view trigger = trigger_of(section);
  if (trigger == "at") {
    fault.when = AtCycle{section.time("at", system.clock_hz)};
  } else if (trigger == "at_cycle") {
    fault.when = AtCycle{section.integer("at_cycle", 0, most_integer)};
  } else if (trigger == "when") {
    const AtPacket point = read_packet(section, system.cpus);
    if (packet_fault) {
      if (fault.bus && *fault.bus != point.bus)
        section.fail("when",
                     fmt::format("{} contradicts {}", section.written("when"),
                                 section.written("bus")),
                     "the same bus");
      fault.bus = point.bus;
    }
    fault.when = point;
  } else {
    if (!packet_fault)
      section.fail("probability", "probability on " + kind, "at, at_cycle or when");
    EachPacket each{section.fraction("probability")};
    if (section.has("after")) each.after_cycle = section.time("after", system.clock_hz);
    fault.when = each;
  }
  if (section.has("after") && trigger != "probability")
    section.fail("after", fmt::format("after contradicts {}", trigger), "after with probability");
  if (section.has("chance")) fault.chance = unsigned(section.integer("chance", 0, most_chance));
  read_until(section, system, packet_fault, fault);
  fault.detail = read_fault_detail(section, fault.kind, system.cpus);
  return fault;
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

/// The limit has to leave room for the workloads to be late; when it is not given, it does.
void check_limits(const Section& section, Scenario& scenario) {
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
  const Section top(root, "", origin, {"run", "system", "limits", "workload", "fault", "chaos"});
  const toml::table& system_table = table_or_empty(root, "system", origin);
  const Section system(system_table, "system", origin,
                       {"name", "cpus", "clock", "costs", "cost", "alive"});
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
  for (const toml::table* table : tables(root, "workload", origin))
    scenario.workloads.push_back(read_workload(*table, fmt::format("workload.{}", number++), origin,
                                               scenario.system));
  if (scenario.workloads.empty())
    throw ScenarioError(origin.line(1), "no workload", "at least one [[workload]]");
  number = 0;
  for (const toml::table* table : tables(root, "fault", origin))
    scenario.faults.push_back(
        read_fault(*table, fmt::format("fault.{}", number++), origin, scenario.system));
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
  for (const std::string& argument : overrides) apply_override(root, argument, origin);
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
