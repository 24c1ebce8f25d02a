#include "check/wait_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace xybus {
namespace {

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

class Finder {
 public:
  explicit Finder(const WaitGraph& graph)
      : graph_(graph),
        out_(graph.nodes.size()),
        reached_(graph.nodes.size()),
        ring_(graph.nodes.size(), nowhere),
        waited_for_(graph.nodes.size()) {
    for (const WaitEdge& edge : graph.edges) {
      out_[edge.from].push_back(&edge);
      if (edge.from != edge.to) waited_for_[edge.to] = true;
    }
    for (std::size_t node = 0; node < out_.size(); ++node) reached_[node] = reach(node);
  }

  WaitFindings find() {
    for (std::size_t node = 0; node < out_.size(); ++node) {
      if (ring_[node] == nowhere && reached_[node][node]) take_ring(node);
    }
    for (std::size_t node = 0; node < out_.size(); ++node) {
      const bool waits = !out_[node].empty() || graph_.nodes[node].notable;
      if (ring_[node] == nowhere && !waited_for_[node] && waits) take_chains(node);
    }
    return std::move(findings_);
  }

 private:
  using Nodes = std::vector<std::size_t>;

  /// Those that a node waits for, over however many others; itself only by a ring.
  std::vector<bool> reach(std::size_t from) const {
    std::vector<bool> seen(out_.size());
    for (Nodes open{from}; !open.empty();) {
      const std::size_t node = open.back();
      open.pop_back();
      for (const WaitEdge* edge : out_[node]) {
        if (seen[edge->to]) continue;
        seen[edge->to] = true;
        open.push_back(edge->to);
      }
    }
    return seen;
  }

  bool together(std::size_t a, std::size_t b) const { return reached_[a][b] && reached_[b][a]; }

  /// The shortest way of one step at least; there is one.
  Nodes way(std::size_t from, std::size_t to) const {
    Nodes before(out_.size(), nowhere);
    Nodes open{from};
    for (std::size_t next = 0; before[to] == nowhere; ++next) {
      for (const WaitEdge* edge : out_[open[next]]) {
        if (before[edge->to] != nowhere) continue;
        before[edge->to] = open[next];
        open.push_back(edge->to);
      }
    }
    Nodes nodes{to};
    do {
      nodes.push_back(before[nodes.back()]);
    } while (nodes.back() != from);
    std::ranges::reverse(nodes);
    return nodes;
  }

  WaitFindings::Path names(const Nodes& nodes) const {
    WaitFindings::Path path;
    for (const std::size_t node : nodes) path.push_back(graph_.nodes[node].name);
    return path;
  }

  void take_ring(std::size_t first) {
    bool closed = true;
    for (std::size_t node = 0; node < out_.size(); ++node) {
      if (!together(first, node)) continue;
      ring_[node] = first;
      const auto leaves = [&](const WaitEdge* edge) { return !together(first, edge->to); };
      closed = closed && !graph_.nodes[node].may_go_on && std::ranges::none_of(out_[node], leaves);
    }
    Nodes nodes = way(first, first);
    nodes.pop_back();
    (closed ? findings_.deadlocks : findings_.rings).push_back(names(nodes));
  }

  void take_chains(std::size_t from) {
    if (out_[from].empty()) return take_chain({from});
    for (std::size_t to = 0; to < out_.size(); ++to) {
      const bool ends = ring_[to] == nowhere ? out_[to].empty() : ring_[to] == to;
      if (reached_[from][to] && ends) take_chain(way(from, to));
    }
  }

  void take_chain(const Nodes& nodes) {
    const std::size_t end = nodes.back();
    const auto same = std::ranges::find(ends_, end);
    if (same != ends_.end()) {
      ++findings_.chains[static_cast<std::size_t>(same - ends_.begin())].more;
      return;
    }
    ends_.push_back(end);
    const bool in_ring = ring_[end] != nowhere;
    findings_.chains.push_back({.path = names(nodes),
                                .end = in_ring ? "is in such a ring" : graph_.nodes[end].state,
                                .note = nodes.size() > 1 && !in_ring ? note(nodes) : ""});
  }

  std::string note(const Nodes& nodes) const {
    for (const WaitEdge* edge : out_[nodes[nodes.size() - 2]]) {
      if (edge->to == nodes.back()) return edge->note;
    }
    return "";
  }

  const WaitGraph& graph_;
  std::vector<std::vector<const WaitEdge*>> out_;
  std::vector<std::vector<bool>> reached_;
  Nodes ring_;  // by node: the first of the ring that it is in
  std::vector<bool> waited_for_;
  Nodes ends_;  // of the chains
  WaitFindings findings_;
};

std::string joined(const WaitFindings::Path& path) {
  return fmt::format("{}", fmt::join(path, " -> "));
}

}  // namespace

WaitFindings explain(const WaitGraph& graph) { return Finder(graph).find(); }

std::vector<std::string> lines_of(const WaitFindings& findings) {
  std::vector<std::string> lines;
  for (const auto& ring : findings.deadlocks) {
    lines.push_back(fmt::format("deadlock: {} -> {}", joined(ring), ring.front()));
  }
  for (const auto& ring : findings.rings) {
    lines.push_back(fmt::format("ring: {} -> {}; something else may let one of them go on",
                                joined(ring), ring.front()));
  }
  for (const auto& chain : findings.chains) {
    std::string line = joined(chain.path) + (chain.path.size() > 1 ? ", which " : " ") + chain.end;
    if (!chain.note.empty()) line += fmt::format(" ({})", chain.note);
    if (chain.more != 0) line += fmt::format("; {} more wait for it", chain.more);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace xybus
