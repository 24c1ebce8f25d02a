// Membership on several kernels and the contract fabric.

#include "firmware/membership/membership.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <vector>

#include "rig.h"

using namespace firmware_test;
using xybus::CpuMask;
using xybus::all_cpus;
using xybus::has;

namespace {

constexpr std::uint64_t interval = 100'000;
void alive(KernelConfig& config) { config.alive_interval = interval; }

std::uint64_t cycle_of(const Rig& rig, unsigned cpu, KernelEvent::Kind kind) {
  for (const auto& logged : rig.log) {
    if (logged.cpu == cpu && logged.event.kind == kind) return logged.event.cycle;
  }
  return xybus::hal::never;
}

/// The cycle in which the last CPU of `cpus` came to the view that is all of them; never if one is
/// in another view.
std::uint64_t agreed_at(Rig& rig, CpuMask cpus) {
  std::uint64_t last = 0;
  for (unsigned cpu = 0; cpu < rig.fabric().size(); ++cpu) {
    if (!has(cpus, cpu)) continue;
    if (rig.kernel(cpu).membership().view().members.mask != cpus) return xybus::hal::never;
    for (const auto& logged : rig.log) {
      if (logged.cpu == cpu && logged.event.kind == KernelEvent::view_changed) {
        last = std::max(last, logged.event.cycle);
      }
    }
  }
  return last;
}

/// No two views of one number differ.
void check_views(const Rig& rig) {
  std::map<std::uint32_t, std::uint32_t> views;
  for (const auto& [cpu, event] : rig.log) {
    if (event.kind != KernelEvent::view_changed) continue;
    const auto [at, fresh] = views.emplace(event.link, event.tag);
    CHECK(at->second == event.tag);
  }
}

/// Each cut off from all CPUs of the other part.
void divide(Rig& rig, CpuMask part) {
  const CpuMask all = all_cpus(rig.fabric().size());
  for (unsigned cpu = 0; cpu < rig.fabric().size(); ++cpu) {
    rig.node(cpu).deaf_to = has(part, cpu) ? all & ~part : part;
  }
}

}  // namespace

TEST_CASE("CPUs that have nothing to say to each other stay up") {
  Rig rig(4, alive);
  rig.run(100 * interval);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    CHECK(rig.kernel(cpu).membership().up_mask() == 0xf);
    CHECK(rig.kernel(cpu).membership().view().number == 1);
    CHECK(rig.kernel(cpu).membership().operational());
    CHECK(rig.node(cpu).packets_sent >= 99 * 2);  // one by each bus, to all CPUs
    CHECK(rig.node(cpu).packets_sent <= 101 * 2);
    CHECK(rig.kernel(cpu).membership().alives_left_out() == 0);
  }
  CHECK(rig.log.empty());
}

namespace {

/// Kills CPUs at eight points between two of their I'm-alives, from just after one on, and has each
/// come back. Gives the longest time from a
/// death to the agreed view, and from a restart to that, in cycles.
struct Spans {
  std::uint64_t leaving = 0, joining = 0;
};
Spans kill_in_turn(unsigned cpus) {
  Rig rig(cpus, alive);
  Spans spans;
  std::vector<std::uint8_t> epochs(cpus);
  rig.run(3 * interval);
  for (unsigned phase = 0; phase < 8; ++phase) {
    const unsigned victim = cpus == 2 ? 1 : phase * 5 % cpus;
    INFO(cpus << " CPUs, CPU " << victim << " at phase " << phase << "/8");
    const CpuMask rest = all_cpus(cpus) & ~xybus::bit_of(victim);
    const std::uint64_t sends_at = interval * (victim + 1) / cpus;
    const std::uint64_t over = rig.node(0).now() % interval;
    rig.run(3 * interval - over + sends_at + phase * interval / 8 + 500);
    const std::uint64_t halted = rig.node(0).now();
    rig.node(victim).halt();
    rig.run(4 * interval);
    const std::uint64_t left = agreed_at(rig, rest);
    REQUIRE(left != xybus::hal::never);
    CHECK(left - halted <= 3 * interval);
    spans.leaving = std::max(spans.leaving, left - halted);
    const std::uint64_t back = rig.node(0).now();
    rig.restart(victim, ++epochs[victim]);
    rig.run(4 * interval);
    const std::uint64_t joined = agreed_at(rig, all_cpus(cpus));
    REQUIRE(joined != xybus::hal::never);
    spans.joining = std::max(spans.joining, joined - back);
    CHECK(rig.kernel(victim).membership().operational());
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
      CHECK(rig.kernel(cpu).membership().epoch_of(victim) == epochs[victim]);
      CHECK(rig.kernel(cpu).membership().view().number == 3 + 2 * phase);
    }
  }
  check_views(rig);
  return spans;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("a CPU that falls silent leaves the view within three intervals and can "
                       "come back to it", "", ((unsigned Cpus), Cpus), 2, 3, 4, 5, 8, 12, 16) {
  const Spans spans = kill_in_turn(Cpus);
  std::printf("%u CPUs: left after at most %.3f, back after at most %.3f intervals\n", Cpus,
              double(spans.leaving) / interval, double(spans.joining) / interval);
}
