#include "compare/side_by_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace xybus {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const nlohmann::ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Fields fields_of(const PlacedEvent& event) {
  if (event.line.empty()) return {};
  Fields fields{{"event number", std::to_string(event.number)}};
  const auto json = nlohmann::ordered_json::parse(event.line, nullptr, false);
  if (!json.is_object()) {
    fields.emplace_back("line", std::string(event.line));
    return fields;
  }
  for (const auto& [key, value] : json.items()) fields.emplace_back(key, text_of(value));
  return fields;
}

const std::string* find(const Fields& fields, const std::string& name) {
  const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
  return found == fields.end() ? nullptr : &found->second;
}

// The left one's fields in their order, then those that only the right one has.
std::vector<std::string> rows(const Fields& a, const Fields& b) {
  std::vector<std::string> names;
  for (const auto& [name, value] : a) names.push_back(name);
  for (const auto& [name, value] : b) {
    if (find(a, name) == nullptr) names.push_back(name);
  }
  return names;
}

std::size_t width(const std::string& name, const Fields& fields) {
  std::size_t most = std::max<std::size_t>(name.size(), 10);
  for (const auto& [field, value] : fields) most = std::max(most, value.size());
  return most;
}

}  // namespace

std::string side_by_side(const SideNames& names, const PlacedEvent& a, const PlacedEvent& b) {
  const Fields left = fields_of(a);
  const Fields right = fields_of(b);
  const std::size_t left_width = width(names[0], left);
  const std::size_t right_width = width(names[1], right);
  const auto row = [&](const std::string& name, const std::string& one, const std::string& two,
                       bool mark) {
    return fmt::format("  {:<14}  {:>{}}  {:>{}}{}\n", name, one, left_width, two, right_width,
                       mark ? "  *" : "");
  };
  std::string text = row("", names[0], names[1], false);
  if (left.empty() || right.empty()) {
    text += row("", left.empty() ? "nothing" : "", right.empty() ? "nothing" : "", false);
  }
  for (const std::string& name : rows(left, right)) {
    const std::string* one = find(left, name);
    const std::string* two = find(right, name);
    text += row(name, one != nullptr ? *one : "-", two != nullptr ? *two : "-",
                one == nullptr || two == nullptr || *one != *two);
  }
  return text;
}

std::string place_of(const PlacedEvent& event) {
  if (event.line.empty()) return "nothing";
  const Fields fields = fields_of(event);
  const auto field = [&](const char* name) {
    const std::string* value = find(fields, name);
    return value != nullptr ? *value : std::string();
  };
  std::string at = field("at");
  if (at.starts_with("cpu")) at = "CPU " + at.substr(3);
  std::string text = fmt::format("event {}, cycle {}, {}, {}", event.number, field("cycle"), at,
                                 field("event"));
  if (const std::string pin = field("pin"); !pin.empty()) text += ", process " + pin;
  if (const std::string link = field("link"); !link.empty() && link != "0") {
    text += fmt::format(", link {:#x}", std::strtoull(link.c_str(), nullptr, 10));
  }
  return text;
}

}  // namespace xybus
