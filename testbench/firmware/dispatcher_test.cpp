#include "firmware/dispatcher/dispatcher.h"

#include <catch2/catch.hpp>

#include "bare_cpu.h"

using namespace firmware_test;

TEST_CASE("processes run by priority, first in first out among equals") {
  Cpu cpu;
  const auto writer = [&cpu](char letter) {
    return [&cpu, letter](Process&) -> Task<> {
      cpu.written += letter;
      co_return;
    };
  };
  cpu.dispatcher.create("a", 10, writer('a'));
  cpu.dispatcher.create("b", 200, writer('b'));
  cpu.dispatcher.create("c", 10, writer('c'));
  cpu.dispatcher.create("d", 255, writer('d'));
  cpu.dispatcher.create("e", 200, writer('e'));
  cpu.run();
  CHECK(cpu.written == "dbeac");
}

TEST_CASE("a process that is woken goes behind its equals") {
  Cpu cpu;
  Process* sleeper = nullptr;
  sleeper = &cpu.dispatcher.create("sleeper", 20, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::lreq);
    cpu.written += 's';
  });
  cpu.dispatcher.create("waker", 10, [&](Process& self) -> Task<> {
    cpu.dispatcher.create("first", 20, [&](Process&) -> Task<> {
      cpu.written += 'f';
      co_return;
    });
    cpu.dispatcher.awake(*sleeper, EventBit::lreq);
    cpu.written += 'w';
    co_await self.compute(1);
    cpu.written += 'x';
  });
  cpu.run();
  CHECK(cpu.written == "wfsx");
}

TEST_CASE("a process of higher priority goes first at the next suspension point") {
  Cpu cpu;
  Process& high = cpu.dispatcher.create("high", 100, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::intr);
    cpu.written += 'h';
    CHECK(cpu.hal.now() >= 500);
    CHECK(cpu.hal.now() < 510);
  });
  cpu.dispatcher.create("low", 1, [&](Process& self) -> Task<> {
    cpu.written += 'l';
    co_await self.compute(1000);
    cpu.written += 'L';
    CHECK(cpu.hal.now() >= 1000);
    CHECK(cpu.hal.now() < 1020);
  });
  cpu.dispatcher.create("equal", 1, [&](Process&) -> Task<> {
    cpu.written += 'e';
    co_return;
  });
  cpu.hal.interrupts = {500};
  cpu.on_interrupt = [&] { cpu.dispatcher.awake(high, EventBit::intr); };
  cpu.run();
  CHECK(cpu.written == "lhLe");
}

TEST_CASE("a preempted process still spends exactly the CPU time it asked for") {
  Cpu cpu;
  Process& high = cpu.dispatcher.create("high", 100, [&](Process& self) -> Task<> {
    for (;;) {
      co_await self.wait(EventBit::intr);
      co_await self.compute(77);
    }
  });
  std::uint64_t used = 0;
  cpu.dispatcher.create("low", 1, [&](Process& self) -> Task<> {
    const std::uint64_t before = self.cycles();
    co_await self.compute(10000);
    used = self.cycles() - before;
  });
  cpu.hal.interrupts = {100, 101, 5000, 5050, 9000};
  cpu.on_interrupt = [&] { cpu.dispatcher.awake(high, EventBit::intr); };
  cpu.run();
  CHECK(used >= 10000);
  CHECK(used <= 10001);  // and the dispatch itself
  CHECK(high.cycles() >= 4 * 77);
}

TEST_CASE("an event that comes before the wait is not lost") {
  Cpu cpu;
  EventBit got{}, left{};
  Process& late = cpu.dispatcher.create("late", 10, [&](Process& self) -> Task<> {
    co_await self.compute(100);
    got = co_await self.wait(EventBit::lreq | EventBit::ldone);
    left = self.awake_bits();
    cpu.written += 'x';
    co_await self.wait(EventBit::lreq);
    cpu.written += 'y';
  });
  cpu.hal.interrupts = {50};
  cpu.on_interrupt = [&] { cpu.dispatcher.awake(late, EventBit::lreq | EventBit::lcan); };
  cpu.run();
  CHECK(got == EventBit::lreq);
  CHECK(left == EventBit::lcan);
  CHECK(cpu.written == "x");  // the second wait does not see the event again
  CHECK(late.state() == ProcessState::waiting);
}

TEST_CASE("a wait is not ended by an event outside its mask") {
  Cpu cpu;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::ldone);
    cpu.written += 'x';
  });
  cpu.hal.interrupts = {50};
  cpu.on_interrupt = [&] { cpu.dispatcher.awake(process, EventBit::lreq); };
  cpu.run();
  CHECK(cpu.written.empty());
  CHECK(process.awake_bits() == EventBit::lreq);
}

TEST_CASE("a wait that times out gives itime, in the cycle it was to") {
  Cpu cpu;
  EventBit got{};
  std::uint64_t at = 0;
  cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    const std::uint64_t begin = cpu.hal.now();
    got = co_await self.wait(EventBit::ldone, 1234);
    at = cpu.hal.now() - begin;
  });
  cpu.run();
  CHECK(got == EventBit::itime);
  CHECK(at == 1235);  // and one cycle for the dispatch
}

TEST_CASE("a wait that an event ends leaves no timer behind") {
  Cpu cpu;
  std::vector<EventBit> got;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    got.push_back(co_await self.wait(EventBit::intr, 100));
    got.push_back(co_await self.wait(EventBit::intr, 1000));
    CHECK(cpu.hal.now() >= 1050);
  });
  cpu.hal.interrupts = {50};
  cpu.on_interrupt = [&] { cpu.dispatcher.awake(process, EventBit::intr); };
  cpu.run();
  CHECK(got == std::vector{EventBit::intr, EventBit::itime});
}

TEST_CASE("a wait with timeout 0 looks and goes on") {
  Cpu cpu;
  std::vector<EventBit> got;
  cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    got.push_back(co_await self.wait(EventBit::lreq, 0));
    cpu.dispatcher.awake(self, EventBit::lreq);
    got.push_back(co_await self.wait(EventBit::lreq, 0));
    CHECK(cpu.hal.now() < 10);
  });
  cpu.run();
  CHECK(got == std::vector{EventBit::itime, EventBit::lreq});
}

TEST_CASE("an idle CPU sleeps until its next timer, and does not poll") {
  Cpu cpu;
  std::vector<std::uint64_t> at;
  for (const std::uint64_t delay : {300, 100, 200}) {
    cpu.dispatcher.after(delay, [&] { at.push_back(cpu.hal.now()); });
  }
  cpu.run();
  CHECK(at == std::vector<std::uint64_t>{100, 200, 300});
  CHECK(cpu.hal.idle_calls == 4);  // and the one that finds nothing more to come
  CHECK(cpu.dispatcher.idle_cycles() == 300);
}

TEST_CASE("processes that wake each other for ever let time pass even when nothing costs") {
  Cpu cpu;
  cpu.hal.end = 1000;
  std::uint64_t rounds = 0;
  cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    for (;;) {
      cpu.dispatcher.awake(self, EventBit::lreq);
      co_await self.wait(EventBit::lreq);
      ++rounds;
    }
  });
  cpu.run();
  CHECK(rounds >= 900);
  CHECK(rounds <= 1000);
}

TEST_CASE("an interrupt line that stays up does not stop time") {
  Cpu cpu;
  cpu.hal.end = 1000;
  cpu.dispatcher.set_interrupt_handler([] {});
  cpu.hal.interrupts = {10};
  cpu.run();
  CHECK(cpu.dispatcher.interrupt_cycles() >= 900);
}

TEST_CASE("work is charged from the cost table") {
  CostTable costs;
  costs.dispatch = 1000;
  costs.wait = 100;
  costs.interrupt = 10;
  costs.timer = 7;
  Cpu cpu(costs);
  std::uint64_t at = 0;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::intr);
    at = cpu.hal.now();
  });
  cpu.dispatcher.after(5000, [&] { cpu.dispatcher.awake(process, EventBit::intr); });
  cpu.hal.interrupts = {3000};
  cpu.run();
  CHECK(at == 5000 + 7 + 1000 + 100);
  CHECK(cpu.dispatcher.interrupt_cycles() == 10 + 7);
  CHECK(process.cycles() == 1000 + 1100);
}

TEST_CASE("a process that throws ends the run with what it threw") {
  Cpu cpu;
  const auto inner = [](Process& self) -> Task<int> {
    co_await self.compute(5);
    throw std::runtime_error("inner");
  };
  cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    try {
      co_await inner(self);
      FAIL("it did not throw");
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()) == "inner");
    }
    co_await inner(self);
  });
  CHECK_THROWS_WITH(cpu.dispatcher.run(), "inner");
}

TEST_CASE("a process that was stopped is not found and does not run") {
  Cpu cpu;
  bool destroyed = false;
  struct Flag {
    bool& flag;
    ~Flag() { flag = true; }
  };
  Process& victim = cpu.dispatcher.create("victim", 10, [&](Process& self) -> Task<> {
    const Flag flag{destroyed};
    co_await self.wait(EventBit::lreq, 500);
    cpu.written += 'x';
  });
  std::vector<xybus::Pin> stopped;
  cpu.dispatcher.set_process_hooks({}, [&](Process& p) { stopped.push_back(p.pin()); });
  cpu.dispatcher.after(100, [&] {
    cpu.dispatcher.stop(victim);
    cpu.dispatcher.stop(victim);
  });
  cpu.run();
  CHECK(destroyed);
  CHECK(cpu.written.empty());
  CHECK(stopped == std::vector{victim.pin()});
  CHECK(cpu.dispatcher.find(victim.pin()) == nullptr);
  CHECK(victim.state() == ProcessState::stopped);
}

TEST_CASE("pins go upwards from 3, and nobody is at a pin not given out") {
  Cpu cpu;
  const auto nothing = [](Process&) -> Task<> { co_return; };
  CHECK(cpu.dispatcher.create("a", 1, nothing).pin() == 3);
  CHECK(cpu.dispatcher.create("b", 1, nothing).pin() == 4);
  for (const xybus::Pin pin : {0, 1, 2, 5, 65535}) CHECK(cpu.dispatcher.find(pin) == nullptr);
  CHECK_THROWS_AS(cpu.dispatcher.create("c", 0, nothing), std::invalid_argument);
}

TEST_CASE("a held process keeps its events and goes on only when released") {
  Cpu cpu;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    co_await cpu.dispatcher.hold(self, KernelCall::readlink);
    cpu.written += 'x';
  });
  cpu.hal.interrupts = {50, 100};
  cpu.on_interrupt = [&] {
    if (cpu.hal.now() < 100) {
      cpu.dispatcher.awake(process, EventBit::ldone);
    } else {
      CHECK(cpu.written.empty());
      CHECK(process.state() == ProcessState::held);
      cpu.dispatcher.release(process);
    }
  };
  cpu.run();
  CHECK(cpu.written == "x");
  CHECK(process.awake_bits() == EventBit::ldone);
}
