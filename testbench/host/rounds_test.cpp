// The restarts of a membership workload: what is drawn, and what must hold of it.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <string>

#include "chaos/draw.h"
#include "chaos/rounds.h"
#include "scenario/write.h"

using namespace xybus;

namespace {

constexpr std::uint64_t interval = 25'000;

Scenario membership(unsigned cpus, const std::string& keys = "") {
  return parse_scenario("[system]\nalive = \"250 us\"\ncpus = " + std::to_string(cpus) +
                            "\n[[workload]]\nkind = \"membership\"\nrounds = 40\n"
                            "off = [\"2 us\", \"5 ms\"]\nstable = \"500 us\"\n" + keys,
                        "s.toml");
}

std::uint64_t start_of(const FaultSpec& fault) { return std::get<AtCycle>(fault.when).cycle; }

/// CPUs that are off at a cycle, or were up to `after` cycles before.
std::uint32_t away(const Scenario& drawn, std::uint64_t cycle, std::uint64_t after) {
  std::uint32_t mask = 0;
  for (const FaultSpec& fault : drawn.faults) {
    if (start_of(fault) <= cycle && cycle < *fault.until_cycle + after) mask |= 1U << *fault.cpu;
  }
  return mask;
}

}  // namespace

TEST_CASE("rounds are drawn from the seed, all of them, and none is left to be drawn") {
  const Scenario scenario = membership(6);
  const Scenario drawn = draw_rounds(scenario, 3);
  CHECK(drawn == draw_rounds(scenario, 3));
  CHECK_FALSE(drawn == draw_rounds(scenario, 4));
  CHECK(drawn.faults.size() == 40);
  CHECK(draw_chaos(scenario, 3) == drawn);
  CHECK(draw_rounds(drawn, 5) == drawn);
  CHECK(scenario_text(parse_scenario(scenario_text(drawn), "s.toml")) == scenario_text(drawn));
}

TEST_CASE("a round takes a CPU that is on, for a time in its limits, and the next one is later") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Scenario drawn = draw_rounds(membership(6), seed);
    std::uint64_t last = 0, end = 0;
    for (const FaultSpec& fault : drawn.faults) {
      CHECK(fault.kind == FaultKind::cpu_restart);
      CHECK(start_of(fault) >= last + 50'000);
      CHECK((away(drawn, start_of(fault) - 1, 0) >> *fault.cpu & 1) == 0);
      const std::uint64_t off = *fault.until_cycle - start_of(fault);
      CHECK(off >= 200);
      CHECK(off <= 500'000);
      last = start_of(fault);
      end = std::max(end, *fault.until_cycle);
    }
    CHECK(std::get<MembershipSpec>(drawn.workloads[0]).until_cycle == end + 6 * interval);
    CHECK(drawn.limit_cycles > end + 10 * interval);
  }
}

TEST_CASE("those that are left are a quorum of any view there can be, unless all may be off") {
  for (const unsigned cpus : {2U, 3U, 4U, 5U, 16U}) {
    unsigned most = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      const Scenario drawn = draw_rounds(membership(cpus), seed);
      for (const FaultSpec& fault : drawn.faults) {
        const auto mask = away(drawn, start_of(fault), 4 * interval);
        const auto gone = static_cast<unsigned>(std::popcount(mask));
        CHECK((2 * gone < cpus || (2 * gone == cpus && (mask & 1) == 0)));
        most = std::max(most, gone);
      }
    }
    CHECK(most == (cpus == 16 ? most : cpus / 2));  // as many as there may be
  }
}

TEST_CASE("with all, all may be off at once") {
  bool all_off = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Scenario drawn = draw_rounds(membership(3, "all = true\n"), seed);
    for (const FaultSpec& fault : drawn.faults) {
      all_off = all_off || away(drawn, start_of(fault), 0) == 7;
    }
  }
  CHECK(all_off);
}
