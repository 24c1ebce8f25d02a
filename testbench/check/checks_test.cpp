// What explains that a CPU leaves the view, and for how long.
#include "run/checks.h"

#include <catch2/catch.hpp>

#include <string>

using namespace xybus;
using contract::BusId;

namespace {

constexpr std::uint64_t interval = 1000;

Scenario scenario() {
  Scenario its;
  its.system.cpus = 4;
  its.system.alive_interval_cycles = interval;
  return its;
}

struct Bench {
  Scenario of = scenario();
  RunOptions options;
  Checks checks{of, options};

  void fault(FaultKind kind, bool on, std::uint64_t cycle, std::optional<BusId> bus = {}) {
    FaultSpec spec;
    spec.kind = kind;
    if (bus) spec.bus = bus;
    else spec.cpu = 3;
    checks.fault(spec, on, cycle);
  }
  /// The others go on without CPU 3. Gives what is complained about.
  std::string leave(std::uint64_t cycle) {
    for (unsigned cpu = 0; cpu < 3; ++cpu) {
      KernelEvent event;
      event.cycle = cycle;
      event.kind = KernelEvent::view_changed;
      event.link = 2;
      event.tag = 0b0111;
      checks.membership(cpu, event);
    }
    for (const CheckResult& each : checks.results({}, {})) {
      if (each.name == "views" && !each.ok) return each.detail;
    }
    return {};
  }
};

const std::string unexplained =
    "CPU 3 has left the view (number 2, 0x7), and nothing was done to it";

bool complains(const std::string& detail) {
  return detail.find(unexplained) != std::string::npos;
}

}  // namespace

TEST_CASE("a fault of a CPU explains that it leaves while it holds, and four intervals longer") {
  Bench bench;
  bench.fault(FaultKind::cpu_slow, true, 100);
  SECTION("while it holds") { CHECK_FALSE(complains(bench.leave(1'000'000))); }
  SECTION("while another one holds") {
    bench.fault(FaultKind::interrupt_lost, true, 150);
    bench.fault(FaultKind::cpu_slow, false, 200);
    CHECK_FALSE(complains(bench.leave(1'000'000)));
  }
  SECTION("shortly behind its end") {
    bench.fault(FaultKind::cpu_slow, false, 200);
    CHECK_FALSE(complains(bench.leave(200 + 4 * interval)));
  }
  SECTION("and no longer") {
    bench.fault(FaultKind::cpu_slow, false, 200);
    CHECK(complains(bench.leave(201 + 4 * interval)));
  }
}

TEST_CASE("so does a node's misdeed") {
  Bench bench;
  bench.checks.rogue(3, true, 100);
  bench.checks.rogue(3, false, 200);
  SECTION("shortly behind its end") { CHECK_FALSE(complains(bench.leave(200 + 4 * interval))); }
  SECTION("and no longer") { CHECK(complains(bench.leave(201 + 4 * interval))); }
}

TEST_CASE("so do two dead controllers") {
  Bench bench;
  bench.fault(FaultKind::controller_dead, true, 100, BusId::x);
  bench.fault(FaultKind::controller_dead, true, 110, BusId::y);
  SECTION("while both are") { CHECK_FALSE(complains(bench.leave(1'000'000))); }
  SECTION("shortly behind the end") {
    bench.fault(FaultKind::controller_dead, false, 200, BusId::y);
    CHECK_FALSE(complains(bench.leave(200 + 4 * interval)));
  }
  SECTION("and no longer") {
    bench.fault(FaultKind::controller_dead, false, 200, BusId::y);
    CHECK(complains(bench.leave(201 + 4 * interval)));
  }
}

TEST_CASE("a CPU that was off may leave for four intervals after its return") {
  for (const bool late : {false, true}) {
    Bench bench;
    bench.checks.halted(3, 100);
    bench.checks.restarted(3, 500);
    KernelEvent back;
    back.cycle = 600;
    back.kind = KernelEvent::view_changed;
    back.tag = 0b1111;
    back.link = 2;
    for (unsigned cpu = 0; cpu < 4; ++cpu) bench.checks.membership(cpu, back);
    KernelEvent gone = back;
    gone.cycle = 500 + 4 * interval + (late ? 1 : 0);
    gone.link = 3;
    gone.tag = 0b0111;
    for (unsigned cpu = 0; cpu < 3; ++cpu) bench.checks.membership(cpu, gone);
    bool good = true;
    for (const CheckResult& each : bench.checks.results({}, {})) {
      if (each.name == "views") good = each.ok;
    }
    CHECK(good != late);
  }
}

TEST_CASE("flipped bits explain for good that a CPU leaves") {
  Bench bench;
  bench.fault(FaultKind::ram_flip, true, 100);
  CHECK_FALSE(complains(bench.leave(1'000'000'000)));
}
