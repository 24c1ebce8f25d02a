#include "compare/totals.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace xybus {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// "ok", "FAILED", or "-" when there is no such check.
std::string check_of(const Json& summary, const std::string& name) {
  for (const Json& check : summary.at("checks")) {
    if (check.at("name") == name) return check.at("ok") == true ? "ok" : "FAILED";
  }
  return "-";
}

std::vector<std::string> check_names(const Json& a, const Json& b) {
  std::vector<std::string> names;
  for (const Json* summary : {&a, &b}) {
    for (const Json& check : summary->at("checks")) {
      const std::string name = check.at("name");
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace

std::vector<Total> totals(const Json& a, const Json& b, const TotalRules& rules) {
  std::vector<Total> rows;
  rows.push_back({"outcome", text_of(a.at("outcome")), text_of(b.at("outcome")), true});
  for (const std::string& name : check_names(a, b)) {
    const std::string ours = check_of(a, name);
    const std::string theirs = check_of(b, name);
    // Not every check is made on every fabric. One that fails counts all the same.
    const bool made_once = (ours == "-" && theirs == "ok") || (ours == "ok" && theirs == "-");
    rows.push_back({name, ours, theirs, !made_once});
  }
  const Json none = 0;
  for (const char* name :
       {"sent", "delivered", "failed", "cancelled", "lost", "duplicated", "corrupted"}) {
    const std::string word = name;
    const bool ends = word == "delivered" || word == "failed" || word == "cancelled";
    const bool compared = word == "sent" ? rules.sent : ends ? rules.failed && rules.ended : true;
    const auto value = [&](const Json& summary) {
      // Summaries from before links could be broken do not have it.
      const Json& messages = summary.at("messages");
      return word == "cancelled" && !messages.contains(word) ? none : messages.at(word);
    };
    if (word == "cancelled" && value(a) == none && value(b) == none) continue;
    rows.push_back({word, text_of(value(a)), text_of(value(b)), compared});
  }
  rows.push_back({"cycles", text_of(a.at("cycles")), text_of(b.at("cycles")), false});
  for (const char* name : {"p50", "p99"}) {
    rows.push_back({std::string("latency ") + name, text_of(a.at("latency_cycles").at(name)),
                    text_of(b.at("latency_cycles").at(name)), false});
  }
  return rows;
}

}  // namespace xybus
