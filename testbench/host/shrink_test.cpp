// Delta debugging, on lists and on scenarios, with made-up failures.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "chaos/draw.h"
#include "scenario/write.h"
#include "shrink/ddmin.h"
#include "shrink/shrink.h"

using namespace xybus;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> list(static_cast<std::size_t>(count));
  std::iota(list.begin(), list.end(), 0);
  return list;
}

const char* const text = R"([run]
seed = 3
[system]
cpus = 8
[[workload]]
kind = "ping"
from = 6
to = 7
bytes = 32
count = 10
[[workload]]
kind = "stream"
from = 0
to = 2
bytes = 500
count = 100
window = 8
[[workload]]
kind = "all-to-all"
bytes = 64
count = 20
)";

Scenario with_faults(int count) {
  Scenario scenario = parse_scenario(text, "s.toml");
  for (int i = 0; i < count; ++i) {
    FaultSpec fault;
    fault.kind = FaultKind::packet_corrupt;
    fault.bus = contract::BusId::x;
    fault.when = EachPacket{0.01, std::uint64_t(1000 * i)};
    scenario.faults.push_back(fault);
  }
  return scenario;
}

/// Fails when `rule` says so.
struct Rule : ShrinkRunner {
  std::function<bool(const Scenario&)> rule;
  std::vector<PacketStrike> hits;
  std::uint64_t runs = 0;
  bool fails(const Scenario& candidate) override {
    ++runs;
    return rule(candidate);
  }
  std::vector<PacketStrike> strikes() override { return hits; }
};

Scenario shrunk(const Scenario& scenario, Rule& rule) {
  return shrink(scenario, rule, [](const ShrinkState&) {});
}

}  // namespace

TEST_CASE("ddmin finds any one culprit among forty in few questions") {
  for (int culprit = 0; culprit < 40; ++culprit) {
    int asked = 0;
    const auto found = ddmin(numbers(40), [&](const std::vector<int>& list) {
      ++asked;
      return std::ranges::count(list, culprit) == 1;
    });
    CHECK(found == std::vector{culprit});
    CHECK(asked <= 13);  // 2 log2 of 40, and the empty list
  }
}

TEST_CASE("ddmin keeps all that it takes, in order, and no entry more") {
  const std::vector<int> needed{1, 17, 18, 39};
  const auto has_all = [&](const std::vector<int>& list) {
    return std::ranges::includes(list, needed);
  };
  CHECK(ddmin(numbers(40), has_all) == needed);
  CHECK(ddmin(numbers(40), [](const auto&) { return true; }).empty());
  CHECK(ddmin(numbers(5), [](const auto& list) { return list.size() == 5; }).size() == 5);
  const auto odd = [](const auto& list) { return list.size() % 2 == 1; };
  CHECK(ddmin(numbers(9), odd).size() == 1);
}

TEST_CASE("ddmin never asks for fewer entries than it may keep") {
  const auto found = ddmin(numbers(16), [](const std::vector<int>& list) {
    CHECK(list.size() >= 3);
    return true;
  }, 3);
  CHECK(found.size() >= 3);
  CHECK(found.size() <= 5);
}

TEST_CASE("a number is lowered to the lowest that still does") {
  CHECK(lower(100, 1, [](int value) { return value >= 37; }) == 37);
  CHECK(lower(100, 1, [](int) { return true; }) == 1);
  CHECK(lower(100, 1, [](int) { return false; }) == 100);
  CHECK(lower(1, 1, [](int) { return false; }) == 1);
}

TEST_CASE("a failure of one fault and one workload shrinks to these, and chance stays") {
  const Scenario start = with_faults(40);
  Rule rule;
  rule.rule = [](const Scenario& s) {
    const bool fault = std::ranges::any_of(s.faults, [](const FaultSpec& f) {
      return f.chance == 23u && std::holds_alternative<EachPacket>(f.when) &&
             std::get<EachPacket>(f.when).after_cycle == 23'000;
    });
    const bool load = std::ranges::any_of(s.workloads, [](const WorkloadSpec& w) {
      const auto* stream = std::get_if<StreamSpec>(&w);
      return stream && stream->count >= 5 && stream->bytes >= 100 && stream->window >= 2;
    });
    return fault && load;
  };
  const Scenario least = shrunk(start, rule);
  REQUIRE(least.faults.size() == 1);
  CHECK(least.faults[0].chance == 23u);
  REQUIRE(least.workloads.size() == 1);
  const auto& stream = std::get<StreamSpec>(least.workloads[0]);
  CHECK(stream.count == 5);
  CHECK(stream.bytes == 100);
  CHECK(stream.window == 2);
  CHECK(least.system.cpus == 3);  // CPU 2 takes part
  CHECK(least.seed == 3u);
  CHECK(rule.runs < 120);
}

TEST_CASE("a links workload shrinks in everything that does not matter") {
  const Scenario start = parse_scenario(
      "[system]\ncpus = 8\n[[workload]]\nkind = \"links\"\nfrom = [0, 1, 2, 4]\nto = 3\n"
      "count = 40\nmax_bytes = 5000\nrequestors = 12\nwindow = 6\nwork = \"9 us\"\ndepth = 9\n"
      "cancels = 0.25\n", "s.toml");
  Rule rule;
  const bool needs_cancels = GENERATE(false, true);
  rule.rule = [=](const Scenario& s) {
    const auto& links = std::get<LinksSpec>(s.workloads[0]);
    return std::ranges::count(links.from, 2U) == 1 && links.requestors >= 3 && links.depth >= 2 &&
           (links.cancels > 0 || !needs_cancels);
  };
  const Scenario shrunk_one = shrunk(start, rule);
  const auto& links = std::get<LinksSpec>(shrunk_one.workloads[0]);
  CHECK(links.from == std::vector{2U});
  CHECK(links.requestors == 3);
  CHECK(links.depth == 2);
  CHECK(links.window == 1);
  CHECK(links.count == 1);
  CHECK(links.bytes == 0);
  CHECK(links.work_cycles == 0);
  CHECK(links.cancels == (needs_cancels ? 0.25 : 0));
  CHECK(shrunk_one.system.cpus == 4);
}

TEST_CASE("updates shrink in number, bytes and clients, restarts one by one") {
  const Scenario start = draw_chaos(
      parse_scenario("[system]\ncpus = 5\n[[workload]]\nkind = \"updates\"\nbytes = 500\n"
                     "count = 40\n[[workload]]\nkind = \"membership\"\nrounds = 6\n"
                     "off = [\"1 ms\", \"2 ms\"]\nstable = \"2 ms\"\n", "s.toml"), 1);
  REQUIRE(start.faults.size() == 6);
  Rule rule;
  rule.rule = [&start](const Scenario& s) {
    const bool fault = std::ranges::any_of(
        s.faults, [&](const FaultSpec& f) { return f.when == start.faults[3].when; });
    return fault && std::ranges::any_of(s.workloads, [](const WorkloadSpec& spec) {
      const auto* updates = std::get_if<UpdatesSpec>(&spec);
      return updates != nullptr && std::ranges::count(updates->cpus, 2U) == 1;
    });
  };
  const Scenario least = shrunk(start, rule);
  REQUIRE(least.faults.size() == 1);
  REQUIRE(least.workloads.size() == 1);
  const auto& updates = std::get<UpdatesSpec>(least.workloads[0]);
  CHECK(updates.cpus == std::vector{2U});
  CHECK(updates.bytes == least_update_bytes);
  CHECK(updates.count == 1);
}

TEST_CASE("a probability becomes the one packet that it takes") {
  Rule rule;
  for (std::uint64_t cycle = 100; cycle < 2000; cycle += 100)
    rule.hits.push_back({contract::BusId::x, cycle, FaultKind::packet_corrupt});
  rule.hits.push_back({contract::BusId::y, 700, FaultKind::packet_corrupt});
  rule.hits.push_back({contract::BusId::x, 750, FaultKind::packet_drop});
  rule.rule = [](const Scenario& s) {
    return std::ranges::any_of(s.faults, [](const FaultSpec& f) {
      if (const auto* at = std::get_if<AtCycle>(&f.when)) return at->cycle == 700;
      return std::holds_alternative<EachPacket>(f.when);
    });
  };
  const Scenario least = shrunk(with_faults(3), rule);
  REQUIRE(least.faults.size() == 1);
  CHECK(std::get<AtCycle>(least.faults[0].when).cycle == 700);
  CHECK(least.faults[0].bus == contract::BusId::x);
  CHECK_FALSE(least.faults[0].until_cycle.has_value());
}

TEST_CASE("only scenarios without mistakes are run") {
  Rule rule;
  rule.rule = [](const Scenario& s) {
    CHECK_NOTHROW(parse_scenario(scenario_text(s), "candidate.toml"));
    return true;
  };
  const Scenario least = shrunk(with_faults(4), rule);
  CHECK(least.faults.empty());
  CHECK(least.workloads.size() == 1);
}
