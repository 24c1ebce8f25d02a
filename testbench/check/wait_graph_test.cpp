// Who waits for whom: rings, ways to their ends, and what is said of them.
#include <catch2/catch.hpp>

#include "check/wait_graph.h"

using namespace xybus;
using Lines = std::vector<std::string>;

namespace {

WaitNode node(std::string name, std::string state = "waits") { return {std::move(name), state}; }

WaitNode free_node(std::string name) {
  return {.name = std::move(name), .state = "waits for LREQ", .may_go_on = true};
}

}  // namespace

TEST_CASE("two who wait for each other are a deadlock") {
  const WaitGraph graph{{node("a"), node("b")}, {{0, 1, ""}, {1, 0, ""}}};
  const WaitFindings findings = explain(graph);
  CHECK(findings.deadlocks == std::vector<WaitFindings::Path>{{"a", "b"}});
  CHECK(findings.rings.empty());
  CHECK(findings.chains.empty());
  CHECK(lines_of(findings) == Lines{"deadlock: a -> b -> a"});
}

TEST_CASE("one who waits for itself is a deadlock") {
  CHECK(lines_of(explain({{node("a")}, {{0, 0, ""}}})) == Lines{"deadlock: a -> a"});
}

TEST_CASE("of a knot with more ways than one the shortest ring is told, once") {
  // a -> b -> c -> a, and b -> a.
  const WaitGraph graph{{node("a"), node("b"), node("c")},
                        {{0, 1, ""}, {1, 2, ""}, {2, 0, ""}, {1, 0, ""}}};
  CHECK(lines_of(explain(graph)) == Lines{"deadlock: a -> b -> a"});
}

TEST_CASE("a ring that one may leave is no deadlock") {
  const Lines ring{"ring: a -> b -> a; something else may let one of them go on"};
  SECTION("because it waits for somebody outside as well") {
    const WaitGraph graph{{node("a"), node("b"), node("c", "is ready")},
                          {{0, 1, ""}, {1, 0, ""}, {1, 2, ""}}};
    const WaitFindings findings = explain(graph);
    CHECK(findings.deadlocks.empty());
    CHECK(lines_of(findings) == ring);
  }
  SECTION("because time or a request wakes it") {
    CHECK(lines_of(explain({{node("a"), free_node("b")}, {{0, 1, ""}, {1, 0, ""}}})) == ring);
  }
}

TEST_CASE("of a chain its whole length is told, and how its end stands") {
  const WaitGraph graph{{node("a"), node("b"), node("c", "is suspended")},
                        {{0, 1, ""}, {1, 2, "no request"}}};
  CHECK(lines_of(explain(graph)) == Lines{"a -> b -> c, which is suspended (no request)"});
}

TEST_CASE("who waits for the same end is counted, and who waits for two is told twice") {
  const WaitGraph graph{{node("a"), node("b"), node("c"), node("d", "is halted"),
                         node("e", "is ready")},
                        {{0, 3, ""}, {1, 3, ""}, {2, 3, ""}, {2, 4, ""}}};
  CHECK(lines_of(explain(graph)) ==
        Lines{"a -> d, which is halted; 2 more wait for it", "c -> e, which is ready"});
}

TEST_CASE("who waits for a ring is told, with the way to it") {
  const WaitGraph graph{{node("a"), node("b"), node("x"), node("y")},
                        {{0, 1, ""}, {1, 0, ""}, {2, 3, ""}, {3, 1, ""}}};
  CHECK(lines_of(explain(graph)) ==
        Lines{"deadlock: a -> b -> a", "x -> y -> b -> a, which is in such a ring"});
}

TEST_CASE("nobody is told who waits for nobody, unless that is notable") {
  CHECK(explain({}).empty());
  WaitGraph graph{{free_node("server"), node("s", "is suspended")}, {}};
  CHECK(explain(graph).empty());
  graph.nodes[1].notable = true;
  CHECK(lines_of(explain(graph)) == Lines{"s is suspended"});
}
