// What a kernel holds for processes is told while it is held, and gone when they are.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;
using xybus::Held;

TEST_CASE("a kernel tells the LCBs, windows and processes that it holds") {
  Rig rig(2);
  Process& server = rig.create(1, 150, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    Bytes data(asked.length);
    co_await rig.messages(1).readlink(self, asked.link, data);
  });
  Process& requestor = rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request(50'000);
    CHECK(rig.messages(0).link(self, rig.address(1, server), request, {}));
    CHECK(rig.messages(0).link(self, {0, 999}, {}, {}));  // refused, and not broken yet
    rig.messages(0).monitor_cpus(self, 2);
    co_await self.wait({}, 1'000'000);
  });
  CHECK(rig.kernel(0).held() == Held{});
  rig.node(1).busy_data = true;
  rig.run(20'000);
  // The window that the request lies in, and that of a piece of it that CPU 1 is too busy for.
  CHECK(rig.kernel(0).held() == Held{.lcbs = 2, .windows = 2, .processes = 0, .timers = 0});
  CHECK(rig.kernel(1).held() == Held{.lcbs = 1, .windows = 1, .processes = 1, .timers = 0});
  CHECK_FALSE(rig.at_rest());
  const xybus::SystemMessage down{xybus::SystemCode::cpu_down, 1};
  rig.on_cpu(0, [&] { CHECK(rig.messages(0).send_system_message(requestor, down)); });
  CHECK(rig.kernel(0).held().lcbs == 3);
  rig.on_cpu(1, [&] { rig.kernel(1).dispatcher().stop(server); });
  rig.on_cpu(0, [&] { rig.kernel(0).dispatcher().stop(requestor); });
  rig.node(1).busy_data = false;
  rig.run(500'000);
  CHECK(rig.at_rest());
}

TEST_CASE("on a real kernel too, idle time, interrupts and processes together are all time") {
  Rig rig(2, [](KernelConfig& config) { config.alive_interval = 20'000; });
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 3000);
    for (int i = 0; i < 10; ++i) {
      co_await exchange(rig.messages(0), self, server, request, 3000, 3000);
    }
  });
  std::array<std::uint64_t, 2> first{};  // cycles before the dispatcher began
  for (int look = 0; look < 50; ++look) {
    rig.run(997);
    for (const unsigned cpu : {0, 1}) {
      const xybus::Dispatcher& dispatcher = rig.kernel(cpu).dispatcher();
      std::uint64_t sum = dispatcher.idle_cycles() + dispatcher.interrupt_cycles();
      for (const auto& process : dispatcher.processes()) {
        if (process != nullptr) sum += process->cycles();
      }
      if (look == 0) first[cpu] = rig.node(cpu).now() - sum;
      CHECK(sum + first[cpu] == rig.node(cpu).now());
    }
  }
  CHECK(first[0] < 997);
}
