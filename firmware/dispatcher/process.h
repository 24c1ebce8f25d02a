/// A process: one coroutine, its priority, and its awake/wait word.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <string>

#include "contract/contract.h"
#include "firmware/dispatcher/task.h"
#include "firmware/dispatcher/time_list.h"
#include "firmware/hal/hal.h"

namespace xybus {

class Dispatcher;
class Process;

/// Process identification number, unique on its CPU and not used again.
using Pin = std::uint16_t;

/// The code of a process. It is called once; the process stops when its task is done.
using ProcessBody = std::function<Task<>(Process&)>;

enum class ProcessState {
  ready,      ///< On the ready list.
  running,    ///< Its code runs at this moment.
  waiting,    ///< In wait, for an event or a time.
  held,       ///< In a kernel call that cannot go on yet.
  suspended,  ///< Does not run until it is activated, whatever comes for it.
  stopped,    ///< Its body has returned, or it was stopped.
};

/// Name of a state, for logs.
constexpr const char* name(ProcessState state) {
  switch (state) {
    case ProcessState::ready: return "ready";
    case ProcessState::running: return "running";
    case ProcessState::waiting: return "waiting";
    case ProcessState::held: return "held";
    case ProcessState::suspended: return "suspended";
    case ProcessState::stopped: return "stopped";
  }
  return "?";
}

/// The kernel calls that can hold a process.
enum class KernelCall : std::uint8_t { none, readlink, writelink };

constexpr const char* name(KernelCall call) {
  switch (call) {
    case KernelCall::none: return "none";
    case KernelCall::readlink: return "readlink";
    case KernelCall::writelink: return "writelink";
  }
  return "?";
}

/// The process control block, and the calls a process makes about itself.
class Process {
 public:
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  Pin pin() const { return pin_; }
  const std::string& name() const { return name_; }
  /// The cycle in which it was made, counted from 1. With CPU and pin it names the process for all
  /// time: a CPU that starts again gives out the same pins.
  std::uint64_t created() const { return created_; }
  /// 1 (lowest) to 255.
  std::uint8_t priority() const { return priority_; }
  ProcessState state() const;
  /// What it waits for; none when it does not, or for time alone. Known of a suspended process too.
  contract::EventBit waits_for() const;
  /// Whether it goes on after a time, whatever comes or does not.
  bool times_out() const;
  /// The kernel call that holds it, also while it is suspended.
  KernelCall held_in() const;
  /// CPU cycles it has used up to now, its kernel calls included, interrupts not.
  std::uint64_t cycles() const;
  /// Events that came and were not waited for yet.
  contract::EventBit awake_bits() const { return awake_; }

  class [[nodiscard]] Wait;
  class [[nodiscard]] Compute;
  class [[nodiscard]] Exit;

  /// Waits until an event of `mask` has come, or for `timeout` cycles; `co_await` it. Gives the
  /// events of `mask` that came, and forgets them; `itime` alone when time ran out first. An
  /// event that came before the wait is not lost: the wait returns at once. Timeout 0 only looks.
  Wait wait(contract::EventBit mask, std::uint64_t timeout = hal::never);

  /// Spends CPU time of its own, at least one cycle; `co_await` it. Interrupts are taken meanwhile,
  /// and a process of higher priority that becomes ready goes first.
  Compute compute(std::uint64_t cycles);

  /// Ends this process, however deep in calls it is; `co_await` it. It does not come back.
  Exit exit();

 private:
  friend class Dispatcher;
  friend class ReadyList;
  Process(Dispatcher& dispatcher, Pin pin, std::string name, std::uint8_t priority,
          std::uint64_t created, ProcessBody body);

  Dispatcher& dispatcher_;
  const Pin pin_;
  const std::string name_;
  const std::uint8_t priority_;
  const std::uint64_t created_;
  ProcessBody body_;
  Task<> task_;
  std::coroutine_handle<> resume_;  // the innermost suspended coroutine
  ProcessState state_ = ProcessState::ready;  // ready, waiting, held or stopped
  bool suspended_ = false;                    // besides
  bool stopping_ = false;                     // it runs, and is to stop when it suspends
  KernelCall held_in_ = KernelCall::none;
  contract::EventBit awake_{};
  contract::EventBit mask_{};
  TimerId timer_{};
  bool blocked_ = true;   // since it last ran: switching to it costs a dispatch
  bool waited_ = false;   // since it last ran: that costs a wait
  std::uint64_t compute_left_ = 0;
  std::uint64_t cycles_ = 0;
  Process* next_ready_ = nullptr;
};

/// The awaitable of Process::wait.
class Process::Wait {
 public:
  Wait(Process& process, contract::EventBit mask, std::uint64_t timeout)
      : process_(process), mask_(mask), timeout_(timeout) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  contract::EventBit await_resume();

 private:
  Process& process_;
  contract::EventBit mask_;
  std::uint64_t timeout_;
};

/// The awaitable of Process::compute.
class Process::Compute {
 public:
  Compute(Process& process, std::uint64_t cycles) : process_(process), cycles_(cycles) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  void await_resume() const noexcept {}

 private:
  Process& process_;
  std::uint64_t cycles_;
};

/// The awaitable of Process::exit.
class Process::Exit {
 public:
  explicit Exit(Process& process) : process_(process) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  void await_resume() const noexcept {}

 private:
  Process& process_;
};

inline Process::Wait Process::wait(contract::EventBit mask, std::uint64_t timeout) {
  return {*this, mask, timeout};
}

inline Process::Compute Process::compute(std::uint64_t cycles) { return {*this, cycles}; }

inline Process::Exit Process::exit() { return Exit(*this); }

}  // namespace xybus
