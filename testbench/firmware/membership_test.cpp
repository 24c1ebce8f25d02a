#include "firmware/membership/membership.h"

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;

namespace {

constexpr std::uint64_t interval = 20'000;
void alive(KernelConfig& config) { config.alive_interval = interval; }

std::uint64_t cycle_of(const Rig& rig, unsigned cpu, KernelEvent::Kind kind) {
  for (const auto& logged : rig.log) {
    if (logged.cpu == cpu && logged.event.kind == kind) return logged.event.cycle;
  }
  return xybus::hal::never;
}

}  // namespace

TEST_CASE("CPUs that have nothing to say to each other stay up") {
  Rig rig(4, alive);
  rig.run(100 * interval);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    CHECK(rig.kernel(cpu).membership().up_mask() == 0xf);
    CHECK(rig.node(cpu).packets_sent >= 99 * 4);  // to each CPU, itself included
    CHECK(rig.node(cpu).packets_sent <= 101 * 4);
  }
}

TEST_CASE("a CPU that falls silent is declared down by all others within three intervals") {
  Rig rig(4, alive);
  rig.run(10 * interval);
  rig.node(2).halt();
  const std::uint64_t halted = rig.node(0).now();
  rig.run(10 * interval);
  for (const unsigned cpu : {0, 1, 3}) {
    CHECK(rig.kernel(cpu).membership().up_mask() == 0xb);
    CHECK(cycle_of(rig, cpu, KernelEvent::cpu_down) <= halted + 3 * interval);
    CHECK(rig.count(cpu, KernelEvent::cpu_down) == 1);
  }
}

TEST_CASE("a CPU that hears us but that we do not hear is declared down for its silence") {
  Rig rig(2, alive);
  rig.run(10 * interval);
  rig.node(0).deaf_to = 1U << 1;  // and so CPU 1 finds no way to CPU 0 either
  rig.run(10 * interval);
  CHECK_FALSE(rig.kernel(0).membership().up(1));
  CHECK_FALSE(rig.kernel(1).membership().up(0));
}

TEST_CASE("a CPU once declared down is not heard again before it restarts") {
  Rig rig(2, alive);
  const ProcessAddress server = rig.address(0, rig.create_echo(0));
  rig.run(5 * interval);
  rig.kernel(0).membership().declare_down(1, Error::path_down);
  Exchange result;
  bool ended = false;
  rig.create(1, 100, [&](Process& self) -> Task<> {
    result = co_await exchange(rig.messages(1), self, server, {}, 0);
    ended = true;
  });
  rig.run(10 * interval);
  CHECK(rig.count(0, KernelEvent::link_queued) == 0);
  REQUIRE(ended);  // CPU 1 sees that CPU 0 is silent
  CHECK(result.completion.error == Error::cpu_failed);
}

TEST_CASE("a CPU that restarts with a new epoch is up again, and its old links are gone") {
  Rig rig(2, alive);
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
  rig.run(5 * interval);
  CHECK(rig.count(0, KernelEvent::link_listened) == 1);
  rig.node(1).halt();
  rig.run(10 * interval);
  CHECK(told);
  rig.restart(1, 1);
  const ProcessAddress fresh = rig.address(1, rig.create_echo(1));
  Exchange there, back;
  rig.create(1, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(8, 1000);
    there = co_await exchange(rig.messages(1), self, rig.address(0, server), request, 500, 500);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await self.wait({}, 4 * interval);
    const Bytes request = pattern(9, 1000);
    back = co_await exchange(rig.messages(0), self, fresh, request, 500, 500);
  });
  rig.run(20 * interval);
  CHECK(rig.count(0, KernelEvent::cpu_up) == 1);
  CHECK(rig.kernel(0).membership().up(1));
  CHECK(there.reply == answer_to(pattern(8, 1000), 500));
  CHECK(back.reply == answer_to(pattern(9, 1000), 500));
}

TEST_CASE("a restart too quick to be noticed by silence is noticed by its epoch") {
  Rig rig(2, alive);
  Exchange result;
  bool ended = false;
  const Process& server = rig.create(1, 150, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::pon);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await self.wait({}, 2 * interval);
    result = co_await exchange(rig.messages(0), self, rig.address(1, server), {}, 0);
    ended = true;
  });
  rig.run(3 * interval);
  rig.node(1).halt();
  rig.run(10);
  rig.restart(1, 1);
  rig.run(2 * interval);
  REQUIRE(ended);
  CHECK(result.completion.error == Error::cpu_failed);
  CHECK(rig.kernel(0).membership().up(1));
  CHECK(rig.count(0, KernelEvent::cpu_down) == 1);
  CHECK(rig.count(0, KernelEvent::cpu_up) == 1);
}

TEST_CASE("I'm-alive packets leave even when every packet buffer is stuck") {
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
  rig.run(2 * interval);
  const std::uint64_t before = rig.node(0).packets_sent;
  rig.run(10 * interval);
  CHECK(rig.node(0).packets_sent - before >= 3 * 9);
  CHECK(rig.kernel(2).membership().up_mask() == 7);
}

TEST_CASE("a CPU that cannot reach itself over the buses reports it once and serves its own") {
  Rig rig(2, alive);
  const ProcessAddress server = rig.address(0, rig.create_echo(0));
  unsigned good = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      const Exchange result = co_await exchange(rig.messages(0), self, server, pattern(1, 10), 5,
                                                5);
      if (result.completion.error == Error::none) ++good;
      co_await self.wait({}, interval);
    }
  });
  rig.fabric().bus_down = {true, true};
  rig.run(30 * interval);
  CHECK(good == 20);
  CHECK(rig.count(0, KernelEvent::own_bus_failed) == 1);
  CHECK(rig.kernel(0).membership().up_mask() == 1);
}

// ---- Declared down before it was ever heard -----------------------------------------------------

TEST_CASE("a CPU declared down before it was heard stays down, and its server finds out") {
  Rig rig(3, alive);
  Error read = Error::none;
  bool first_over = false;
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    co_await self.wait({}, 4'000);  // meanwhile CPU 0 gives this one up
    Bytes data(asked.length);
    read = co_await messages.readlink(self, asked.link, data);
    CHECK_AWAIT(messages.writelink(self, asked.link, {}), Error::nothing_outstanding);
    first_over = true;
    co_await echo_server(messages, self);
  }));
  Exchange given_up, behind;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    given_up = co_await exchange(rig.messages(0), self, server, pattern(1, 1000), 0);
  });
  rig.create(2, 100, [&](Process& self) -> Task<> {
    co_await self.wait({}, 3'000);
    behind = co_await exchange(rig.messages(2), self, server, pattern(2, 1000), 500, 500);
  });
  rig.run(2'000);
  rig.on_cpu(0, [&] { rig.kernel(0).membership().declare_down(1, Error::path_down); });
  rig.run(10 * interval);
  CHECK(given_up.completion.error == Error::cpu_failed);
  CHECK(first_over);
  CHECK(read == Error::nothing_outstanding);
  CHECK(behind.reply == answer_to(pattern(2, 1000), 500));
  CHECK(rig.count(0, KernelEvent::cpu_up) == 0);
  CHECK(rig.kernel(0).membership().up_mask() == 5);
  CHECK(rig.kernel(1).membership().up_mask() == 6);
  CHECK(rig.kernel(2).membership().up_mask() == 7);
  CHECK(rig.at_rest());
}

TEST_CASE("a CPU declared down before it was heard is not served, and its requestor finds out") {
  Rig rig(2, alive);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  Exchange result;
  bool ended = false;
  rig.kernel(1).membership().declare_down(0, Error::path_down);
  rig.create(0, 100, [&](Process& self) -> Task<> {
    result = co_await exchange(rig.messages(0), self, server, pattern(1, 1000), 500, 500);
    ended = true;
  });
  rig.run(10 * interval);
  REQUIRE(ended);
  CHECK(result.completion.error == Error::cpu_failed);
  CHECK(rig.count(1, KernelEvent::link_queued) == 0);
  CHECK(rig.count(1, KernelEvent::cpu_up) == 0);
  CHECK(rig.at_rest());
}

TEST_CASE("a CPU declared down before it was heard is up again with another epoch") {
  Rig rig(2, alive);
  rig.kernel(0).membership().declare_down(1, Error::path_down);
  rig.run(5 * interval);
  CHECK_FALSE(rig.kernel(0).membership().up(1));
  rig.node(1).halt();
  rig.run(10);
  rig.restart(1, 1);
  rig.run(5 * interval);
  CHECK(rig.kernel(0).membership().up(1));
  CHECK(rig.kernel(1).membership().up(0));
  CHECK(rig.count(0, KernelEvent::cpu_up) == 1);
}

// ---- Paths --------------------------------------------------------------------------------------

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

/// Whether the engine of `cpu` thinks well of its path to `destination` on bus X (0) or Y (1).
bool path_up(Rig& rig, unsigned cpu, unsigned destination, unsigned bus) {
  std::uint32_t states = 0;
  rig.on_cpu(cpu, [&] {
    states = rig.node(cpu).read(bus == 0 ? contract::Register::path_state_x
                                         : contract::Register::path_state_y);
  });
  return static_cast<contract::PathState>(states >> 2 * destination & 3) ==
         contract::PathState::up;
}

}  // namespace

TEST_CASE("a path that failed is tried again at the next tick, so outages in turn do no harm") {
  Rig rig(3, alive);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  unsigned good = 0, failed = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (;;) {
      const Exchange result =
          co_await exchange(rig.messages(0), self, server, pattern(1, 600), 500, 500);
      ++(result.reply == answer_to(pattern(1, 600), 500) ? good : failed);
    }
  });
  rig.run(3 * interval);
  for (const bool x : {true, false, false, true}) {
    rig.fabric().bus_down = {x, !x};
    rig.run(interval / 2);
    CHECK_FALSE(path_up(rig, 0, 1, x ? 0 : 1));
    CHECK_FALSE(path_up(rig, 1, 0, x ? 0 : 1));
    CHECK(path_up(rig, 0, 1, x ? 1 : 0));
    rig.fabric().bus_down = {};
    rig.run(2 * interval);
    for (unsigned cpu = 0; cpu < 3; ++cpu) CHECK(paths_down(rig, cpu) == Paths{0, 0});
  }
  CHECK(failed == 0);
  CHECK(good > 50);
  for (unsigned cpu = 0; cpu < 3; ++cpu) CHECK(rig.count(cpu, KernelEvent::cpu_down) == 0);
}

TEST_CASE("a bus that stays dead is probed at each tick, and nothing fails for it") {
  Rig rig(2, alive);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  unsigned good = 0, failed = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (;;) {
      const Exchange result =
          co_await exchange(rig.messages(0), self, server, pattern(1, 600), 500, 500);
      ++(result.reply == answer_to(pattern(1, 600), 500) ? good : failed);
    }
  });
  rig.run(2 * interval);
  rig.fabric().bus_down = {false, true};
  rig.run(20 * interval);
  CHECK(failed == 0);
  CHECK(good > 50);
  CHECK(rig.kernel(0).membership().up_mask() == 3);
  CHECK(rig.kernel(1).membership().up_mask() == 3);
}

TEST_CASE("paths to a CPU that is down are left down") {
  Rig rig(3, alive);
  rig.run(3 * interval);
  rig.node(2).halt();
  rig.run(10 * interval);
  CHECK(paths_down(rig, 0) == Paths{4, 4});
  CHECK(rig.kernel(0).membership().up_mask() == 3);
}

TEST_CASE("paths that are both down stay down, also to a CPU that is up and would answer again") {
  // Only of itself does a CPU not think that it is down when it cannot be reached.
  Rig rig(2, alive);
  rig.run(3 * interval);
  rig.node(0).deaf_to = 1U << 0;
  rig.run(3 * interval);
  REQUIRE(paths_down(rig, 0) == Paths{1, 1});
  REQUIRE(rig.kernel(0).membership().up(0));
  rig.node(0).deaf_to = 0;
  rig.run(5 * interval);
  CHECK(paths_down(rig, 0) == Paths{1, 1});
}
