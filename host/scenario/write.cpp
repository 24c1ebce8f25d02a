#include "scenario/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "scenario/quantity.h"

namespace xybus {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += fmt::format("\\{}", c);
    } else if (code < 0x20 || code == 0x7f) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// In the largest unit in which it is short, where it has one; else as cycles.
std::string time_text(std::uint64_t cycles, double clock_hz) {
  struct Unit {
    const char* name;
    double per_second;
  };
  constexpr std::size_t most_digits = 7;
  for (const Unit unit : {Unit{"ms", 1e3}, Unit{"us", 1e6}, Unit{"ns", 1e9}}) {
    const double value = double(cycles) / clock_hz * unit.per_second;
    if (value < 1 && cycles != 0) continue;
    const std::string digits = fmt::format("{:g}", value);
    if (digits.size() > most_digits || digits.find('e') != std::string::npos) continue;
    const std::string text = fmt::format("{} {}", digits, unit.name);
    const auto seconds = parse_time(text);
    if (seconds && to_cycles(*seconds, clock_hz) == cycles) return quoted(text);
  }
  return quoted(fmt::format("{} cycles", cycles));
}

std::string frequency_text(double hertz) {
  const std::string text = fmt::format("{} MHz", hertz / 1e6);
  if (parse_frequency(text) == hertz) return quoted(text);
  return quoted(fmt::format("{:f} Hz", hertz));
}

/// The keys of one table.
class Table {
 public:
  Table(std::string& text, std::string_view heading, double clock_hz)
      : text_(text), clock_hz_(clock_hz) {
    text_ += fmt::format("\n{}\n", heading);
  }

  template <class Number>
  void number(std::string_view key, Number value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }
  void string(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = {}\n", key, quoted(value));
  }
  void time(std::string_view key, std::uint64_t cycles) {
    text_ += fmt::format("{} = {}\n", key, time_text(cycles, clock_hz_));
  }
  void plain(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }
  void times(std::string_view key, std::uint64_t least, std::uint64_t most) {
    text_ += fmt::format("{} = [{}, {}]\n", key, time_text(least, clock_hz_),
                         time_text(most, clock_hz_));
  }
  void frequency(std::string_view key, double hertz) {
    text_ += fmt::format("{} = {}\n", key, frequency_text(hertz));
  }
  template <class List, class Item>
  void list(std::string_view key, const List& values, Item item) {
    text_ += fmt::format("{} = [", key);
    const char* separator = "";
    for (const auto& value : values) {
      text_ += separator + item(value);
      separator = ", ";
    }
    text_ += "]\n";
  }

 private:
  std::string& text_;
  double clock_hz_;
};

const auto decimal = [](unsigned value) { return std::to_string(value); };

void write(Table& table, const PingSpec& ping) {
  table.number("from", ping.from);
  table.number("to", ping.to);
  table.number("bytes", ping.bytes);
  table.number("reply_bytes", ping.reply_bytes);
  table.number("count", ping.count);
  if (ping.pause_cycles != 0) table.time("pause", ping.pause_cycles);
}

void write(Table& table, const StreamSpec& stream) {
  table.number("from", stream.from);
  table.number("to", stream.to);
  table.number("bytes", stream.bytes);
  table.number("count", stream.count);
  table.number("window", stream.window);
  if (stream.pause_cycles != 0) table.time("pause", stream.pause_cycles);
}

void write(Table& table, const AllToAllSpec& all) {
  table.number("bytes", all.bytes);
  table.number("count", all.count);
  table.number("window", all.window);
  table.string("pattern", name(all.pattern));
  table.list("cpus", all.cpus, decimal);
  if (all.pause_cycles != 0) table.time("pause", all.pause_cycles);
}

void write(Table& table, const LinksSpec& links) {
  table.list("from", links.from, decimal);
  table.number("to", links.to);
  table.number("requestors", links.requestors);
  table.number("count", links.count);
  table.number("max_bytes", links.bytes);
  table.number("window", links.window);
  if (links.pause_cycles != 0) table.time("pause", links.pause_cycles);
  if (links.work_cycles != 0) table.time("work", links.work_cycles);
  table.number("depth", links.depth);
  table.number("cancels", links.cancels);
}

void write(Table& table, const UpdatesSpec& updates) {
  table.number("bytes", updates.bytes);
  table.number("count", updates.count);
  table.list("cpus", updates.cpus, decimal);
  if (updates.pause_cycles != 0) table.time("pause", updates.pause_cycles);
}

void write(Table& table, const MembershipSpec& membership) {
  table.number("rounds", membership.count);
  if (membership.count == 0) {
    table.time("until", membership.until_cycle);
  } else {
    table.times("off", membership.least_off, membership.most_off);
    table.time("stable", membership.stable_cycles);
    if (membership.all) table.plain("all", "true");
  }
  table.number("bytes", membership.bytes);
  table.time("pause", membership.pause_cycles);
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
  std::string text = fmt::format("{{ event = {}, nth = {}, cpu = {}", quoted(name(point.kind)),
                                 point.n, point.cpu);
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
  table.string("tolerance", chaos.single ? "single" : "any");
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
  for (const WorkloadSpec& workload : scenario.workloads) {
    Table table(text, "[[workload]]", clock);
    table.string("kind", name(workload));
    std::visit([&](const auto& spec) { write(table, spec); }, workload);
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
