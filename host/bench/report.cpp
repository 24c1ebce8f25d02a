// What benchmarks there are, and how their figures are shown.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/bench.h"

namespace xybus {

namespace {

using Json = nlohmann::ordered_json;

std::string number(double value, const std::string& unit) {
  if (unit == "%") return fmt::format("{:.2f}", value);
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{:.4g}", value);
}

std::string required_text(const BenchRow& row) {
  switch (row.requires_what) {
    case BenchRow::Requires::at_least: return ">= " + number(row.required, row.unit);
    case BenchRow::Requires::at_most: return "<= " + number(row.required, row.unit);
    case BenchRow::Requires::nothing: break;
  }
  return "";
}

std::string verdict(const BenchRow& row) {
  if (row.requires_what == BenchRow::Requires::nothing) {
    return row.machine_dependent ? "this machine" : "";
  }
  return row.met() ? "ok" : "MISSED";
}

Json row_json(const BenchRow& row) {
  Json json{{"name", row.name}, {"value", row.value}, {"unit", row.unit}};
  json["limit"] = row.limit ? Json(*row.limit) : Json(nullptr);
  json["ratio"] = row.ratio() ? Json(*row.ratio()) : Json(nullptr);
  if (row.requires_what == BenchRow::Requires::at_least) json["at_least"] = row.required;
  if (row.requires_what == BenchRow::Requires::at_most) json["at_most"] = row.required;
  json["ok"] = row.met();
  if (row.machine_dependent) json["machine_dependent"] = true;
  return json;
}

}  // namespace

const std::vector<Benchmark>& known_benchmarks() {
  static const std::vector<Benchmark> list{
      {"bus", "efficiency, latency, fairness and failover of the buses, in cycles", bench_bus},
      {"message", "round trips of messages, and the share of each work of the firmware, in cycles",
       [] { return bench_message({}); }, bench_message},
      {"bank", "transactions of process pairs on 2 to 16 CPUs, and what terminals see of failures",
       bench_bank},
      {"sim", "cycles a second of the simulated hardware, on this machine", bench_sim},
      {"t16", "messages of the Tandem/16: times published, and predicted", bench_t16},
  };
  return list;
}

bool BenchResult::met() const { return std::ranges::all_of(rows, &BenchRow::met); }

std::string bench_table(const BenchResult& result) {
  std::size_t name_width = 0;
  for (const BenchRow& row : result.rows) name_width = std::max(name_width, row.name.size());
  constexpr auto format = "{:<{}}{:>12}  {:<9}{:>10}{:>9}{:>11}  {}";
  std::string text;
  const auto line = [&](const std::string& label, const std::string& value,
                        const std::string& unit, const std::string& limit,
                        const std::string& ratio, const std::string& required,
                        const std::string& word) {
    std::string all =
        fmt::format(format, label, name_width, value, unit, limit, ratio, required, word);
    all.erase(all.find_last_not_of(' ') + 1);
    text += all + '\n';
  };
  line(result.name, "value", "unit", "limit", "ratio", "required", "");
  for (const BenchRow& row : result.rows) {
    line(row.name, number(row.value, row.unit), row.unit,
         row.limit ? number(*row.limit, row.unit) : "",
         row.ratio() ? fmt::format("{:.3f}", *row.ratio()) : "", required_text(row),
         verdict(row));
  }
  return text;
}

std::string bench_json(const std::vector<BenchResult>& results) {
  Json json;
  json["ok"] = std::ranges::all_of(results, &BenchResult::met);
  json["benchmarks"] = Json::array();
  for (const BenchResult& result : results) {
    Json rows = Json::array();
    for (const BenchRow& row : result.rows) rows.push_back(row_json(row));
    json["benchmarks"].push_back(
        {{"name", result.name}, {"ok", result.met()}, {"rows", std::move(rows)}});
  }
  return json.dump(2) + '\n';
}

}  // namespace xybus
