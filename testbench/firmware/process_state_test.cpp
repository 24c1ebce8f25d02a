// Stopping, suspending and watching processes, and where a CPU's time goes.

#include <catch2/catch.hpp>
#include <random>

#include "bare_cpu.h"

using namespace firmware_test;

namespace {

/// Tells when a coroutine's frame goes.
struct Flag {
  bool& flag;
  ~Flag() { flag = true; }
};

/// All cycles of a CPU that somebody has used.
std::uint64_t accounted(const Dispatcher& dispatcher) {
  std::uint64_t sum = dispatcher.idle_cycles() + dispatcher.interrupt_cycles();
  for (const auto& process : dispatcher.processes()) {
    if (process != nullptr) sum += process->cycles();
  }
  return sum;
}

}  // namespace

// ---- Stopping -----------------------------------------------------------------------------------

TEST_CASE("a process ends itself however deep in calls it is") {
  Cpu cpu;
  bool inner_gone = false, outer_gone = false;
  const auto inner = [&](Process& self) -> Task<> {
    const Flag flag{inner_gone};
    cpu.written += 'i';
    co_await self.exit();
    cpu.written += 'x';
  };
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    const Flag flag{outer_gone};
    co_await inner(self);
    cpu.written += 'y';
  });
  cpu.dispatcher.create("next", 5, [&](Process&) -> Task<> {
    CHECK(inner_gone);
    CHECK(outer_gone);
    cpu.written += 'n';
    co_return;
  });
  cpu.run();
  CHECK(cpu.written == "in");
  CHECK(process.state() == ProcessState::stopped);
  CHECK(cpu.dispatcher.find(process.pin()) == nullptr);
}

TEST_CASE("a process that is stopped while it runs goes at its next suspension point") {
  Cpu cpu;
  std::vector<ProcessState> states;
  unsigned hooks = 0;
  cpu.dispatcher.set_process_hooks({}, [&](Process&) { ++hooks; });
  // Each kind of suspension point; the last returns before it comes to one.
  const auto point = [&cpu](Process& self, int kind) -> Task<> {
    if (kind == 0) co_await self.wait(EventBit::lreq);
    if (kind == 1) co_await self.wait(EventBit::lreq, 100);
    if (kind == 2) co_await self.wait(EventBit::lreq, 0);
    if (kind == 3) co_await self.compute(10);
    if (kind == 4) co_await cpu.dispatcher.hold(self, KernelCall::writelink);
    if (kind == 5) co_return;
    cpu.written += 'x';
  };
  for (int kind = 0; kind < 6; ++kind) {
    cpu.dispatcher.create("p", 10, [&, kind](Process& self) -> Task<> {
      cpu.dispatcher.stop(self);
      cpu.dispatcher.stop(self);
      states.push_back(self.state());
      co_await point(self, kind);
      if (kind != 5) cpu.written += 'y';
    });
  }
  cpu.run();
  CHECK(cpu.written.empty());
  CHECK(states == std::vector(6, ProcessState::running));
  CHECK(hooks == 6);
  for (xybus::Pin pin = 3; pin < 9; ++pin) CHECK(cpu.dispatcher.find(pin) == nullptr);
  CHECK(cpu.dispatcher.timers() == 0);
}

TEST_CASE("nobody finds a process that is being cleared up after, and nothing wakes it") {
  Cpu cpu;
  Process& victim = cpu.dispatcher.create("victim", 10, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::lreq, 1000);
    cpu.written += 'x';
  });
  cpu.dispatcher.set_process_hooks({}, [&](Process& process) {
    CHECK(cpu.dispatcher.find(process.pin()) == nullptr);
    cpu.dispatcher.awake(process, EventBit::lreq);
    cpu.dispatcher.release(process);
    cpu.dispatcher.activate(process);
    cpu.dispatcher.stop(process);
    cpu.written += 's';
  });
  cpu.dispatcher.after(100, [&] { cpu.dispatcher.stop(victim); });
  cpu.run();
  CHECK(cpu.written == "s");
  CHECK(cpu.dispatcher.timers() == 0);
  CHECK(cpu.dispatcher.forgotten_timers() == 0);
}

TEST_CASE("a process can be stopped in every state, and leaves no timer") {
  Cpu cpu;
  const auto nothing = [&](Process& self) -> Task<> { co_await self.compute(1); };
  Process& ready = cpu.dispatcher.create("ready", 1, nothing);
  Process& waiting = cpu.dispatcher.create("waiting", 10, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::lreq, 5000);
  });
  Process& held = cpu.dispatcher.create("held", 10, [&](Process& self) -> Task<> {
    co_await cpu.dispatcher.hold(self, KernelCall::readlink);
  });
  Process& suspended = cpu.dispatcher.create("suspended", 10, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::lreq, 7000);
  });
  Process& computing = cpu.dispatcher.create("computing", 2, [&](Process& self) -> Task<> {
    co_await self.compute(100'000);
    cpu.written += 'x';
  });
  cpu.dispatcher.after(50, [&] { cpu.dispatcher.suspend(suspended); });
  cpu.dispatcher.after(100, [&] {
    CHECK(ready.state() == ProcessState::ready);
    CHECK(waiting.state() == ProcessState::waiting);
    CHECK(held.state() == ProcessState::held);
    CHECK(suspended.state() == ProcessState::suspended);
    CHECK(computing.state() == ProcessState::ready);
    CHECK(cpu.dispatcher.timers() == 2);
    for (Process* process : {&ready, &waiting, &held, &suspended, &computing}) {
      cpu.dispatcher.stop(*process);
      CHECK(process->state() == ProcessState::stopped);
    }
    CHECK(cpu.dispatcher.timers() == 0);
  });
  cpu.run();
  CHECK(cpu.written.empty());
}

// ---- Suspending ---------------------------------------------------------------------------------

TEST_CASE("a suspended process keeps what comes for it, and goes on when it is activated") {
  Cpu cpu;
  EventBit got{};
  std::uint64_t at = 0;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    got = co_await self.wait(EventBit::lreq | EventBit::ldone);
    at = cpu.hal.now();
  });
  cpu.dispatcher.after(100, [&] {
    cpu.dispatcher.suspend(process);
    cpu.dispatcher.suspend(process);
  });
  cpu.dispatcher.after(200, [&] {
    CHECK(process.state() == ProcessState::suspended);
    CHECK(process.waits_for() == (EventBit::lreq | EventBit::ldone));
    cpu.dispatcher.awake(process, EventBit::lreq);
    cpu.dispatcher.awake(process, EventBit::lcan);
  });
  cpu.dispatcher.after(300, [&] {
    CHECK(process.state() == ProcessState::suspended);
    CHECK(process.awake_bits() == (EventBit::lreq | EventBit::lcan));
    cpu.dispatcher.activate(process);
    CHECK(process.state() == ProcessState::ready);
  });
  cpu.run();
  CHECK(got == EventBit::lreq);
  CHECK(at == 301);  // and one cycle for the dispatch
  CHECK(process.awake_bits() == EventBit::lcan);
}

TEST_CASE("time goes on for a suspended process that waits, and a held one is released") {
  Cpu cpu;
  EventBit got{};
  Process& waiting = cpu.dispatcher.create("w", 10, [&](Process& self) -> Task<> {
    got = co_await self.wait(EventBit::lreq, 150);
    cpu.written += 'w';
  });
  Process& held = cpu.dispatcher.create("h", 10, [&](Process& self) -> Task<> {
    co_await cpu.dispatcher.hold(self, KernelCall::readlink);
    cpu.written += 'h';
  });
  cpu.dispatcher.after(100, [&] {
    cpu.dispatcher.suspend(waiting);
    cpu.dispatcher.suspend(held);
    CHECK(held.held_in() == KernelCall::readlink);
  });
  cpu.dispatcher.after(200, [&] {
    cpu.dispatcher.release(held);
    CHECK(held.held_in() == KernelCall::none);
    CHECK(held.state() == ProcessState::suspended);
  });
  cpu.dispatcher.after(300, [&] {
    CHECK(cpu.written.empty());
    cpu.dispatcher.activate(held);
    cpu.dispatcher.activate(waiting);
  });
  cpu.run();
  CHECK(got == EventBit::itime);
  CHECK(cpu.written == "hw");
}

TEST_CASE("a process suspended while it is held goes on being held when it is activated") {
  Cpu cpu;
  Process& held = cpu.dispatcher.create("h", 10, [&](Process& self) -> Task<> {
    co_await cpu.dispatcher.hold(self, KernelCall::readlink);
    cpu.written += 'h';
  });
  cpu.dispatcher.after(100, [&] { cpu.dispatcher.suspend(held); });
  cpu.dispatcher.after(200, [&] { cpu.dispatcher.activate(held); });
  cpu.dispatcher.after(300, [&] {
    CHECK(held.state() == ProcessState::held);
    CHECK(cpu.written.empty());
    cpu.dispatcher.release(held);
  });
  cpu.run();
  CHECK(cpu.written == "h");
}

TEST_CASE("a process that suspends itself stays where it next suspends, even if it need not wait") {
  Cpu cpu;
  std::uint64_t at = 0;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    cpu.dispatcher.awake(self, EventBit::lreq);
    cpu.dispatcher.suspend(self);
    CHECK(self.state() == ProcessState::running);
    cpu.written += 'a';
    co_await self.wait(EventBit::lreq);
    at = cpu.hal.now();
    cpu.written += 'b';
  });
  cpu.dispatcher.create("low", 5, [&](Process&) -> Task<> {
    cpu.written += 'l';
    CHECK(process.state() == ProcessState::suspended);
    co_return;
  });
  cpu.dispatcher.after(500, [&] { cpu.dispatcher.activate(process); });
  cpu.run();
  CHECK(cpu.written == "alb");
  CHECK(at >= 500);
}

TEST_CASE("a process suspended in the midst of computing does just the rest later") {
  Cpu cpu;
  Process& process = cpu.dispatcher.create("p", 10, [&](Process& self) -> Task<> {
    co_await self.compute(1000);
    cpu.written += 'x';
  });
  cpu.dispatcher.after(400, [&] { cpu.dispatcher.suspend(process); });
  cpu.dispatcher.after(5000, [&] {
    CHECK(cpu.written.empty());
    cpu.dispatcher.activate(process);
  });
  cpu.run();
  CHECK(cpu.written == "x");
  CHECK(process.cycles() == 1000 + 2);  // a dispatch at the beginning, and one behind it
}

TEST_CASE("an activated process goes behind its equals") {
  Cpu cpu;
  const auto writer = [&cpu](char letter) {
    return [&cpu, letter](Process&) -> Task<> {
      cpu.written += letter;
      co_return;
    };
  };
  Process& first = cpu.dispatcher.create("a", 10, writer('a'));
  cpu.dispatcher.create("b", 10, writer('b'));
  cpu.dispatcher.create("c", 5, writer('c'));
  cpu.dispatcher.suspend(first);
  cpu.dispatcher.activate(first);
  cpu.dispatcher.activate(first);
  cpu.run();
  CHECK(cpu.written == "bac");
}

// ---- Reserved pins and event bits ---------------------------------------------------------------

TEST_CASE("the kernel's own processes have the pins below 3, each once") {
  Cpu cpu;
  const auto nothing = [&](Process& self) -> Task<> { co_await self.wait(EventBit::pon); };
  CHECK(cpu.dispatcher.create("user", 100, nothing).pin() == 3);
  Process& monitor = cpu.dispatcher.create_reserved(0, "monitor", 230, nothing);
  CHECK(monitor.pin() == 0);
  CHECK(cpu.dispatcher.find(0) == &monitor);
  CHECK(cpu.dispatcher.find(1) == nullptr);
  CHECK_THROWS_AS(cpu.dispatcher.create_reserved(0, "again", 230, nothing), std::invalid_argument);
  CHECK_THROWS_AS(cpu.dispatcher.create_reserved(3, "user", 230, nothing), std::invalid_argument);
  CHECK_THROWS_AS(cpu.dispatcher.create_reserved(1, "idle", 0, nothing), std::invalid_argument);
  cpu.dispatcher.create_reserved(1, "memory", 220, nothing);
  CHECK(cpu.dispatcher.create("user", 100, nothing).pin() == 4);
  cpu.dispatcher.after(100, [&] { cpu.dispatcher.awake_all(EventBit::pon); });
  cpu.run();
  for (xybus::Pin pin = 0; pin < 5; ++pin) CHECK(cpu.dispatcher.find(pin) == nullptr);
  CHECK_THROWS_AS(cpu.dispatcher.create_reserved(0, "again", 230, nothing), std::invalid_argument);
}

TEST_CASE("every event bit wakes who waits for it, and nobody else") {
  Cpu cpu;
  constexpr EventBit bits[] = {EventBit::pon,   EventBit::iopon, EventBit::intr,
                               EventBit::linsp, EventBit::lcan,  EventBit::ldone,
                               EventBit::ltmf,  EventBit::lreq,  EventBit::itime};
  std::vector<EventBit> got;
  std::vector<Process*> processes;
  for (const EventBit bit : bits) {
    processes.push_back(&cpu.dispatcher.create("p", 10, [&, bit](Process& self) -> Task<> {
      const EventBit came = co_await self.wait(bit);
      CHECK(came == bit);
      got.push_back(came);
    }));
  }
  std::uint64_t time = 100;
  std::vector<EventBit> sent;
  for (const EventBit bit : bits) {
    cpu.dispatcher.after(time, [&, bit] {
      CHECK(got == sent);
      sent.push_back(bit);
      for (Process* process : processes) cpu.dispatcher.awake(*process, bit);
    });
    time += 100;
  }
  cpu.run();
  CHECK(got == std::vector(std::begin(bits), std::end(bits)));
}

// ---- Accounts -----------------------------------------------------------------------------------

TEST_CASE("idle time, interrupts and processes together are all time, at every moment") {
  Cpu cpu(CostTable::standard());
  cpu.hal.end = 300'000;
  std::mt19937 random(1);
  unsigned looks = 0;
  const auto look = [&] {
    CHECK(accounted(cpu.dispatcher) == cpu.hal.now());
    ++looks;
  };
  std::vector<Process*> processes;
  for (const std::uint8_t priority : {10, 10, 50, 200}) {
    processes.push_back(&cpu.dispatcher.create("p", priority, [&](Process& self) -> Task<> {
      for (;;) {
        look();
        co_await self.compute(random() % 700);
        look();
        co_await self.wait(EventBit::intr, random() % 5000);
      }
    }));
  }
  for (std::uint64_t at = 500; at < cpu.hal.end; at += 1 + random() % 3000) {
    cpu.hal.interrupts.push_back(at);
  }
  cpu.on_interrupt = [&] {
    look();
    Process& process = *processes[random() % processes.size()];
    cpu.dispatcher.awake(process, EventBit::intr);
    if (random() % 8 == 0) cpu.dispatcher.suspend(process);
    if (random() % 4 == 0) cpu.dispatcher.activate(*processes[random() % processes.size()]);
  };
  cpu.run();
  look();
  CHECK(looks > 300);
  CHECK(cpu.dispatcher.idle_cycles() > 0);
  CHECK(cpu.dispatcher.interrupt_cycles() > 0);
  for (const Process* process : processes) CHECK(process->cycles() > 0);
}
