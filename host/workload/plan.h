/// Which processes a machine has: every one of them is planned before any CPU starts, so that a
/// client can be given the address of its server on another CPU.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "contract/contract.h"
#include "firmware/kernel.h"
#include "firmware/process/program_library.h"

namespace xybus {

/// Where a process runs: its CPU, with what it can call.
struct Site {
  unsigned cpu;
  hal::Hal& hal;
  Kernel& kernel;
};

/// The code of a planned process.
using PlannedBody = std::function<Task<>(Process&, Site&)>;

class Plan {
 public:
  explicit Plan(unsigned cpus) : by_cpu_(cpus) {}

  /// Adds a process that serves others, for ever. Gives the address it will have.
  ProcessAddress add_server(unsigned cpu, std::string name, PlannedBody program);

  /// Adds a process whose end the run waits for.
  ProcessAddress add_client(unsigned cpu, std::string name, PlannedBody program);

  /// Adds something to be done with each CPU whenever it starts, before its processes are made.
  void on_boot(std::function<void(Site&)> callback) { on_boot_.push_back(std::move(callback)); }

  /// The programs that processes of this machine can be made of: the same on all CPUs.
  ProgramLibrary& programs() { return programs_; }
  const ProgramLibrary& programs() const { return programs_; }

  /// Has a process pair made of one of them under a name when the machine starts: its primary on
  /// `cpu`, which is one of `cpus`, where the pair may be. See firmware/program/starter.h.
  void start_program(unsigned cpu, std::uint32_t cpus, std::string program,
                     const std::string& name);

  /// A number for a replicated table that no other workload has.
  unsigned next_table() { return next_table_++; }

  /// The run goes on up to that cycle at least, as if a client that no halt ends were there.
  void hold_until(std::uint64_t cycle);
  std::uint64_t held_until() const { return held_until_; }
  /// That cycle has come.
  void release();

  /// Makes a CPU's processes, before its kernel runs. Plan and site must outlive the kernel.
  /// Of a CPU that was halted and starts again, the clients end at once: all processes have the
  /// addresses that they had.
  void install(Site& site);

  /// Nobody waits for the clients of a CPU that was halted, and they do not come again.
  void cpu_halted(unsigned cpu);

  /// Clients that have not ended yet.
  unsigned clients_left() const { return clients_left_; }

  /// Called when the last client ends, with the cycle; not if a halt is what ends it.
  void on_complete(std::function<void(std::uint64_t cycle)> callback) {
    on_complete_ = std::move(callback);
  }

  /// One line for each client that has not ended, while its kernel exists.
  std::vector<std::string> unfinished() const;

  unsigned cpus() const { return static_cast<unsigned>(by_cpu_.size()); }

 private:
  struct Planned {
    std::string name;
    std::uint8_t priority;
    bool client;
    PlannedBody program;
    bool ended = false;
    Process* process = nullptr;
  };

  ProcessAddress add(unsigned cpu, Planned planned);
  Task<> run_client(Planned& planned, Process& process, Site& site);

  ProgramLibrary programs_;
  std::vector<std::vector<Planned>> by_cpu_;
  bool given_up(unsigned cpu) const { return (given_up_ >> cpu & 1) != 0; }

  void one_less(std::uint64_t cycle);

  static constexpr unsigned first_table = 8;  // those below are for the kernel's own
  unsigned next_table_ = first_table;
  std::vector<std::function<void(Site&)>> on_boot_;
  std::uint64_t held_until_ = 0;
  std::uint32_t given_up_ = 0;  // CPUs whose clients nobody waits for
  unsigned clients_left_ = 0;
  std::function<void(std::uint64_t)> on_complete_;
};

}  // namespace xybus
