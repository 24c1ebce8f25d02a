// Scenarios at random: both fabrics agree on them, and no way to evaluate the RTL changes a result.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "command_run.h"
#include "random_scenario.h"
#include "scenario/write.h"

using namespace xybus;
using namespace xybus::test;

namespace {

void check_compare(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t number = first; number <= last; ++number) {
    const std::string text = scenario_text(random_scenario(number));
    const PlainRun run = run_plain(fmt::format("compare '{}' --seed {} --quiet --out '{}'",
                                             scenario_file(text), number, fresh_directory()));
    INFO(text << run.output << run.errors);
    CHECK(run.status == 0);
  }
}

// Which links are broken under faults, and which of these the other run makes at all, timing
// decides: no rule of the comparison covers both at once.
constexpr const char* unbroken = " --set workload.3.cancels=0";

}  // namespace

TEST_CASE("both fabrics agree on random scenarios 1 to 50") { check_compare(1, 50); }
TEST_CASE("both fabrics agree on random scenarios 51 to 100") { check_compare(51, 100); }
TEST_CASE("both fabrics agree on random scenarios 101 to 150") { check_compare(101, 150); }
TEST_CASE("both fabrics agree on random scenarios 151 to 200") { check_compare(151, 200); }

TEST_CASE("both fabrics agree on all shipped scenarios") {
  for (const char* name : {"ping", "stream", "one-bus", "all-to-all", "bus-x-dies", "noisy-bus",
                           "cpu-dies", "rogue-node", "chaos"}) {
    const bool chaos = std::string(name) == "chaos";
    const PlainRun run = run_plain(fmt::format("compare '{}' --quiet --out '{}'{}", shipped(name),
                                             fresh_directory(), chaos ? unbroken : ""));
    INFO(name << ": " << run.output << run.errors);
    CHECK(run.status == 0);
  }
}

TEST_CASE("both fabrics agree under drawn faults") {
  for (unsigned seed = 2; seed <= 6; ++seed) {
    const PlainRun run = run_plain(fmt::format("compare '{}' --seed {} --quiet --out '{}'{}",
                                             shipped("chaos"), seed, fresh_directory(), unbroken));
    INFO("seed " << seed << ": " << run.output << run.errors);
    CHECK(run.status == 0);
  }
}

TEST_CASE("bursts, skipping and waveforms change no result of 50 random scenarios") {
  for (std::uint64_t number = 1; number <= 50; ++number) {
    const std::string file = scenario_file(scenario_text(random_scenario(number, {4, true})));
    const CommandRun plain = run_command(file);
    INFO("random scenario " << number << '\n' << plain.errors);
    REQUIRE(plain.status == 0);
    for (const char* manner : {"--no-skip", "--no-bursts --no-skip", "--wave=0:2000"}) {
      INFO(manner);
      CHECK(run_command(file, manner).summary["digest"] == plain.summary["digest"]);
    }
  }
}

TEST_CASE("bursts and skipping change no result of 50 random scenarios on tlm") {
  for (std::uint64_t number = 1; number <= 50; ++number) {
    const std::string file = scenario_file(scenario_text(random_scenario(number)));
    const CommandRun plain = run_command(file, "--fabric tlm");
    INFO("random scenario " << number << '\n' << plain.errors);
    REQUIRE(plain.status == 0);
    CHECK(run_command(file, "--fabric tlm --no-bursts --no-skip").summary["digest"] ==
          plain.summary["digest"]);
  }
}
