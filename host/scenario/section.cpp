#include "scenario/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "scenario/quantity.h"

namespace xybus {
namespace {

std::string as_written(const toml::node& node) {
  if (const auto* string = node.as_string()) return '"' + string->get() + '"';
  std::ostringstream text;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) text << value;
  });
  return text.str();
}

}  // namespace

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

Section::Section(const toml::table& table, std::string path, const Origin& origin,
                 const Words& keys)
    : table_(table), path_(std::move(path)), origin_(origin) {
  for (const auto& [key, node] : table_) {
    if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
    const Source written = origin_.of(full(key.str()), node);
    const Source in_file = origin_.line(key.source().begin.line);
    throw ScenarioError(written.file == in_file.file ? in_file : written,
                        fmt::format("unknown key \"{}\"{}{}", key.str(),
                                    path_.empty() ? "" : " in " + path_,
                                    near_miss(key.str(), keys)),
                        alternatives(keys));
  }
}

std::string Section::full(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::string Section::written(std::string_view key) const {
  return fmt::format("{} = {}", key, as_written(*table_.get(key)));
}

void Section::fail(std::string_view key, const std::string& what,
                   const std::string& expected) const {
  throw ScenarioError(at(key), what, expected);
}

std::uint64_t Section::integer(std::string_view key, std::uint64_t least,
                               std::uint64_t most) const {
  const std::string range = fmt::format("{} to {}", least, most);
  const toml::node& node = required(key, "an integer, " + range);
  if (!node.is_integer()) wrong_type(key, node, "an integer, " + range);
  const std::int64_t value = node.as_integer()->get();
  if (value < 0 || std::uint64_t(value) < least || std::uint64_t(value) > most)
    fail(key, fmt::format("{} is out of range", written(key)), range);
  return std::uint64_t(value);
}

std::uint64_t Section::integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                               std::uint64_t otherwise) const {
  return has(key) ? integer(key, least, most) : otherwise;
}

unsigned Section::cpu(std::string_view key, unsigned cpus) const {
  const std::string range = fmt::format("0 to {}", cpus - 1);
  const toml::node& node = required(key, "a CPU, " + range);
  if (!node.is_integer()) wrong_type(key, node, "a CPU's number, " + range);
  const std::int64_t value = node.as_integer()->get();
  if (value < 0 || value >= cpus) fail(key, written(key) + ": there is no such CPU", range);
  return unsigned(value);
}

std::vector<unsigned> Section::cpus(std::string_view key, unsigned count, unsigned least) const {
  std::vector<unsigned> list;
  if (!has(key)) {
    for (unsigned cpu = 0; cpu < count; ++cpu) list.push_back(cpu);
    return list;
  }
  const std::string expected =
      fmt::format("{} or more, 0 to {}, each once", least == 1 ? "one CPU" : "two CPUs", count - 1);
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
  if (list.size() < least || std::adjacent_find(list.begin(), list.end()) != list.end())
    fail(key, fmt::format("{} has {} entries, or one twice", key, list.size()), expected);
  return list;
}

std::vector<unsigned> Section::numbers(std::string_view key, unsigned most, bool needed) const {
  std::vector<unsigned> list;
  const std::string expected = fmt::format("a list of numbers, 0 to {}, each once", most);
  if (!has(key) && !needed) return list;
  const toml::node& node = required(key, expected);
  if (!node.is_array()) wrong_type(key, node, expected);
  for (const toml::node& entry : *node.as_array()) {
    const auto value = entry.value_exact<std::int64_t>();
    if (!value || *value < 0 || *value > most)
      fail(key, fmt::format("{} has {}", key, as_written(entry)), expected);
    list.push_back(unsigned(*value));
  }
  std::sort(list.begin(), list.end());
  if (list.empty() || std::adjacent_find(list.begin(), list.end()) != list.end())
    fail(key, fmt::format("{} is empty, or has a number twice", key), expected);
  return list;
}

double Section::fraction(std::string_view key) const {
  const toml::node& node = required(key, "a number, 0 to 1");
  if (!node.is_number()) wrong_type(key, node, "a number, 0 to 1");
  const double value = *node.value<double>();
  if (!(value >= 0 && value <= 1)) fail(key, written(key) + " is out of range", "0 to 1");
  return value;
}

bool Section::flag(std::string_view key) const {
  if (!has(key)) return false;
  const toml::node& node = *table_.get(key);
  if (!node.is_boolean()) wrong_type(key, node, "true or false");
  return *node.value<bool>();
}

double Section::positive(std::string_view key) const {
  const toml::node& node = required(key, "a number above 0");
  if (!node.is_number()) wrong_type(key, node, "a number above 0");
  const double value = *node.value<double>();
  if (!(value > 0 && value < 1e9)) fail(key, written(key) + " is out of range", "above 0");
  return value;
}

std::string Section::string(std::string_view key, const std::string& expected) const {
  const toml::node& node = required(key, expected);
  if (!node.is_string()) wrong_type(key, node, expected);
  return node.as_string()->get();
}

std::size_t Section::word(std::string_view key, const Words& words) const {
  const std::string expected = alternatives(words);
  const std::string value = string(key, expected);
  const auto found = std::find(words.begin(), words.end(), value);
  if (found == words.end())
    fail(key, fmt::format("unknown {} \"{}\"{}", key, value, near_miss(value, words)), expected);
  return std::size_t(found - words.begin());
}

std::vector<std::string> Section::strings(std::string_view key) const {
  std::vector<std::string> list;
  if (!has(key)) return list;
  const std::string expected = "a list of one or more strings";
  const toml::array* const array = table_.get(key)->as_array();
  if (!array) wrong_type(key, *table_.get(key), expected);
  for (const toml::node& node : *array) {
    const auto value = node.value_exact<std::string>();
    if (!value) fail(key, fmt::format("{} has {} in it", key, type_name(node)), expected);
    list.push_back(*value);
  }
  if (list.empty()) fail(key, fmt::format("{} is empty", key), expected);
  return list;
}

std::vector<std::size_t> Section::word_list(std::string_view key, const Words& words) const {
  std::vector<std::size_t> list;
  if (!has(key)) return list;
  const std::string expected =
      fmt::format("a list of one or more of {}, each once", alternatives(words));
  const toml::array* const array = table_.get(key)->as_array();
  if (!array) wrong_type(key, *table_.get(key), expected);
  for (const toml::node& node : *array) {
    const auto value = node.value_exact<std::string>();
    if (!value) fail(key, fmt::format("{} has {} in it", key, type_name(node)), expected);
    const auto found = std::find(words.begin(), words.end(), *value);
    if (found == words.end())
      fail(key, fmt::format("unknown word \"{}\" in {}{}", *value, key, near_miss(*value, words)),
           expected);
    list.push_back(std::size_t(found - words.begin()));
  }
  std::sort(list.begin(), list.end());
  if (list.empty() || std::adjacent_find(list.begin(), list.end()) != list.end())
    fail(key, fmt::format("{} {}", key, list.empty() ? "is empty" : "has a word twice"), expected);
  return list;
}

double Section::frequency(std::string_view key) const {
  const std::string expected = "a frequency in Hz, kHz, MHz or GHz, such as \"100 MHz\"";
  const auto value = parse_frequency(string(key, expected));
  if (!value) fail(key, written(key) + " is no frequency", expected);
  return *value;
}

std::uint64_t Section::time(std::string_view key, double clock_hz) const {
  const std::string expected = "a time in ns, us, ms or s, such as \"10 ms\"";
  return time_of(key, string(key, expected), expected, clock_hz);
}

std::pair<std::uint64_t, std::uint64_t> Section::time_range(std::string_view key,
                                                            double clock_hz) const {
  const std::string expected =
      "a list of two times, the first not longer, such as [\"10 us\", \"80 us\"]";
  const toml::node& node = required(key, expected);
  const toml::array* const array = node.as_array();
  if (!array || array->size() != 2 || !array->is_homogeneous(toml::node_type::string))
    fail(key, fmt::format("{} is {}", key, array ? "another list" : type_name(node)), expected);
  const std::uint64_t least =
      time_of(key, array->get(0)->as_string()->get(), expected, clock_hz);
  const std::uint64_t most = time_of(key, array->get(1)->as_string()->get(), expected, clock_hz);
  if (least == 0 || least > most)
    fail(key, fmt::format("{} is {} to {} cycles", key, least, most), expected);
  return {least, most};
}

std::uint64_t Section::time_of(std::string_view key, const std::string& text,
                               const std::string& expected, double clock_hz) const {
  constexpr std::string_view unit = " cycles";
  if (text.ends_with(unit)) {
    const auto cycles = parse_count(std::string_view(text).substr(0, text.size() - unit.size()));
    if (!cycles || *cycles >> 63 != 0)
      fail(key, fmt::format("{} = \"{}\" is no number of cycles", key, text),
           "0 to 2^63 - 1 cycles");
    return *cycles;
  }
  const auto seconds = parse_time(text);
  if (!seconds) fail(key, fmt::format("{} = \"{}\" is no time", key, text), expected);
  const auto cycles = to_cycles(*seconds, clock_hz);
  if (!cycles)
    fail(key, fmt::format("{} = \"{}\" is too long", key, text), "fewer than 2^63 cycles");
  return *cycles;
}

const toml::node& Section::required(std::string_view key, const std::string& expected) const {
  if (const toml::node* node = table_.get(key)) return *node;
  throw ScenarioError(at(), fmt::format("{} has no {}", path_, key),
                      fmt::format("{} = {}", key, expected));
}

void Section::wrong_type(std::string_view key, const toml::node& node,
                         const std::string& expected) const {
  fail(key, fmt::format("{} is {}", key, type_name(node)), expected);
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

}  // namespace xybus
