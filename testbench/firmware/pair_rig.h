/// A machine with I'm-alives whose CPUs have programs, for tests of process pairs.
#pragma once

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <string_view>

#include "firmware/program/counter.h"
#include "process_rig.h"

namespace firmware_test {

inline constexpr std::uint64_t interval = 20'000;

/// A machine with I'm-alives and a process that makes others.
struct Machine : ProcessRig {
  explicit Machine(unsigned cpus) : ProcessRig(cpus, interval) {}

  /// A named process on a CPU, made by one of CPU 0 that nobody is interested in.
  void start(std::string_view name, std::string program, unsigned cpu) {
    create(0, [=](Guardian& guardian) -> Task<> {
      const auto made = co_await guardian.newprocess(
          {.program = program, .name = named(name), .cpu = cpu});
      CHECK(made.error == Error::none);
      co_await guardian.process().wait({});
    });
  }
  void run_until(const std::function<bool()>& done, std::uint64_t most = 20'000'000) {
    constexpr std::uint64_t step = 2'000;
    for (std::uint64_t ran = 0; ran < most && !done(); ran += step) rig.run(step);
    CHECK(done());
  }
  const DctEntry* entry(unsigned cpu, std::string_view name) {
    return dct(cpu).lookup(named(name));
  }
  bool has_pair(std::string_view name, unsigned by = 0) {
    return entry(by, name) != nullptr && entry(by, name)->backup;
  }
};

inline Task<> sleep_for(Guardian& guardian, std::uint64_t cycles) {
  co_await guardian.process().wait(EventBit{}, cycles);
}

/// The program "counter".
inline void add_counter(Machine& machine, std::uint32_t backup_cpus) {
  machine.programs.add("counter", [backup_cpus](Guardian& guardian) -> Task<> {
    xybus::Counter counter(guardian, {.program = "counter", .backup_cpus = backup_cpus});
    co_await counter.run();
  });
}

}  // namespace firmware_test
