#include "scenario/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "scenario/quantity.h"

namespace xybus {
namespace {

using Words = std::vector<std::string_view>;

/// "a", "a or b", "a, b or c".
std::string alternatives(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

/// Insertions, deletions and substitutions from one word to the other.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t substituted = diagonal + (from[i - 1] != to[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

/// ", perhaps "cpus"" when one of the words is close to what was written.
std::string near_miss(std::string_view written, const Words& words) {
  std::string_view best;
  std::size_t distance = std::min<std::size_t>(2, written.size() / 3) + 1;
  for (const std::string_view word : words) {
    const std::size_t d = edit_distance(written, word);
    if (d < distance) {
      distance = d;
      best = word;
    }
  }
  return best.empty() ? "" : fmt::format(", perhaps \"{}\"", best);
}

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return node.is_array_of_tables() ? "a list of tables" : "a list";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "a boolean";
    default: return "a date or time";
  }
}

std::string as_written(const toml::node& node) {
  if (const auto* string = node.as_string()) return '"' + string->get() + '"';
  std::ostringstream text;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) text << value;
  });
  return text.str();
}

/// The file's name and what --set has put over it: tells where a value was written.
class Origin {
 public:
  explicit Origin(std::string file) : file_(std::move(file)) {}

  void note_override(const std::string& key, const std::string& argument) {
    overrides_[key] = "--set " + argument;
  }

  Source of(const std::string& key, const toml::node& node) const {
    if (const auto found = overrides_.find(key); found != overrides_.end())
      return {found->second, 0};
    return {file_, node.source().begin.line};
  }

  Source line(unsigned number) const { return {file_, number}; }

 private:
  std::string file_;
  std::map<std::string, std::string> overrides_;  // dotted key to argument
};

/// One table of the scenario: fetches values by key, and turns what is wrong into an error that
/// says where.
class Section {
 public:
  /// `path` is the dotted key of the table, empty for the file itself; `keys` are all it may have.
  Section(const toml::table& table, std::string path, const Origin& origin, const Words& keys)
      : table_(table), path_(std::move(path)), origin_(origin) {
    for (const auto& [key, node] : table_) {
      if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
      const Source overridden = origin_.of(full(key.str()), node);
      const bool in_file = overridden.line != 0;
      throw ScenarioError(in_file ? origin_.line(key.source().begin.line) : overridden,
                          fmt::format("unknown key \"{}\"{}{}", key.str(),
                                      path_.empty() ? "" : " in " + path_,
                                      near_miss(key.str(), keys)),
                          alternatives(keys));
    }
  }

  bool has(std::string_view key) const { return table_.contains(key); }
  Source at() const { return origin_.of(path_, table_); }
  Source at(std::string_view key) const { return origin_.of(full(key), *table_.get(key)); }
  std::string full(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  /// What was written for a key, for messages: `from = 7`.
  std::string written(std::string_view key) const {
    return fmt::format("{} = {}", key, as_written(*table_.get(key)));
  }

  [[noreturn]] void fail(std::string_view key, const std::string& what,
                         const std::string& expected) const {
    throw ScenarioError(at(key), what, expected);
  }

  std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most) const {
    const std::string range = fmt::format("{} to {}", least, most);
    const toml::node& node = required(key, "an integer, " + range);
    if (!node.is_integer()) wrong_type(key, node, "an integer, " + range);
    const std::int64_t value = node.as_integer()->get();
    if (value < 0 || std::uint64_t(value) < least || std::uint64_t(value) > most)
      fail(key, fmt::format("{} is out of range", written(key)), range);
    return std::uint64_t(value);
  }
  std::uint64_t integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                        std::uint64_t otherwise) const {
    return has(key) ? integer(key, least, most) : otherwise;
  }

  unsigned cpu(std::string_view key, unsigned cpus) const {
    const std::string range = fmt::format("0 to {}", cpus - 1);
    const toml::node& node = required(key, "a CPU, " + range);
    if (!node.is_integer()) wrong_type(key, node, "a CPU's number, " + range);
    const std::int64_t value = node.as_integer()->get();
    if (value < 0 || value >= cpus) fail(key, written(key) + ": there is no such CPU", range);
    return unsigned(value);
  }

  /// A list of CPUs, at least two, in ascending order; all of them when there is none.
  std::vector<unsigned> cpus(std::string_view key, unsigned count) const {
    std::vector<unsigned> list;
    if (!has(key)) {
      for (unsigned cpu = 0; cpu < count; ++cpu) list.push_back(cpu);
      return list;
    }
    const std::string expected = fmt::format("two CPUs or more, 0 to {}, each once", count - 1);
    const toml::array* const array = table_.get(key)->as_array();
    if (!array) wrong_type(key, *table_.get(key), "a list: " + expected);
    for (const toml::node& node : *array) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value) wrong_type(key, *table_.get(key), "a list: " + expected);
      if (*value < 0 || *value >= count)
        fail(key, fmt::format("{}: there is no CPU {}", key, *value), expected);
      list.push_back(unsigned(*value));
    }
    std::sort(list.begin(), list.end());
    if (list.size() < 2 || std::adjacent_find(list.begin(), list.end()) != list.end())
      fail(key, fmt::format("{} has {} entries, or one twice", key, list.size()), expected);
    return list;
  }

  double fraction(std::string_view key) const {
    const toml::node& node = required(key, "a number, 0 to 1");
    if (!node.is_number()) wrong_type(key, node, "a number, 0 to 1");
    const double value = *node.value<double>();
    if (!(value >= 0 && value <= 1)) fail(key, written(key) + " is out of range", "0 to 1");
    return value;
  }

  std::string string(std::string_view key, const std::string& expected) const {
    const toml::node& node = required(key, expected);
    if (!node.is_string()) wrong_type(key, node, expected);
    return node.as_string()->get();
  }

  /// The position of the key's word among `words`.
  std::size_t word(std::string_view key, const Words& words) const {
    const std::string expected = alternatives(words);
    const std::string value = string(key, expected);
    const auto found = std::find(words.begin(), words.end(), value);
    if (found == words.end())
      fail(key, fmt::format("unknown {} \"{}\"{}", key, value, near_miss(value, words)), expected);
    return std::size_t(found - words.begin());
  }

  double frequency(std::string_view key) const {
    const std::string expected = "a frequency in Hz, kHz, MHz or GHz, such as \"100 MHz\"";
    const auto value = parse_frequency(string(key, expected));
    if (!value) fail(key, written(key) + " is no frequency", expected);
    return *value;
  }

  std::uint64_t time(std::string_view key, double clock_hz) const {
    const std::string expected = "a time in ns, us, ms or s, such as \"10 ms\"";
    const auto seconds = parse_time(string(key, expected));
    if (!seconds) fail(key, written(key) + " is no time", expected);
    const auto cycles = to_cycles(*seconds, clock_hz);
    if (!cycles) fail(key, written(key) + " is too long", "fewer than 2^63 cycles");
    return *cycles;
  }

 private:
  const toml::node& required(std::string_view key, const std::string& expected) const {
    if (const toml::node* node = table_.get(key)) return *node;
    throw ScenarioError(at(), fmt::format("{} has no {}", path_, key),
                        fmt::format("{} = {}", key, expected));
  }

  [[noreturn]] void wrong_type(std::string_view key, const toml::node& node,
                               const std::string& expected) const {
    fail(key, fmt::format("{} is {}", key, type_name(node)), expected);
  }

  const toml::table& table_;
  std::string path_;
  const Origin& origin_;
};

// ---- Overrides ------------------------------------------------------------------------------

[[noreturn]] void bad_override(const std::string& argument, const std::string& what,
                               const std::string& expected) {
  throw ScenarioError({"--set " + argument, 0}, what, expected);
}

/// The value as TOML where it is a plain TOML value, else as the string it is.
toml::table parse_value(const std::string& text) {
  try {
    toml::table parsed = toml::parse("value = " + text);
    if (parsed.size() == 1 && parsed.get("value")->is_value()) return parsed;
  } catch (const toml::parse_error&) {
  }
  return toml::table{{"value", text}};
}

void apply_override(toml::table& root, const std::string& argument, Origin& origin) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    bad_override(argument, "no value", "key=value, such as system.cpus=8");
  const std::string key = argument.substr(0, equals);

  toml::table* table = &root;
  std::string path;  // of `table`
  std::size_t begin = 0;
  for (std::size_t dot; (dot = key.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const std::string part = key.substr(begin, dot - begin);
    toml::node* node = table->get(part);
    if (!node) {
      origin.note_override(key.substr(0, dot), argument);
      node = &table->insert(part, toml::table{}).first->second;
    }
    path = key.substr(0, dot);
    if (toml::array* list = node->as_array()) {
      const std::size_t end = key.find('.', dot + 1);
      const auto index = parse_count(key.substr(dot + 1, end - dot - 1));
      if (!index || *index >= list->size() || end == std::string::npos)
        bad_override(argument, fmt::format("{} has {} entries", path, list->size()),
                     fmt::format("{}.NUMBER.KEY=value, numbers from 0", path));
      node = list->get(*index);
      dot = end;
      path = key.substr(0, dot);
    }
    table = node->as_table();
    if (!table) bad_override(argument, path + " is no table", "the key of a value");
  }
  const std::string last = key.substr(begin);
  if (const toml::node* old = table->get(last); old && !old->is_value())
    bad_override(argument, key + " is no value", "the key of a value, such as system.cpus=8");
  toml::table value = parse_value(argument.substr(equals + 1));
  table->insert_or_assign(last, std::move(*value.get("value")));
  origin.note_override(key, argument);
}

// ---- The parts of a scenario ------------------------------------------------------------------

constexpr std::uint64_t default_alive_cycles = 100'000;
constexpr double longest_alive_seconds = 3600;
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

SystemSpec read_system(const Section& section) {
  SystemSpec system;
  system.cpus = unsigned(section.integer("cpus", 2, contract::max_nodes, system.cpus));
  if (section.has("clock")) {
    system.clock_hz = section.frequency("clock");
    if (system.clock_hz < 1e6 || system.clock_hz > 10e9)
      section.fail("clock", section.written("clock") + " is out of range", "1 MHz to 10 GHz");
  }
  if (section.has("costs")) system.costs = Costs(section.word("costs", {"default", "zero"}));
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

Words names_of(const std::vector<Described>& list) {
  Words words;
  for (const Described& entry : list) words.push_back(entry.name);
  return words;
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

void read_until(const Section& section, const SystemSpec& system, bool packet_fault,
                FaultSpec& fault) {
  if (!section.has("until")) return;
  if (fault.kind == FaultKind::cpu_halt)
    section.fail("until", "until on cpu-halt", "no until: a halted CPU stays halted");
  if (packet_fault && std::holds_alternative<AtPacket>(fault.when))
    section.fail("until", "until contradicts when: one packet is hit", "one of the two");
  fault.until_cycle = section.time("until", system.clock_hz);
  const auto* at = std::get_if<AtCycle>(&fault.when);
  const std::uint64_t start = at ? at->cycle : 0;
  if (*fault.until_cycle <= start)
    section.fail("until",
                 fmt::format("{} is cycle {}, not after the start at cycle {}",
                             section.written("until"), *fault.until_cycle, start),
                 "a later time");
}

FaultSpec read_fault(const toml::table& table, const std::string& path, const Origin& origin,
                     const SystemSpec& system) {
  const Words kinds = names_of(known_faults());
  const std::string kind = kind_of(table, path, origin, kinds);
  const Section section(table, path, origin,
                        {"kind", "bus", "cpu", "at", "at_cycle", "when", "probability", "until"});
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
    fault.when = AtCycle{
        section.integer("at_cycle", 0, std::uint64_t(std::numeric_limits<std::int64_t>::max()))};
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
    fault.when = EachPacket{section.fraction("probability")};
  }
  read_until(section, system, packet_fault, fault);
  return fault;
}

/// The tables of `[[key]]`, or none.
std::vector<const toml::table*> tables(const toml::table& root, const std::string& key,
                                       const Origin& origin) {
  std::vector<const toml::table*> list;
  const toml::node* node = root.get(key);
  if (!node) return list;
  if (!node->is_array_of_tables())
    throw ScenarioError(origin.of(key, *node), fmt::format("{} is {}", key, type_name(*node)),
                        fmt::format("[[{}]]", key));
  for (const toml::node& entry : *node->as_array()) list.push_back(entry.as_table());
  return list;
}

const toml::table& table_or_empty(const toml::table& root, const std::string& key,
                                  const Origin& origin) {
  static const toml::table empty;
  const toml::node* node = root.get(key);
  if (!node) return empty;
  if (!node->is_table())
    throw ScenarioError(origin.of(key, *node), fmt::format("{} is {}", key, type_name(*node)),
                        fmt::format("[{}]", key));
  return *node->as_table();
}

Scenario read_scenario(const toml::table& root, const std::string& path, const Origin& origin) {
  const Section top(root, "", origin, {"system", "limits", "workload", "fault"});
  const Section system(table_or_empty(root, "system", origin), "system", origin,
                       {"name", "cpus", "clock", "costs", "alive"});
  const Section limits(table_or_empty(root, "limits", origin), "limits", origin, {"time"});

  Scenario scenario;
  scenario.path = path;
  scenario.name = system.has("name") ? system.string("name", "a string")
                                     : std::filesystem::path(path).stem().string();
  if (scenario.name.empty() || scenario.name.find('/') != std::string::npos)
    system.fail("name", system.written("name") + " is no name", "a word without \"/\"");
  scenario.system = read_system(system);
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
