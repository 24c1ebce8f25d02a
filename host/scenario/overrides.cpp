#include "scenario/overrides.h"

#include <fmt/format.h>

#include "scenario/quantity.h"

namespace xybus {
namespace {

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

}  // namespace

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
    bad_override(argument, key + (old->is_array() ? " is a list" : " is no value"),
                 old->is_array() ? "a scenario that has another list: only single values are set here"
                                 : "the key of a value, such as system.cpus=8");
  toml::table value = parse_value(argument.substr(equals + 1));
  table->insert_or_assign(last, std::move(*value.get("value")));
  origin.note_override(key, argument);
}

}  // namespace xybus
