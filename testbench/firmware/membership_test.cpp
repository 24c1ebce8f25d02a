// Membership on several kernels and the contract fabric.

#include "firmware/membership/membership.h"

#include <algorithm>
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
  CHECK(std::ranges::all_of(rig.log, [](const auto& logged) {
    return logged.event.kind == KernelEvent::process_created;
  }));
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

TEST_CASE("two CPUs that die at once leave the view together within three intervals") {
  Rig rig(6, alive);
  rig.run(5 * interval);
  rig.node(0).halt();
  rig.node(3).halt();
  const std::uint64_t halted = rig.node(1).now();
  rig.run(4 * interval);
  CHECK(agreed_at(rig, 0b110110) - halted <= 3 * interval);
  CHECK(rig.count(1, KernelEvent::view_changed) == 1);
  check_views(rig);
}

namespace {

/// What the engine of `cpu` holds for down now: bits of bus X, then of bus Y.
std::array<std::uint32_t, 2> paths_down(Rig& rig, unsigned cpu) {
  std::array<std::uint32_t, 2> down{};
  rig.on_cpu(cpu, [&] {
    down = {rig.node(cpu).read(contract::Register::path_down_x),
            rig.node(cpu).read(contract::Register::path_down_y)};
  });
  return down;
}
using Paths = std::array<std::uint32_t, 2>;

}  // namespace

TEST_CASE("with one bus lost nobody leaves the view, and its paths come back with it") {
  Rig rig(4, alive);
  rig.run(3 * interval);
  for (const bool x : {true, false}) {
    rig.fabric().bus_down = {x, !x};
    rig.run(20 * interval);
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      CHECK(rig.kernel(cpu).membership().operational());
      CHECK(paths_down(rig, cpu) == (x ? Paths{0xf, 0} : Paths{0, 0xf}));
    }
    rig.fabric().bus_down = {};
    rig.run(2 * interval);
    for (unsigned cpu = 0; cpu < 4; ++cpu) CHECK(paths_down(rig, cpu) == Paths{0, 0});
  }
  CHECK(std::none_of(rig.log.begin(), rig.log.end(), [](const Rig::Logged& logged) {
    return logged.event.kind == KernelEvent::view_changed;
  }));
}

TEST_CASE("of a divided machine the larger part goes on, and the smaller one halts") {
  Rig rig(5, alive);
  rig.run(5 * interval);
  divide(rig, 0b00011);
  rig.run(6 * interval);
  for (const unsigned cpu : {0, 1}) {
    CHECK(rig.kernel(cpu).halted());
    CHECK(rig.count(cpu, KernelEvent::minority) == 1);
  }
  CHECK(agreed_at(rig, 0b11100) != xybus::hal::never);
  for (const unsigned cpu : {2, 3, 4}) CHECK(rig.kernel(cpu).membership().operational());
}

TEST_CASE("of two equal parts the one with the lowest CPU of the view goes on") {
  Rig rig(4, alive);
  rig.run(5 * interval);
  divide(rig, 0b1001);
  rig.run(6 * interval);
  CHECK(agreed_at(rig, 0b1001) != xybus::hal::never);
  CHECK(rig.kernel(0).membership().operational());
  CHECK(rig.kernel(3).membership().operational());
  CHECK(rig.count(1, KernelEvent::minority) == 1);
  CHECK(rig.count(2, KernelEvent::minority) == 1);
}

TEST_CASE("half of the view without its lowest CPU halts, though the others are dead") {
  // It cannot know that they are.
  Rig rig(2, alive);
  rig.run(5 * interval);
  rig.node(0).halt();
  rig.run(4 * interval);
  CHECK(rig.kernel(1).halted());
}

TEST_CASE("a CPU that does not hear itself halts, and the others go on without it") {
  Rig rig(4, alive);
  rig.run(5 * interval);
  rig.node(2).deaf_to = 1U << 2;  // the others it does hear, and they it
  rig.run(5 * interval);
  CHECK(rig.kernel(2).halted());
  CHECK(rig.count(2, KernelEvent::own_bus_failed) == 1);
  CHECK(agreed_at(rig, 0b1011) != xybus::hal::never);
}

TEST_CASE("a halted CPU's engine is off") {
  Rig rig(2, alive);
  rig.run(5 * interval);
  rig.node(1).deaf_to = 0b11;
  std::uint32_t at_halt = ~0U;
  rig.run(4 * interval);
  REQUIRE(rig.kernel(1).halted());
  at_halt = static_cast<std::uint32_t>(rig.node(1).packets_sent);
  rig.run(4 * interval);
  CHECK(rig.node(1).packets_sent == at_halt);
}

TEST_CASE("a CPU that nobody hears but that hears all is told so, acts no more, and halts") {
  Rig rig(4, alive);
  rig.run(5 * interval);
  for (const unsigned cpu : {0, 1, 3}) rig.node(cpu).deaf_to = 1U << 2;
  bool acted_apart = false;
  for (unsigned step = 0; step < 400; ++step) {
    rig.run(interval / 100);
    const auto& two = rig.kernel(2).membership();
    const auto& one = rig.kernel(1).membership();
    acted_apart |= !rig.kernel(2).halted() && two.operational() && one.operational() &&
                   two.view().number != one.view().number;
  }
  CHECK_FALSE(acted_apart);
  CHECK(agreed_at(rig, 0b1011) != xybus::hal::never);
  for (const unsigned cpu : {0, 1, 3}) rig.node(cpu).deaf_to = 0;
  rig.run(2 * interval);
  CHECK(rig.kernel(2).halted());
  CHECK(rig.count(2, KernelEvent::poisoned) == 1);
}

TEST_CASE("two CPUs that do not hear each other: one of them leaves, the rest stays together") {
  Rig rig(4, alive);
  rig.run(5 * interval);
  rig.node(1).deaf_to = 1U << 3;
  rig.node(3).deaf_to = 1U << 1;
  rig.run(5 * interval);
  CHECK(agreed_at(rig, 0b0111) != xybus::hal::never);
  CHECK(rig.kernel(3).halted());
}

TEST_CASE("a CPU that restarts before it is missed leaves the view and comes back") {
  Rig rig(3, alive);
  rig.run(5 * interval);
  rig.node(1).halt();
  rig.run(10);
  rig.restart(1, 1);
  rig.run(interval);
  CHECK(agreed_at(rig, 0b111) != xybus::hal::never);
  CHECK(rig.count(0, KernelEvent::cpu_down) == 1);
  CHECK(rig.count(0, KernelEvent::cpu_up) == 1);
  CHECK(rig.kernel(0).membership().accepts(1, 1));
  CHECK_FALSE(rig.kernel(0).membership().accepts(1, 0));
  CHECK(rig.kernel(1).membership().view().number == 3);
  check_views(rig);
}

TEST_CASE("a CPU that comes back serves again, and its old links are gone") {
  Rig rig(3, alive);
  bool told = false;
  const Process& server = rig.create(0, 150, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const Request old = co_await next_request(messages, self);
    co_await self.wait(EventBit::lcan);
    told = true;
    CHECK_AWAIT(messages.writelink(self, old.link, {}), Error::nothing_outstanding);
    co_await echo_server(messages, self);
  });
  rig.create(1, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(1), self, rig.address(0, server), {}, 0);
  });
  rig.run(3 * interval);
  CHECK(rig.count(0, KernelEvent::link_listened) == 1);
  rig.node(1).halt();
  rig.run(4 * interval);
  CHECK(told);
  rig.restart(1, 1);
  const ProcessAddress fresh = rig.address(1, rig.create_echo(1));
  Exchange there, back;
  rig.create(1, 100, [&](Process& self) -> Task<> {
    while (!rig.kernel(1).membership().up(0)) co_await self.wait(EventBit::pon);
    const Bytes request = pattern(8, 1000);
    there = co_await exchange(rig.messages(1), self, rig.address(0, server), request, 500, 500);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    while (!rig.kernel(0).membership().up(1)) co_await self.wait(EventBit::pon);
    const Bytes request = pattern(9, 1000);
    back = co_await exchange(rig.messages(0), self, fresh, request, 500, 500);
  });
  rig.run(6 * interval);
  CHECK(there.reply == answer_to(pattern(8, 1000), 500));
  CHECK(back.reply == answer_to(pattern(9, 1000), 500));
}

TEST_CASE("a CPU that has not joined yet knows of nobody and is heard by nobody") {
  Rig rig(3, alive);
  rig.run(interval);
  rig.node(2).halt();
  rig.run(4 * interval);
  divide(rig, 0b011);
  rig.restart(2, 1);
  Exchange alone;
  rig.create(2, 100, [&](Process& self) -> Task<> {
    alone = co_await exchange(rig.messages(2), self, {0, 3}, {}, 0);
  });
  rig.run(4 * interval);
  CHECK(rig.kernel(2).membership().up_mask() == 0b100);
  CHECK_FALSE(rig.kernel(2).membership().operational());
  CHECK(alone.link_error == Error::path_down);
  CHECK(rig.kernel(0).membership().up_mask() == 0b011);
  divide(rig, 0);
  for (unsigned cpu = 0; cpu < 3; ++cpu) rig.node(cpu).deaf_to = 0;
  rig.run(2 * interval);
  CHECK(agreed_at(rig, 0b111) != xybus::hal::never);
}

TEST_CASE("membership packets leave even when every packet buffer is stuck") {
  Rig rig(3, [](KernelConfig& config) {
    alive(config);
    config.port.packet_buffers = 2;
    config.port.windows = 2;
  });
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    Bytes data(asked.length);
    co_await rig.messages(1).readlink(self, asked.link, data);
  }));
  rig.node(1).busy_data = true;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request(5000);
    for (int i = 0; i < 20; ++i) CHECK(rig.messages(0).link(self, server, request, {}));
    co_await self.wait(EventBit::pon);
  });
  rig.run(20 * interval);
  CHECK(rig.kernel(0).membership().alives_left_out() == 0);
  for (unsigned cpu = 0; cpu < 3; ++cpu) CHECK(rig.kernel(cpu).membership().operational());
}

TEST_CASE("without I'm-alives everybody is up for ever") {
  Rig rig(2);
  rig.run(2'000'000);
  rig.node(1).halt();
  rig.run(2'000'000);
  CHECK(rig.kernel(0).membership().up(1));
  CHECK(rig.kernel(0).membership().operational());
  CHECK(rig.kernel(0).membership().accepts(1, 7));
  CHECK(rig.node(0).packets_sent == 0);
}

// The coordinator, CPU 0, dies over the leaving of CPU 3: at each moment of some 20,000 cycles.
TEMPLATE_TEST_CASE_SIG("when the coordinator dies at any stage the next one sees to it", "",
                       ((unsigned Step), Step), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) {
  Rig rig(5, alive);
  rig.run(5 * interval);
  rig.node(3).halt();
  // CPU 3's last I'm-alive went out at 4.8 intervals, so it is silent at 7.175.
  rig.run(interval * 2175 / 1000 + 100 + 120 * Step);
  rig.node(0).halt();
  const std::uint64_t halted = rig.node(1).now();
  rig.run(5 * interval);
  const std::uint64_t agreed = agreed_at(rig, 0b10110);
  REQUIRE(agreed != xybus::hal::never);
  CHECK(agreed - halted <= 3 * interval);
  check_views(rig);
}
