#include "scenario/read_chaos.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "scenario/fault_detail.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr double default_drain_seconds = 20e-3;
constexpr std::uint64_t most_faults = 10'000;
constexpr std::uint64_t longest_cycles = std::uint64_t{1} << 48;  // no sum of two overflows

// What a scenario gets that does not say: all but upsets inside a node, which has no ECC, and
// hostile CPUs, which want workloads that have nothing to do with them.
bool by_default(FaultKind kind, const Scenario& scenario) {
  if (is_disk_fault(kind)) return !scenario.disks.empty();
  return !is_instant(kind) && kind != FaultKind::hostile_cpu && kind != FaultKind::power_failure;
}

std::vector<FaultKind> read_kinds(const Section& section, const Scenario& scenario) {
  std::vector<FaultKind> kinds;
  if (section.has("kinds")) {
    for (const std::size_t kind : section.word_list("kinds", names_of(known_faults())))
      kinds.push_back(FaultKind(kind));
    for (const FaultKind kind : kinds) {
      if (is_disk_fault(kind) && scenario.disks.empty())
        section.fail("kinds", fmt::format("{} without a disk", name(kind)),
                     "at least one [[disk]]");
      if (kind == FaultKind::power_failure)
        section.fail("kinds", "power-failure in [chaos]", "a [[fault]] for it: the run ends");
      if (kind == FaultKind::process_stop && !section.has("names"))
        section.fail("kinds", "process-stop without names", "names, a list of processes");
    }
    return kinds;
  }
  for (std::size_t kind = 0; kind < known_faults().size(); ++kind)
    if (by_default(FaultKind(kind), scenario)) kinds.push_back(FaultKind(kind));
  return kinds;
}

std::vector<contract::BusId> read_buses(const Section& section) {
  if (!section.has("buses")) return {contract::BusId::x, contract::BusId::y};
  std::vector<contract::BusId> buses;
  for (const std::size_t bus : section.word_list("buses", {"x", "y"}))
    buses.push_back(bus == 0 ? contract::BusId::x : contract::BusId::y);
  return buses;
}

std::vector<std::string> read_names(const Section& section) {
  std::vector<std::string> names;
  for (const std::string& text : section.strings("names"))
    names.push_back(process_name(section, "names", text));
  return names;
}

std::uint64_t read_time(const Section& section, std::string_view key, double clock_hz,
                        std::uint64_t least, std::optional<std::uint64_t> otherwise = {}) {
  if (otherwise && !section.has(key)) return *otherwise;
  const std::uint64_t cycles = section.time(key, clock_hz);
  if (cycles < least || cycles > longest_cycles)
    section.fail(key, fmt::format("{} is {} cycles", section.written(key), cycles),
                 fmt::format("{} to 2^48 cycles", least));
  return cycles;
}

void read_number(const Section& section, ChaosSpec& chaos) {
  if (section.has("rate") && section.has("count"))
    section.fail("count", "count contradicts rate", "one of the two");
  if (section.has("count")) {
    chaos.count = section.integer("count", 1, most_faults);
    return;
  }
  if (!section.has("rate"))
    throw ScenarioError(section.at(), "nothing says how many faults there are",
                        "rate, per simulated ms, or count");
  chaos.rate = section.positive("rate");
}

// So that firmware has restored every path before another one fails: it does so at each I'm-alive.
std::uint64_t default_stable(const Scenario& scenario, bool single) {
  return single ? 3 * scenario.system.alive_interval_cycles : 0;
}

}  // namespace

void read_chaos(const toml::table& table, const Origin& origin, Scenario& scenario) {
  const Section section(table, "chaos", origin,
                        {"kinds", "rate", "count", "duration", "stable", "cpus", "buses",
                         "names", "tolerance", "after", "until", "drain"});
  const double clock = scenario.system.clock_hz;
  ChaosSpec chaos;
  chaos.at = section.at();
  chaos.kinds = read_kinds(section, scenario);
  read_number(section, chaos);
  if (section.has("tolerance"))
    chaos.single = section.word("tolerance", {"single", "any"}) == 0;
  chaos.until_cycle = read_time(section, "until", clock, 1);
  chaos.after_cycle = read_time(section, "after", clock, 0, 0);
  if (chaos.after_cycle >= chaos.until_cycle)
    section.fail("after", "after is not before until", "an earlier time");
  chaos.drain_cycles =
      read_time(section, "drain", clock, 1,
                std::clamp<std::uint64_t>(*to_cycles(default_drain_seconds, clock), 1,
                                          longest_cycles));
  chaos.stable_cycles =
      read_time(section, "stable", clock, 0, default_stable(scenario, chaos.single));
  std::tie(chaos.least_duration, chaos.most_duration) =
      section.has("duration") ? section.time_range("duration", clock)
                              : std::pair{*to_cycles(10e-6, clock), *to_cycles(200e-6, clock)};
  if (chaos.most_duration >= chaos.until_cycle) {
    const std::string what =
        fmt::format("faults of up to {} cycles, until cycle {}", chaos.most_duration,
                    chaos.until_cycle);
    section.fail("until", what, "a later end, or a shorter duration");
  }
  chaos.cpus = section.cpus("cpus", scenario.system.cpus, 1);
  chaos.buses = read_buses(section);
  chaos.processes = read_names(section);
  if (scenario.complete_by)
    throw ScenarioError(chaos.at, "chaos contradicts limits.complete_by",
                        "drain in [chaos] alone");
  if (chaos.rate && *chaos.rate * double(chaos.until_cycle) / clock * 1e3 > most_faults)
    section.fail("rate", section.written("rate") + " makes too many faults",
                 fmt::format("{} on average at most", most_faults));
  scenario.chaos = std::move(chaos);
}

}  // namespace xybus
