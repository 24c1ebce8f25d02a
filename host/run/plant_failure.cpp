#include "run/plant_failure.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <stdexcept>

#include "run/run.h"

namespace xybus {
namespace {

using contract::BusId;

constexpr std::uint64_t planted_cycle = 5000;

void catch_sound_node(const PlantingGround& ground, BusId bus) {
  ground.checks.monitor().offence(bus, planted_cycle, 0, contract::Offence::too_long);
}

void forge(const PlantingGround& ground, KernelEvent event) {
  event.cycle = planted_cycle;
  ground.kernel_watch.on(0, event);
}

Task<> stay(Process& process) { co_await process.wait(contract::EventBit{}); }

using Deed = void (*)(Dispatcher&);

void come_back(Dispatcher& dispatcher) { dispatcher.create("planted", 1, stay); }

void fail(Dispatcher&) { throw std::runtime_error("planted"); }

// As soon as all processes of a CPU have been stopped.
void when_stopped(Dispatcher& dispatcher, Deed deed) {
  constexpr std::uint64_t now_and_then = 1000;
  dispatcher.after(now_and_then, [&dispatcher, deed] {
    const bool all_stopped = std::ranges::all_of(dispatcher.processes(), [](const auto& process) {
      return process == nullptr || process->state() == ProcessState::stopped;
    });
    if (!all_stopped) return when_stopped(dispatcher, deed);
    deed(dispatcher);
  });
}

void leak(const PlantingGround& ground, Deed deed) {
  when_stopped(ground.firmware.kernels()[0]->dispatcher(), deed);
  ground.machine.cpu(0).nudge();
}

void miscount(const PlantingGround& ground) {
  for (unsigned cpu = 0; cpu < ground.machine.cpus(); ++cpu) ground.workloads.miscount(cpu);
}

std::function<void()> what_happens(const std::string& what, const PlantingGround& ground) {
  if (what == "protocol.x") return [=] { catch_sound_node(ground, BusId::x); };
  if (what == "protocol.y") return [=] { catch_sound_node(ground, BusId::y); };
  if (what == "workload") return [=] { miscount(ground); };
  if (what == "views") {
    // CPU 1 has left, and nothing was done to it.
    const std::uint32_t others = ((1U << ground.machine.cpus()) - 1) & ~2U;
    return [=] { forge(ground, {.kind = KernelEvent::view_changed, .link = 2, .tag = others}); };
  }
  if (what == "replicas") {
    return [=] { forge(ground, {.kind = KernelEvent::update_applied, .link = 1000, .tag = 1000}); };
  }
  if (what == "membership") {
    // No process is told of it.
    return [=] { forge(ground, {.kind = KernelEvent::cpu_down, .peer = {.cpu = 1}}); };
  }
  if (what == "books" || what == "history" || what == "files") {
    return [=] { ground.workloads.forge(what, planted_cycle); };
  }
  if (what == "disks") return [=] { ground.checks.disks().forge(planted_cycle); };
  if (what == "leaks") return [=] { leak(ground, come_back); };
  if (what == "wind-up") return [=] { leak(ground, fail); };
  if (what == "machine") return [] { throw std::runtime_error("planted"); };
  if (what == "abort") return [] { std::abort(); };
  throw std::invalid_argument("nothing is planted by the name " + what);
}

}  // namespace

void plant_failure(const std::string& what, PlantingGround ground) {
  ground.machine.at(planted_cycle, what_happens(what, ground));
}

}  // namespace xybus
