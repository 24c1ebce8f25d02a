#include "scenario/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "scenario/toml_text.h"
#include "scenario/workload_keys.h"

namespace xybus {
namespace {

const auto decimal = [](unsigned value) { return std::to_string(value); };

/// Writes each key.
class WriteKeys : public WorkloadKeys {
 public:
  WriteKeys(Table& table, const SystemSpec& system) : WorkloadKeys(system), table_(table) {}

  void number(const char* key, auto value, auto...) { table_.number(key, value); }
  void cpu(const char* key, unsigned value) { table_.number(key, value); }
  void cpus(const char* key, const std::vector<unsigned>& list, std::size_t) {
    table_.list(key, list, decimal);
  }
  void cpu_or_cpus(const char* key, const std::vector<unsigned>& list) { cpus(key, list, 1); }
  void word(const char* key, auto value, const auto&) { table_.string(key, name(value)); }
  void time(const char* key, std::uint64_t cycles) { table_.time(key, cycles); }
  void short_time(const char* key, std::uint64_t cycles, std::uint64_t) {
    if (cycles != 0) time(key, cycles);
  }
  void pause(const char* key, std::uint64_t cycles) {
    if (cycles != 0) time(key, cycles);
  }
  void true_pause(const char* key, std::uint64_t cycles, std::uint64_t) { time(key, cycles); }
  void times(const char* key, std::uint64_t least, std::uint64_t most, std::uint64_t) {
    table_.times(key, least, most);
  }
  void fraction(const char* key, double value) { table_.number(key, value); }
  void flag(const char* key, bool value) {
    if (value) table_.plain(key, "true");
  }

 private:
  Table& table_;
};

void write(Table& table, const DiskSpec& disk) {
  table.string("name", disk.name);
  table.list("cpus", disk.cpus, decimal);
  table.number("blocks", disk.blocks);
  table.number("drives", disk.drives);
  table.time("read", disk.read_cycles);
  table.time("write", disk.write_cycles);
  table.time("block", disk.block_cycles);
  if (!disk.image.empty()) table.string("image", disk.image);
}

/// With the lines themselves, if they are known, whatever file they are from.
void write(Table& table, const TerminalSpec& terminal, double clock_hz) {
  table.string("name", terminal.name);
  table.list("cpus", terminal.cpus, decimal);
  table.time("character", terminal.character_cycles);
  if (terminal.lines.empty() && !terminal.input.empty()) table.string("input", terminal.input);
  if (terminal.lines.empty()) return;
  table.list("lines", terminal.lines, [clock_hz](const TypedLine& line) {
    if (!line.cycle) return quoted(line.text);
    return fmt::format("{{ at = {}, text = {} }}", time_text(*line.cycle, clock_hz),
                       quoted(line.text));
  });
}

void write(Table& table, FaultKind kind, const FaultDetail& detail) {
  const auto numbers = [&](const char* key, const std::vector<unsigned>& list) {
    if (!list.empty()) table.list(key, list, decimal);
  };
  switch (kind) {
    case FaultKind::packet_corrupt:
      numbers("bits", detail.bits);
      if (detail.part != FaultDetail::Part::all)
        table.string("part", detail.part == FaultDetail::Part::header ? "header" : "payload");
      break;
    case FaultKind::answer_corrupt:
      numbers("bits", detail.bits);
      if (detail.bits.empty()) numbers("cpus", detail.cpus);
      break;
    case FaultKind::bus_stuck_bit:
      table.number("wire", detail.wire);
      table.number("level", detail.level);
      break;
    case FaultKind::partition: numbers("cpus", detail.cpus); break;
    case FaultKind::bus_slow: table.number("cycles", detail.cycles); break;
    case FaultKind::ram_flip:
      table.number("address", detail.address);
      numbers("bits", detail.bits);
      break;
    case FaultKind::register_upset:
      table.string("register", name(detail.reg));
      numbers("bits", detail.bits);
      break;
    case FaultKind::cpu_slow: table.number("factor", detail.factor); break;
    case FaultKind::hostile_cpu:
      if (detail.inside) table.string("view", "inside");
      break;
    case FaultKind::disk_dies:
    case FaultKind::disk_read_error:
    case FaultKind::disk_write_error:
      table.string("disk", detail.disk);
      table.number("drive", detail.drive);
      if (detail.block) table.number("block", *detail.block);
      break;
    case FaultKind::process_stop:
      table.string("name", detail.process);
      if (detail.backup) table.string("member", "backup");
      break;
    default: break;
  }
}

/// As a sentence where that can say it.
std::string point_text(const AtPacket& point, double clock_hz) {
  if (!point.late() && point.delay_cycles == 0) {
    const std::string from = point.from ? fmt::format(" from {}", *point.from) : "";
    return quoted(fmt::format("packet {}{} on {}", point.n, from, name(point.bus)));
  }
  std::string text = fmt::format("{{ packet = {}, nth = {}",
                                 quoted(point.operation ? name(*point.operation) : "any"), point.n);
  if (point.from) text += fmt::format(", from = {}", *point.from);
  text += fmt::format(", bus = {}", quoted(name(point.bus)));
  if (point.first_attempts) text += ", attempts = \"first\"";
  if (point.delay_cycles != 0)
    text += fmt::format(", delay = {}", time_text(point.delay_cycles, clock_hz));
  return text + " }";
}

std::string point_text(const AtEvent& point, double clock_hz) {
  std::string text = fmt::format("{{ event = {}, nth = {}", quoted(name(point.kind)), point.n);
  if (point.cpu) text += fmt::format(", cpu = {}", *point.cpu);
  if (!point.process.empty()) text += fmt::format(", process = {}", quoted(point.process));
  if (point.peer) text += fmt::format(", peer = {}", *point.peer);
  if (point.delay_cycles != 0)
    text += fmt::format(", delay = {}", time_text(point.delay_cycles, clock_hz));
  return text + " }";
}

void write(Table& table, const FaultSpec& fault, double clock_hz) {
  table.string("kind", name(fault.kind));
  if (fault.bus) table.string("bus", name(*fault.bus));
  if (fault.cpu) table.number("cpu", *fault.cpu);
  if (const auto* at = std::get_if<AtCycle>(&fault.when)) {
    table.number("at_cycle", at->cycle);
  } else if (const auto* nth = std::get_if<AtPacket>(&fault.when)) {
    table.plain("when", point_text(*nth, clock_hz));
  } else if (const auto* event = std::get_if<AtEvent>(&fault.when)) {
    table.plain("when", point_text(*event, clock_hz));
  } else {
    const auto& each = std::get<EachPacket>(fault.when);
    table.number("probability", each.probability);
    if (each.after_cycle != 0) table.time("after", each.after_cycle);
  }
  if (fault.until_cycle) table.time("until", *fault.until_cycle);
  if (fault.for_cycles) table.time("for", *fault.for_cycles);
  if (fault.chance) table.number("chance", *fault.chance);
  write(table, fault.kind, fault.detail);
}

void write(Table& table, const ChaosSpec& chaos) {
  table.list("kinds", chaos.kinds, [](FaultKind kind) { return quoted(name(kind)); });
  if (chaos.rate) table.number("rate", *chaos.rate);
  if (chaos.count) table.number("count", *chaos.count);
  table.times("duration", chaos.least_duration, chaos.most_duration);
  table.time("stable", chaos.stable_cycles);
  table.list("cpus", chaos.cpus, decimal);
  table.list("buses", chaos.buses, [](contract::BusId bus) { return quoted(name(bus)); });
  if (!chaos.processes.empty()) table.list("names", chaos.processes, quoted);
  table.string("tolerance", chaos.single ? "single" : "any");
  if (chaos.after_cycle != 0) table.time("after", chaos.after_cycle);
  table.time("until", chaos.until_cycle);
  table.time("drain", chaos.drain_cycles);
}

std::string comment(const std::string& remark) {
  std::string text;
  std::istringstream lines(remark);
  for (std::string line; std::getline(lines, line);) {
    std::ranges::replace_if(line, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    text += line.empty() ? "#\n" : fmt::format("# {}\n", line);
  }
  return text;
}

void write_run(const Scenario& scenario, std::string& text) {
  if (!scenario.seed && !scenario.fabric) return;
  Table table(text, "[run]", scenario.system.clock_hz);
  constexpr auto most_integer = std::uint64_t{1} << 63;  // TOML's integers end there
  if (scenario.seed && *scenario.seed < most_integer) table.number("seed", *scenario.seed);
  if (scenario.seed && *scenario.seed >= most_integer)
    table.string("seed", std::to_string(*scenario.seed));
  if (scenario.fabric) table.string("fabric", name(*scenario.fabric));
}

void write_cost(const SystemSpec& system, std::string& text, double clock) {
  const CostTable base = cost_table(system.costs);
  if (system.cost == base) return;
  Table table(text, "[system.cost]", clock);
  for (const auto& entry : CostTable::entries()) {
    const std::uint32_t cost = system.cost.*entry.cost;
    if (cost != base.*entry.cost) table.number(entry.name, cost);
  }
}

}  // namespace

std::string scenario_text(const Scenario& scenario, const std::string& remark) {
  std::string text = comment(remark);
  const double clock = scenario.system.clock_hz;
  write_run(scenario, text);
  Table system(text, "[system]", clock);
  system.string("name", scenario.name);
  system.number("cpus", scenario.system.cpus);
  system.frequency("clock", clock);
  system.string("costs", name(scenario.system.costs));
  system.time("alive", scenario.system.alive_interval_cycles);
  write_cost(scenario.system, text, clock);
  Table limits(text, "[limits]", clock);
  limits.time("time", scenario.limit_cycles);
  if (scenario.complete_by) limits.time("complete_by", *scenario.complete_by);
  for (const DiskSpec& disk : scenario.disks) {
    Table table(text, "[[disk]]", clock);
    write(table, disk);
  }
  for (const TerminalSpec& terminal : scenario.terminals) {
    Table table(text, "[[terminal]]", clock);
    write(table, terminal, clock);
  }
  for (const WorkloadSpec& workload : scenario.workloads) {
    Table table(text, "[[workload]]", clock);
    table.string("kind", name(workload));
    WriteKeys keys(table, scenario.system);
    std::visit([&](const auto& spec) { spec.keys(keys, spec); }, workload);
  }
  for (const FaultSpec& fault : scenario.faults) {
    Table table(text, "[[fault]]", clock);
    write(table, fault, clock);
  }
  if (scenario.chaos) {
    Table table(text, "[chaos]", clock);
    write(table, *scenario.chaos);
  }
  return text;
}

}  // namespace xybus
