// [chaos]: how it is read, and what it draws.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "chaos/draw.h"
#include "scenario/write.h"

using namespace xybus;
using Catch::Contains;

namespace {

// Lines 1 to 8; [chaos] is line 9.
const std::string machine = R"([system]
alive = "250 us"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 10
)";

Scenario chaos(const std::string& keys) {
  return parse_scenario(machine + "[chaos]\n" + keys, "s.toml");
}

std::string error_of(const std::string& keys) {
  try {
    chaos(keys);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

std::uint64_t start_of(const FaultSpec& fault) {
  if (const auto* at = std::get_if<AtCycle>(&fault.when)) return at->cycle;
  return std::get<EachPacket>(fault.when).after_cycle;
}

void check_detail(const FaultSpec& fault) {
  const FaultDetail& detail = fault.detail;
  switch (fault.kind) {
    case FaultKind::answer_corrupt:
      REQUIRE(detail.bits.size() == 1);
      CHECK(detail.bits[0] < 64);
      CHECK(detail.bits[0] % 16 < 4);  // four CPUs
      break;
    case FaultKind::bus_stuck_bit:
      CHECK(detail.wire < 32);
      CHECK(detail.level < 2);
      break;
    case FaultKind::partition:
      CHECK(detail.cpus.size() > 0);
      CHECK(detail.cpus.size() < 4);
      for (const unsigned cpu : detail.cpus) CHECK(cpu < 4);
      break;
    case FaultKind::bus_slow:
      CHECK(detail.cycles >= 1);
      CHECK(detail.cycles <= 255);
      break;
    case FaultKind::cpu_slow:
      CHECK(detail.factor >= 2);
      CHECK(detail.factor <= 20);
      break;
    case FaultKind::ram_flip:
      CHECK(detail.address < 262144);
      REQUIRE(detail.bits.size() == 1);
      CHECK(detail.bits[0] < 8);
      break;
    case FaultKind::register_upset:
      CHECK(detail.reg != contract::Register::id);
      REQUIRE(detail.bits.size() == 1);
      CHECK(detail.bits[0] < 32);
      break;
    case FaultKind::process_stop: CHECK(detail.process == "$A"); break;
    default: CHECK(detail == FaultDetail{}); break;
  }
}

/// What holds of every drawn fault.
void check_fault(const FaultSpec& fault, const ChaosSpec& spec) {
  CHECK(start_of(fault) < spec.until_cycle);
  if (fault.until_cycle) {
    CHECK(*fault.until_cycle > start_of(fault));
    CHECK(*fault.until_cycle <= spec.until_cycle);
    CHECK(*fault.until_cycle - start_of(fault) <= spec.most_duration);
  }
  if (is_node_fault(fault.kind)) {
    CHECK(std::ranges::count(spec.cpus, *fault.cpu) == 1);
  } else if (fault.kind == FaultKind::process_stop) {
    CHECK_FALSE(fault.bus);
  } else if (!fault.bus) {
    CHECK(fault.kind == FaultKind::partition);
    CHECK_FALSE(spec.single);
    CHECK(spec.buses.size() == 2);
  } else {
    CHECK(std::ranges::count(spec.buses, *fault.bus) == 1);
  }
  const bool ends = fault.until_cycle.has_value();
  if (fault.kind == FaultKind::cpu_halt) CHECK_FALSE(ends);
  if (!is_packet_fault(fault.kind) && fault.kind != FaultKind::cpu_halt)
    CHECK(ends != is_instant(fault.kind));
  if (fault.kind == FaultKind::cpu_restart)
    CHECK(*fault.until_cycle - start_of(fault) >= least_off_cycles);
  check_detail(fault);
}

}  // namespace

TEST_CASE("chaos has defaults for all but how many and until when") {
  const Scenario scenario = chaos("rate = 2\nuntil = \"5 ms\"\n");
  const ChaosSpec& spec = *scenario.chaos;
  CHECK(spec.kinds.size() == known_faults().size() - 8);
  for (const FaultKind kind :
       {FaultKind::ram_flip, FaultKind::register_upset, FaultKind::hostile_cpu,
        FaultKind::disk_dies, FaultKind::disk_read_error, FaultKind::disk_write_error,
        FaultKind::power_failure, FaultKind::process_stop})
    CHECK(std::ranges::count(spec.kinds, kind) == 0);
  CHECK(spec.rate == 2.0);
  CHECK(spec.single);
  CHECK(spec.until_cycle == 500'000);
  CHECK(spec.drain_cycles == 2'000'000);
  CHECK(spec.stable_cycles == 75'000);
  CHECK(spec.cpus == std::vector<unsigned>{0, 1, 2, 3});
  CHECK(spec.buses.size() == 2);
  CHECK(scenario.limit_cycles == 2'500'001);  // beyond until and drain
}

TEST_CASE("a mistake in chaos is reported with its line and what was expected") {
  const std::string good = "until = \"5 ms\"\nrate = 1\n";
  CHECK_THAT(error_of("rate = 1\n"), Contains("s.toml:9: chaos has no until; expected until = "));
  CHECK_THAT(error_of("until = \"5 ms\"\n"), Contains("s.toml:9: nothing says how many faults"));
  CHECK_THAT(error_of(good + "count = 3\n"), Contains("s.toml:12: count contradicts rate"));
  CHECK_THAT(error_of(good + "kinds = [\"bus-dwon\"]\n"),
             Contains("s.toml:12: unknown word \"bus-dwon\" in kinds, perhaps \"bus-down\"; "
                      "expected a list of one or more of packet-corrupt, "));
  CHECK_THAT(error_of(good + "kinds = []\n"), Contains("s.toml:12: kinds is empty"));
  CHECK_THAT(error_of(good + "kinds = [\"bus-down\", \"bus-down\"]\n"), Contains("word twice"));
  CHECK_THAT(error_of(good + "buses = [\"z\"]\n"), Contains("s.toml:12: unknown word \"z\""));
  CHECK_THAT(error_of(good + "cpus = [4]\n"), Contains("s.toml:12: cpus: there is no CPU 4"));
  CHECK_THAT(error_of(good + "tolerance = \"double\"\n"),
             Contains("s.toml:12: unknown tolerance \"double\"; expected single or any"));
  CHECK_THAT(error_of(good + "duration = [\"2 us\", \"1 us\"]\n"),
             Contains("s.toml:12: duration is 200 to 100 cycles; expected a list of two times"));
  CHECK_THAT(error_of(good + "duration = \"2 us\"\n"), Contains("s.toml:12: duration is a string"));
  CHECK_THAT(error_of("until = \"0 s\"\nrate = 1\n"), Contains("s.toml:10: until"));
  CHECK_THAT(error_of("until = \"100 us\"\nrate = 1\n"),
             Contains("s.toml:10: faults of up to 20000 cycles, until cycle 10000; expected a "
                      "later end, or a shorter duration"));
  CHECK_THAT(error_of("until = \"1 s\"\nrate = 1e6\n"), Contains("s.toml:11: rate"));
  CHECK_THAT(error_of(good + "rat = 3\n"), Contains("s.toml:12: unknown key \"rat\" in chaos"));
  CHECK_THAT(error_of(good + "[limits]\ntime = \"6 ms\"\n"),
             Contains("s.toml:13: time = \"6 ms\" comes before all has to be complete, at cycle "
                      "2500000"));
  CHECK_THAT(error_of(good + "[limits]\ncomplete_by = \"9 ms\"\n"),
             Contains("s.toml:9: chaos contradicts limits.complete_by"));
}

TEST_CASE("the seed alone decides what is drawn") {
  const Scenario scenario = chaos("count = 20\nuntil = \"50 ms\"\ntolerance = \"any\"\n");
  const std::string once = scenario_text(draw_chaos(scenario, 7));
  CHECK(once == scenario_text(draw_chaos(scenario, 7)));
  CHECK(once != scenario_text(draw_chaos(scenario, 8)));
  const Scenario drawn = draw_chaos(scenario, 7);
  CHECK_FALSE(drawn.chaos.has_value());
  CHECK(drawn.complete_by == 7'000'000u);
  CHECK(parse_scenario(once, "s.toml").faults.size() == drawn.faults.size());
}

TEST_CASE("half of the allowed kinds is drawn from in a run, all of them over many") {
  const Scenario scenario = chaos("count = 50\nuntil = \"50 ms\"\ntolerance = \"any\"\n");
  std::set<FaultKind> ever;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::set<FaultKind> kinds;
    for (const FaultSpec& fault : draw_chaos(scenario, seed).faults) kinds.insert(fault.kind);
    CHECK(kinds.size() <= 10);
    ever.insert(kinds.begin(), kinds.end());
  }
  CHECK(ever.size() == scenario.chaos->kinds.size());
}

TEST_CASE("single faults come one at a time and rest in between, halt one CPU at most") {
  const Scenario scenario = chaos("count = 9\nuntil = \"10 ms\"\nstable = \"750 us\"\n");
  std::size_t halts = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO(seed);
    const auto faults = draw_chaos(scenario, seed).faults;
    std::size_t here = 0;
    for (std::size_t i = 0; i < faults.size(); ++i) {
      check_fault(faults[i], *scenario.chaos);
      here += faults[i].kind == FaultKind::cpu_halt;
      if (i == 0) continue;
      const FaultSpec& before = faults[i - 1];
      CHECK(start_of(faults[i]) >= before.until_cycle.value_or(start_of(before)) + 75'000);
    }
    CHECK(here <= 1);
    halts += here;
  }
  CHECK(halts > 0);
}

TEST_CASE("a fault that silences a CPU for long is a halt: one with single, two of four with any") {
  const std::set<FaultKind> silencing{FaultKind::interrupt_lost, FaultKind::completion_delayed,
                                      FaultKind::cpu_slow,       FaultKind::babbling_node,
                                      FaultKind::forged_source,  FaultKind::bus_hog};
  constexpr std::uint64_t long_enough = 18'750;  // 0.75 of 250 us
  const std::string kinds =
      "kinds = [\"interrupt-lost\", \"completion-delayed\", \"cpu-slow\", \"babbling-node\", "
      "\"forged-source\", \"bus-hog\", \"cpu-halt\"]\n"
      "count = 12\nuntil = \"50 ms\"\nstable = \"750 us\"\n";
  const auto cpus_lost = [&](const Scenario& scenario, std::uint64_t seed) {
    std::vector<unsigned> lost;
    for (const FaultSpec& fault : draw_chaos(scenario, seed).faults) {
      const bool ends = fault.until_cycle.has_value();
      if (silencing.contains(fault.kind) && *fault.until_cycle - start_of(fault) < long_enough)
        continue;
      CHECK(ends == (fault.kind != FaultKind::cpu_halt));
      lost.push_back(*fault.cpu);
    }
    return lost;
  };
  std::size_t long_ones = 0, short_only = 0;
  for (const char* const tolerance : {"single", "any"}) {
    const std::string says = kinds + "tolerance = \"" + tolerance + "\"\n";
    const Scenario scenario = chaos(says + "duration = [\"100 us\", \"2 ms\"]\n");
    // None can be short: what is left when there may be no halt is nothing.
    const Scenario longer = chaos(says + "duration = [\"400 us\", \"2 ms\"]\n");
    const std::size_t most = scenario.chaos->single ? 1 : 2;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      INFO(tolerance << ' ' << seed);
      const auto lost = cpus_lost(scenario, seed);
      CHECK(lost.size() <= most);
      CHECK(std::set<unsigned>(lost.begin(), lost.end()).size() == lost.size());
      long_ones += !lost.empty();
      short_only += draw_chaos(scenario, seed).faults.size() > most;
      CHECK(draw_chaos(longer, seed).faults.size() <= most);
    }
  }
  CHECK(long_ones > 100);
  CHECK(short_only > 100);
}

TEST_CASE("what the scenario's own faults silence for long is not there for chaos to halt") {
  const auto halts = [](const std::string& until) {
    const Scenario scenario = parse_scenario(
        "[system]\ncpus = 3\nalive = \"250 us\"\n[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\n"
        "bytes = 1\ncount = 1\n[[fault]]\nkind = \"interrupt-lost\"\ncpu = 0\nat = \"10 us\"\n"
        "until = \"" + until + "\"\n[chaos]\nkinds = [\"cpu-halt\"]\ncount = 5\n"
        "until = \"50 ms\"\ntolerance = \"any\"\n",
        "s.toml");
    return draw_chaos(scenario, 1).faults.size() - scenario.faults.size();
  };
  CHECK(halts("197 us") == 1);
  CHECK(halts("198 us") == 0);
}

TEST_CASE("any faults overlap as they come, within until and among the named targets") {
  const Scenario scenario = chaos(
      "count = 40\nuntil = \"2 ms\"\ntolerance = \"any\"\ncpus = [1, 3]\nbuses = [\"y\"]\n"
      "duration = [\"10 us\", \"500 us\"]\n");
  bool overlap = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto faults = draw_chaos(scenario, seed).faults;
    std::size_t halts = 0;
    for (std::size_t i = 0; i < faults.size(); ++i) {
      check_fault(faults[i], *scenario.chaos);
      halts += faults[i].kind == FaultKind::cpu_halt;
      overlap = overlap || (i > 0 && faults[i - 1].until_cycle &&
                            *faults[i - 1].until_cycle > start_of(faults[i]));
    }
    CHECK(halts <= 2);  // two of four CPUs stay
  }
  CHECK(overlap);
}

// Of disks: see disk_scenario_test.
TEST_CASE("every kind but those of disks and processes can be drawn, and what is drawn can be written and read again") {
  std::string all;
  std::size_t kinds = 0;
  for (std::size_t i = 0; i < known_faults().size(); ++i) {
    const auto kind = FaultKind(i);
    if (is_disk_fault(kind) || kind == FaultKind::power_failure) continue;
    if (kind == FaultKind::process_stop) continue;  // wants names
    all += std::string("\"") + known_faults()[i].name + "\", ";
    ++kinds;
  }
  const Scenario scenario =
      chaos("count = 40\nuntil = \"50 ms\"\ntolerance = \"any\"\nnames = [\"$A\"]\nkinds = [" + all +
            "]\n");
  std::set<FaultKind> ever;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Scenario drawn = draw_chaos(scenario, seed);
    for (const FaultSpec& fault : drawn.faults) {
      check_fault(fault, *scenario.chaos);
      ever.insert(fault.kind);
    }
    const auto again = parse_scenario(scenario_text(drawn), "s.toml").faults;
    REQUIRE(again.size() == drawn.faults.size());
    for (std::size_t i = 0; i < again.size(); ++i) CHECK(again[i].detail == drawn.faults[i].detail);
  }
  CHECK(ever.size() == kinds);
}

TEST_CASE("a rate is the mean number of faults in a millisecond") {
  const Scenario scenario =
      chaos("rate = 2.5\nuntil = \"8 ms\"\ntolerance = \"any\"\nkinds = [\"packet-drop\"]\n");
  std::size_t sum = 0;
  constexpr std::uint64_t seeds = 400;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    sum += draw_chaos(scenario, seed).faults.size();
  CHECK(double(sum) / seeds == Approx(20).epsilon(0.1));
}

TEST_CASE("drawn faults stand behind those of the scenario") {
  const Scenario scenario = parse_scenario(
      machine + "[[fault]]\nkind = \"cpu-halt\"\ncpu = 2\nat = \"1 us\"\n"
                "[chaos]\nkinds = [\"cpu-halt\"]\ncount = 5\nuntil = \"1 ms\"\n"
                "tolerance = \"any\"\n",
      "s.toml");
  const auto faults = draw_chaos(scenario, 1).faults;
  REQUIRE(faults.size() == 2);  // two of four CPUs stay
  CHECK(faults[0].cpu == 2u);
  CHECK(faults[1].cpu != 2u);
}

TEST_CASE("CPUs that restart are off long enough, and are not those that stay halted") {
  const Scenario scenario = parse_scenario(
      machine + "[[fault]]\nkind = \"cpu-halt\"\ncpu = 2\nat = \"1 us\"\n"
                "[chaos]\nkinds = [\"cpu-restart\"]\ncount = 30\nuntil = \"200 us\"\n"
                "duration = [\"10 cycles\", \"5000 cycles\"]\ntolerance = \"any\"\n",
      "s.toml");
  std::set<unsigned> cpus;
  std::size_t shortest = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto faults = draw_chaos(scenario, seed).faults;
    REQUIRE(faults.size() == 31);
    for (std::size_t i = 1; i < faults.size(); ++i) {
      check_fault(faults[i], *scenario.chaos);
      cpus.insert(*faults[i].cpu);
      shortest += *faults[i].until_cycle - start_of(faults[i]) == least_off_cycles;
    }
  }
  CHECK(cpus == std::set<unsigned>{0, 1, 3});
  CHECK(shortest > 0);
}
