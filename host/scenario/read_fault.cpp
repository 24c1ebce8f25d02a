#include "scenario/read_fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "model/flip_place.h"
#include "scenario/fault_detail.h"
#include "scenario/read_chaos.h"
#include "scenario/read_point.h"

namespace xybus {
namespace {

constexpr std::uint64_t most_integer = std::numeric_limits<std::int64_t>::max();  // of TOML

contract::BusId bus_of(std::size_t index) {
  return index == 0 ? contract::BusId::x : contract::BusId::y;
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
  const bool is_end =
      fault.kind == FaultKind::cpu_halt || fault.kind == FaultKind::power_failure;
  if (is_end || is_instant(fault.kind) || single ||
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

/// A CPU that restarts has to be off for some time.
void check_restart(const Section& section, const FaultSpec& fault) {
  if (fault.kind != FaultKind::cpu_restart) return;
  const std::string expected = fmt::format("at least {} cycles", least_off_cycles);
  if (!fault.until_cycle && !fault.for_cycles)
    throw ScenarioError(section.at(), "nothing says how long the CPU is off",
                        "for, " + expected);
  const auto* at = std::get_if<AtCycle>(&fault.when);
  const std::uint64_t start = at ? at->cycle : 0;
  if (fault.until_cycle && !at)
    section.fail("until", "until contradicts when: the start is not known", "for, " + expected);
  const std::uint64_t off = fault.for_cycles ? *fault.for_cycles : *fault.until_cycle - start;
  if (off >= least_off_cycles) return;
  const char* const key = section.has("for") ? "for" : "until";
  section.fail(key,
               fmt::format("{} leaves the CPU off for {} cycles", section.written(key), off),
               expected);
}

void read_until(const Section& section, const SystemSpec& system, bool packet_fault,
                FaultSpec& fault) {
  if (section.has("for")) return read_duration(section, system, packet_fault, fault);
  if (!section.has("until")) return;
  if (fault.kind == FaultKind::cpu_halt)
    section.fail("until", "until on cpu-halt", "no until: a halted CPU stays halted");
  if (fault.kind == FaultKind::power_failure)
    section.fail("until", "until on power-failure", "no until: the run ends");
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

/// A packet fault at a packet is on its bus, and comes with it.
void fit_packet_fault(const Section& section, FaultSpec& fault) {
  const auto* const point = std::get_if<AtPacket>(&fault.when);
  if (point == nullptr) return;
  if (fault.bus && *fault.bus != point->bus)
    section.fail("when",
                 fmt::format("{} contradicts {}",
                             section.is_string("when")
                                 ? section.written("when")
                                 : fmt::format("when.bus = \"{}\"", name(point->bus)),
                             section.written("bus")),
                 "the same bus");
  if (point->delay_cycles != 0)
    section.fail("when", fmt::format("delay on {}: it comes with its packet", name(fault.kind)),
                 "no delay");
  fault.bus = point->bus;
}

/// A process is stopped at an event of its own when no other is named.
void fit_event(const Section& section, const FaultSpec& fault, AtEvent& event) {
  if (event.cpu || !event.process.empty()) return;
  if (fault.kind != FaultKind::process_stop)
    section.fail("when", "when.event of no CPU and no process", "cpu or process in when");
  event.process = fault.detail.process;
}

/// What a packet asks for is known when its first words have gone by.
void check_late_bits(const Section& section, const FaultSpec& fault) {
  const auto* const point = std::get_if<AtPacket>(&fault.when);
  if (fault.kind != FaultKind::packet_corrupt || point == nullptr || !point->late()) return;
  constexpr unsigned least = 8 * contract::word_bytes * opening_words;
  if (fault.detail.part == FaultDetail::Part::header)
    section.fail("part", "part = \"header\" of a packet that is known by what is behind it",
                 "\"payload\", or when = \"packet ...\"");
  if (!fault.detail.bits.empty() && fault.detail.bits.front() < least)
    section.fail("bits",
                 fmt::format("bit {} has gone by when the packet is known",
                             fault.detail.bits.front()),
                 fmt::format("{} to {}", least, packet_bits - 1));
}

constexpr unsigned most_chance = 1'000'000;

}  // namespace

FaultSpec read_fault(const toml::table& table, const std::string& path, const Origin& origin,
                     const Scenario& scenario) {
  const SystemSpec& system = scenario.system;
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
      section.fail("cpu", "cpu on " + kind,
                   is_disk_fault(fault.kind)                 ? "disk; cpu is for faults of a node"
                   : fault.kind == FaultKind::power_failure ? "no cpu: it is for all"
                   : fault.kind == FaultKind::process_stop  ? "name: it is found wherever it is"
                                                            : "bus; cpu is for faults of a node");
    if (section.has("bus")) {
      if (!packet_fault && !is_bus_fault(fault.kind))
        section.fail("bus", "bus on " + kind, "no bus");
      fault.bus = bus_of(section.word("bus", {"x", "y"}));
    }
  }

  const std::string_view trigger = trigger_of(section);
  if (trigger == "at") {
    fault.when = AtCycle{section.time("at", system.clock_hz)};
  } else if (trigger == "at_cycle") {
    fault.when = AtCycle{section.integer("at_cycle", 0, most_integer)};
  } else if (trigger == "when") {
    fault.when = read_point(section, table, path, origin, system);
    if (packet_fault) fit_packet_fault(section, fault);
  } else {
    if (!packet_fault && !is_drive_error(fault.kind))
      section.fail("probability", "probability on " + kind, "at, at_cycle or when");
    EachPacket each{section.fraction("probability")};
    if (section.has("after")) each.after_cycle = section.time("after", system.clock_hz);
    fault.when = each;
  }
  if (section.has("after") && trigger != "probability")
    section.fail("after", fmt::format("after contradicts {}", trigger), "after with probability");
  if (section.has("chance")) fault.chance = unsigned(section.integer("chance", 0, most_chance));
  read_until(section, system, packet_fault, fault);
  check_restart(section, fault);
  fault.detail = read_fault_detail(section, fault.kind, system.cpus, scenario.disks);
  check_late_bits(section, fault);
  if (auto* const event = std::get_if<AtEvent>(&fault.when)) fit_event(section, fault, *event);
  return fault;
}

}  // namespace xybus
