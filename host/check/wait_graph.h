/// Who waits for whom, and why that does not end.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace xybus {

/// Somebody who waits, or is waited for.
struct WaitNode {
  std::string name;   ///< "CPU 0 pin 3 (ping-client)"
  std::string state;  ///< How it stands, to follow "which": "is suspended", "waits for lreq".
  bool may_go_on = false;  ///< By something else than those it waits for: time, or a request.
  bool notable = false;    ///< Is told even if it waits for nobody and nobody for it.
};

/// `from` goes on when `to`, or any other that it waits for, does something for it.
struct WaitEdge {
  std::size_t from = 0, to = 0;  ///< places in WaitGraph::nodes
  std::string note;  ///< What else is known: "the request has not arrived"; or empty.
};

struct WaitGraph {
  std::vector<WaitNode> nodes;
  std::vector<WaitEdge> edges;
};

/// What a graph comes to. Names are those of nodes.
struct WaitFindings {
  using Path = std::vector<std::string>;

  /// Rings that nothing can end: nobody in one waits for anybody outside, or may go on otherwise.
  /// The first name is not repeated at the end.
  std::vector<Path> deadlocks;
  /// Rings that something else may end.
  std::vector<Path> rings;

  /// A way from one for whom nobody waits to one who waits for nobody, or who is in a ring.
  struct Chain {
    Path path;
    std::string end;   ///< the state of the last one
    std::string note;  ///< of the last edge
    std::size_t more = 0;  ///< others whose way ends there too
  };
  std::vector<Chain> chains;  ///< one for each end

  bool empty() const { return deadlocks.empty() && rings.empty() && chains.empty(); }
};

WaitFindings explain(const WaitGraph& graph);

/// One line for each, deadlocks first: "deadlock: a -> b -> a"; "a -> b, which is suspended".
std::vector<std::string> lines_of(const WaitFindings& findings);

}  // namespace xybus
