#include "report/node_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

namespace xybus {

using contract::BusId;
using contract::Register;

namespace {

constexpr std::array both{BusId::x, BusId::y};

const auto& of(BusId bus, const auto& pair) { return pair[static_cast<std::size_t>(bus)]; }

/// Rows with a label and a value for each CPU, all columns of one width.
class Table {
 public:
  using Value = std::function<std::string(const NodeStatus&)>;

  explicit Table(const std::vector<NodeStatus>& nodes) : nodes_(nodes) {
    std::vector<std::string> numbers;
    for (std::size_t cpu = 0; cpu < nodes.size(); ++cpu) numbers.push_back(std::to_string(cpu));
    rows_.push_back({"CPU", std::move(numbers)});
  }

  void heading(std::string label) { rows_.push_back({std::move(label), {}}); }

  void row(std::string label, const Value& value) {
    std::vector<std::string> values;
    for (const NodeStatus& node : nodes_) values.push_back(node.halted ? "-" : value(node));
    rows_.push_back({std::move(label), std::move(values)});
  }

  void row_of_all(std::string label, const Value& value) {
    std::vector<std::string> values;
    for (const NodeStatus& node : nodes_) values.push_back(value(node));
    rows_.push_back({std::move(label), std::move(values)});
  }

  std::string text() const {
    std::size_t label_width = 0;
    std::size_t width = 0;
    for (const Row& row : rows_) {
      label_width = std::max(label_width, row.label.size());
      for (const std::string& value : row.values) width = std::max(width, value.size());
    }
    std::string text;
    for (const Row& row : rows_) {
      if (row.values.empty()) {
        text += row.label + '\n';
        continue;
      }
      text += fmt::format("{:<{}}", row.label, label_width);
      for (const std::string& value : row.values) text += fmt::format("{:>{}}", value, width + 2);
      text += '\n';
    }
    return text;
  }

 private:
  struct Row {
    std::string label;
    std::vector<std::string> values;
  };
  const std::vector<NodeStatus>& nodes_;
  std::vector<Row> rows_;
};

void counters(Table& table, const std::vector<NodeStatus>& nodes, BusId bus) {
  table.heading(fmt::format("bus {}", name(bus)));
  for (std::size_t i = 0; i < counters_per_bus; ++i) {
    const auto value = [&](const NodeStatus& node) { return of(bus, node.counters)[i]; };
    if (std::ranges::all_of(nodes, [&](const NodeStatus& node) { return value(node) == 0; }))
      continue;
    table.row("  " + counter_name(i),
              [&](const NodeStatus& node) { return std::to_string(value(node)); });
  }
}

// All nodes see the same, but for those that were reset at different times.
std::string guardian_lines(const std::vector<NodeStatus>& nodes) {
  std::string text;
  for (const BusId bus : both) {
    std::map<std::string, std::string> seen_by;
    std::size_t seeing = 0;
    for (std::size_t cpu = 0; cpu < nodes.size(); ++cpu) {
      const GuardianStatus& its = of(bus, nodes[cpu].guardian);
      if (nodes[cpu].halted) continue;
      ++seeing;
      if (its.offences == 0) continue;
      auto& cpus = seen_by[fmt::format("guardian of {}: {} offence{}, the last by CPU {}: {}",
                                       name(bus), its.offences, its.offences == 1 ? "" : "s",
                                       its.offender, name(its.offence))];
      cpus += fmt::format("{}{}", cpus.empty() ? "" : ", ", cpu);
    }
    for (const auto& [what, cpus] : seen_by) {
      const auto by = static_cast<std::size_t>(std::ranges::count(cpus, ',')) + 1;
      text += what + (by == seeing ? "\n" : fmt::format(" (seen by CPU {})\n", cpus));
    }
  }
  return text;
}

std::string path_lines(const std::vector<NodeStatus>& nodes) {
  std::string text;
  for (std::size_t cpu = 0; cpu < nodes.size(); ++cpu) {
    for (const BusId bus : both) {
      const auto& paths = of(bus, nodes[cpu].paths);
      for (std::size_t destination = 0; destination < paths.size(); ++destination) {
        const PathStatus& path = paths[destination];
        if (path.plain()) continue;
        text += fmt::format("  CPU {:>2} to {:>2} by {}  {:<8}{:>4} points{:>7} failures\n", cpu,
                            destination, name(bus), name(path.state), path.points, path.failures);
      }
    }
  }
  return text.empty() ? "paths: all up, none has failed\n" : "paths\n" + text;
}

}  // namespace

Register counter_register(BusId bus, std::size_t counter) {
  return contract::element(bus == BusId::x ? Register::sent_x : Register::sent_y,
                           static_cast<unsigned>(counter));
}

std::string counter_name(std::size_t counter) {
  const std::string with_bus = name(counter_register(BusId::x, counter));
  return with_bus.substr(0, with_bus.rfind('_'));
}

std::string status_text(const std::vector<NodeStatus>& nodes) {
  if (nodes.empty()) return "";
  Table table(nodes);
  table.row_of_all("engine", [](const NodeStatus& node) {
    return node.halted ? "halted" : node.enabled ? "on" : "off";
  });
  table.row("epoch", [](const NodeStatus& node) { return std::to_string(node.epoch); });
  table.row("interrupts", [](const NodeStatus& node) { return node.interrupts ? "on" : "off"; });
  table.row("storing", [](const NodeStatus& node) { return node.storing ? "yes" : "no"; });
  table.row("serving", [](const NodeStatus& node) { return node.serving ? "yes" : "no"; });
  table.row("events made",
            [](const NodeStatus& node) { return std::to_string(node.events_made); });
  table.row("events taken",
            [](const NodeStatus& node) { return std::to_string(node.events_taken); });
  for (const BusId bus : both) {
    counters(table, nodes, bus);
  }
  return table.text() + path_lines(nodes) + guardian_lines(nodes);
}

}  // namespace xybus
