/// The dispatcher: decides which process runs, and lets time and interrupts in between.
///
/// It runs on the one thread of control that a CPU has. Processes are preempted at suspension
/// points (wait, compute, kernel calls that suspend); interrupts and timers are looked at there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/dispatcher/cost_table.h"
#include "firmware/dispatcher/process.h"
#include "firmware/dispatcher/ready_list.h"
#include "firmware/dispatcher/time_list.h"
#include "firmware/hal/hal.h"

namespace xybus {

class Dispatcher {
 public:
  /// The first pin given out; the ones below belong to the system monitor and its kind.
  static constexpr Pin first_pin = 3;

  Dispatcher(hal::Hal& hal, const CostTable& costs);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Makes a process that is ready to run; before `run` or while it goes on. Pins are given out
  /// upwards from `first_pin`. `priority` is 1 to 255, else std::invalid_argument. The process
  /// stays valid, stopped or not, as long as the dispatcher.
  Process& create(std::string name, std::uint8_t priority, ProcessBody body);

  /// The same for one of the kernel's own, with a pin below `first_pin` that was not used before,
  /// else std::invalid_argument.
  Process& create_reserved(Pin pin, std::string name, std::uint8_t priority, ProcessBody body);

  /// The process with this pin; nullptr when there is none or it has stopped.
  Process* find(Pin pin) const;

  /// All processes that ever were, by pin; null where there was none.
  std::span<const std::unique_ptr<Process>> processes() const { return processes_; }

  /// Stops a process at the point where it is suspended; one that runs, when it next comes to such
  /// a point (see Process::exit). What it holds is given back. No error when it has stopped.
  void stop(Process& process);

  /// Stops all processes at the next dispatch point, for good: for whoever looks for leaks. Not
  /// from firmware that runs.
  void wind_up();

  /// Lets a process run no more until `activate`. It keeps its events, and what comes for it
  /// meanwhile, time that runs out included; a kernel call that holds it goes on. One that runs
  /// goes on to its next suspension point. Suspending twice is the same as once.
  void suspend(Process& process);
  /// Goes behind its equals if it could run; no error when it was not suspended.
  void activate(Process& process);

  /// Gives a process events; it becomes ready if it waits for one of them.
  void awake(Process& process, contract::EventBit events);

  /// Gives events to every process.
  void awake_all(contract::EventBit events);

  /// Calls `action` in `cycles` (at least 1) from now, at a dispatch point.
  TimerId after(std::uint64_t cycles, TimeList::Action action);

  /// Calls a timer off; one that has gone off is not an error.
  void cancel(TimerId id) { times_.cancel(id); }

  /// What is called, at a dispatch point, when the interrupt line is up.
  void set_interrupt_handler(std::function<void()> handler) { interrupt_ = std::move(handler); }

  /// The same when a device interrupts. It has to acknowledge that.
  void set_device_handler(std::function<void()> handler) { device_ = std::move(handler); }

  using ProcessHook = std::function<void(Process&)>;
  /// Who else needs to know of processes: called after one was made, when one is stopping and all
  /// that its code holds is there still, and when that is gone too.
  void set_process_hooks(ProcessHook created, ProcessHook stopped, ProcessHook gone = {});

  class [[nodiscard]] Hold;
  /// For kernel calls: holds the running process in this one until `release`. Not an event: the
  /// awake/wait word stays as it is.
  Hold hold(Process& process, KernelCall call);
  void release(Process& process);

  /// Runs processes for ever. Ends only by an exception: hal::Halted, or what a process threw.
  void run();

  /// The process that runs; nullptr at interrupt level and when idle.
  Process* running() const { return running_; }

  // Where time went, up to now. These and the cycles of all processes together are all the time
  // since the beginning of `run`.
  std::uint64_t idle_cycles() const { return spent_on(idle_cycles_); }
  std::uint64_t interrupt_cycles() const { return spent_on(interrupt_cycles_); }

  /// Timers that run; and how many of them are of processes that do not wait any more.
  unsigned timers() const { return times_.size(); }
  unsigned forgotten_timers() const;

 private:
  friend class Process;
  friend class Process::Wait;
  friend class Process::Compute;

  Process& add(Pin pin, std::string name, std::uint8_t priority, ProcessBody body);
  void account(std::uint64_t& counter);
  std::uint64_t spent_on(const std::uint64_t& counter) const;
  void start_wait(Process& process, contract::EventBit mask, std::uint64_t timeout);
  contract::EventBit end_wait(Process& process);
  void make_ready(Process& process);
  void block(Process& process, ProcessState state);
  void poll();
  void idle();
  void dispatch(Process& process);
  void compute(Process& process);
  void resume(Process& process);
  void finish(Process& process);

  hal::Hal& hal_;
  const CostTable costs_;
  std::vector<std::unique_ptr<Process>> processes_;  // by pin; those not used are null
  ReadyList ready_;
  TimeList times_;
  std::function<void()> interrupt_, device_;
  ProcessHook created_, stopped_, gone_;
  Process* running_ = nullptr;
  Process* last_ = nullptr;  // whose context the CPU holds
  std::uint64_t idle_cycles_ = 0;
  std::uint64_t interrupt_cycles_ = 0;
  std::uint64_t* counter_ = &interrupt_cycles_;  // what is spent since then is counted here
  std::uint64_t since_ = hal::never;             // never: `run` has not begun
};

/// The awaitable of Dispatcher::hold.
class Dispatcher::Hold {
 public:
  Hold(Dispatcher& dispatcher, Process& process, KernelCall call)
      : dispatcher_(dispatcher), process_(process), call_(call) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  void await_resume() const noexcept {}

 private:
  Dispatcher& dispatcher_;
  Process& process_;
  KernelCall call_;
};

inline Dispatcher::Hold Dispatcher::hold(Process& process, KernelCall call) {
  return {*this, process, call};
}

}  // namespace xybus
