#include "check/cluster_watch.h"

#include <catch2/catch.hpp>

#include <string>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t interval = 1000;

/// Three CPUs, with these kinds of workload.
Scenario scenario(bool updates, bool membership) {
  Scenario scenario;
  scenario.system.cpus = 3;
  scenario.system.alive_interval_cycles = interval;
  if (updates) scenario.workloads.emplace_back(UpdatesSpec{});
  if (membership) scenario.workloads.emplace_back(MembershipSpec{});
  if (!updates && !membership) scenario.workloads.emplace_back(PingSpec{});
  return scenario;
}

struct Bench {
  ClusterWatch watch;
  Replica replicas[3];

  explicit Bench(const Scenario& scenario) : watch(scenario) {
    for (unsigned cpu = 0; cpu < 3; ++cpu) watch.begun(cpu, replicas[cpu]);
  }

  /// A CPU applies an update of CPU 1.
  void applied(unsigned cpu, std::uint64_t cycle, std::uint32_t number, std::uint32_t counter) {
    watch.event(cpu, {.cycle = cycle,
                      .kind = KernelEvent::update_applied,
                      .peer = {.cpu = 1},
                      .link = number,
                      .tag = counter});
  }
  void view(unsigned cpu, std::uint64_t cycle, std::uint32_t number) {
    watch.event(cpu, {.cycle = cycle, .kind = KernelEvent::view_changed, .link = number});
  }
  void down(unsigned cpu, std::uint64_t cycle, std::uint8_t peer) {
    watch.event(cpu, {.cycle = cycle, .kind = KernelEvent::cpu_down, .peer = {.cpu = peer}});
  }
  void up(unsigned cpu, std::uint64_t cycle, std::uint8_t peer) {
    watch.event(cpu, {.cycle = cycle, .kind = KernelEvent::cpu_up, .peer = {.cpu = peer}});
  }

  std::vector<CheckResult> checks(std::uint64_t end) {
    watch.finish(end);
    std::vector<CheckResult> checks;
    watch.add_checks(checks);
    return checks;
  }
  /// The detail of the one check that was made, and failed.
  std::string complaint(std::uint64_t end) {
    const auto made = checks(end);
    REQUIRE(made.size() == 1);
    REQUIRE_FALSE(watch.ok());
    REQUIRE_FALSE(made[0].ok);
    return made[0].name + ": " + made[0].detail;
  }
};

}  // namespace

TEST_CASE("without workloads of CPUs that come and go nothing is checked of them") {
  Bench bench(scenario(false, false));
  bench.applied(0, 10, 7, 9);
  bench.down(0, 20, 1);
  CHECK(bench.checks(100'000).empty());
  CHECK(bench.watch.ok());
  CHECK_FALSE(bench.watch.first_complaint());
}

TEST_CASE("updates that all apply in one order pass, and so do changes that are told") {
  Bench bench(scenario(true, true));
  for (unsigned cpu = 0; cpu < 3; ++cpu) bench.applied(cpu, 10 + cpu, 1, 1);
  bench.watch.off(2, 1000);
  for (const unsigned cpu : {0U, 1U}) {
    bench.view(cpu, 2000, 2);
    bench.down(cpu, 2000, 2);
    bench.watch.changes().told(cpu, 2, false, 2100);
  }
  const auto checks = bench.checks(100'000);
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].name == "replicas");
  CHECK(checks[1].name == "membership");
  CHECK(checks[0].ok);
  CHECK(checks[1].ok);
  CHECK(bench.watch.ok());
}

TEST_CASE("an update that a CPU leaves out is found from its kernel's events") {
  Bench bench(scenario(true, false));
  bench.applied(0, 10, 1, 1);
  bench.applied(0, 20, 3, 2);
  CHECK_THAT(bench.complaint(100), Contains("replicas: cycle 20: CPU 0 applies update 3 after 1"));
  CHECK(bench.watch.first_complaint() == 20U);
}

TEST_CASE("an update of another sender at the same place is found") {
  Bench bench(scenario(true, false));
  bench.applied(0, 10, 1, 1);
  bench.watch.event(2, {.cycle = 30,
                        .kind = KernelEvent::update_applied,
                        .peer = {.cpu = 2},
                        .link = 1,
                        .tag = 1});
  CHECK_THAT(bench.complaint(100), Contains("CPU 2 has update 1 of CPU 2 as number 1"));
}

TEST_CASE("an update that is applied by a CPU that is off is found") {
  Bench bench(scenario(true, false));
  bench.watch.off(1, 10);
  bench.applied(1, 20, 1, 1);
  CHECK_THAT(bench.complaint(100), Contains("CPU 1 applies update 1 while it is off"));
}

TEST_CASE("a CPU that was started again applies nothing before it is in a view") {
  Bench bench(scenario(true, false));
  bench.watch.off(1, 10);
  bench.watch.restarted(1, 20);
  bench.applied(1, 30, 1, 1);
  CHECK_THAT(bench.complaint(100), Contains("CPU 1 applies update 1 while it is in no view"));
}

TEST_CASE("a CPU that comes into a view begins with the tables that its replica says it has") {
  Bench bench(scenario(true, false));
  bench.watch.off(1, 10);
  bench.watch.restarted(1, 20);
  Replica loaded;
  bench.watch.begun(1, loaded);
  bench.view(1, 30, 2);
  bench.applied(1, 40, 1, 1);
  CHECK(bench.checks(100).at(0).ok);
}

TEST_CASE("a death that the others agree on too late is found from their events") {
  Bench bench(scenario(false, true));
  bench.watch.off(2, 1000);
  for (const unsigned cpu : {0U, 1U}) {
    bench.down(cpu, 1000 + 3 * interval + 1, 2);
    bench.watch.changes().told(cpu, 2, false, 5000);
  }
  CHECK_THAT(bench.complaint(5000), Contains("membership: cycle 4001: CPU 2 fell silent"));
  CHECK(bench.watch.first_complaint() == 4001U);
}

TEST_CASE("a return that not all agree on is found") {
  Bench bench(scenario(false, true));
  bench.watch.off(2, 1000);
  bench.watch.restarted(2, 1010);
  bench.view(2, 1100, 2);
  for (const unsigned cpu : {0U, 1U}) bench.down(cpu, 1100, 2);
  bench.up(0, 1200, 2);
  CHECK_THAT(bench.complaint(50'000), Contains("have not agreed on that at the end"));
}

TEST_CASE("a change of which no process is told is found") {
  Bench bench(scenario(false, true));
  bench.down(0, 1000, 2);
  CHECK_THAT(bench.complaint(2000),
             Contains("a process on CPU 0 was told of 0 changes of CPU 2, and its kernel had 1"));
}

TEST_CASE("with faults other than halts the times of changes are not judged") {
  Scenario more = scenario(false, true);
  more.faults.emplace_back().kind = FaultKind::bus_down;
  Bench bench(more);
  bench.watch.off(2, 1000);
  for (const unsigned cpu : {0U, 1U}) {
    bench.down(cpu, 90'000, 2);
    bench.watch.changes().told(cpu, 2, false, 90'100);
  }
  CHECK(bench.checks(100'000).at(0).ok);
}

TEST_CASE("the first of both checks' complaints is the first one") {
  Bench bench(scenario(true, true));
  bench.applied(0, 500, 2, 1);
  bench.watch.changes().told(0, 2, true, 300);
  bench.checks(1000);
  CHECK_FALSE(bench.watch.ok());
  CHECK(bench.watch.first_complaint() == 300U);
}

TEST_CASE("a CPU that halts as its tables differ is found, whatever the workload") {
  CHECK(concerns_cluster(KernelEvent::tables_differ));  // else a run would not tell of it
  Bench bench(scenario(false, false));
  CHECK(bench.watch.ok());
  bench.watch.event(1, {.cycle = 700, .kind = KernelEvent::tables_differ});
  CHECK_FALSE(bench.watch.ok());
  CHECK(bench.watch.first_complaint() == 700);
  std::vector<CheckResult> checks;
  bench.watch.add_checks(checks);
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].name == "replicas");
  CHECK_THAT(checks[0].detail, Contains("CPU 1"));
}
