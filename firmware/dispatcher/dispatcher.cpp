#include "firmware/dispatcher/dispatcher.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <stdexcept>

namespace xybus {

using contract::EventBit;

Dispatcher::Dispatcher(hal::Hal& hal, const CostTable& costs) : hal_(hal), costs_(costs) {}

Dispatcher::~Dispatcher() = default;

// ---- Processes ----------------------------------------------------------------------------------

Process& Dispatcher::create(std::string name, std::uint8_t priority, ProcessBody body) {
  if (priority == 0) throw std::invalid_argument("priority 0 is the idle CPU's");
  const std::size_t pin = first_pin + processes_.size();
  if (pin > std::numeric_limits<Pin>::max()) throw std::length_error("all pins are used up");
  processes_.emplace_back(new Process(*this, static_cast<Pin>(pin), std::move(name), priority,
                                      std::move(body)));
  Process& process = *processes_.back();
  process.task_ = process.body_(process);
  process.resume_ = process.task_.handle();
  if (created_) created_(process);
  ready_.insert(process);
  return process;
}

Process* Dispatcher::find(Pin pin) const {
  if (pin < first_pin || pin - first_pin >= static_cast<int>(processes_.size())) return nullptr;
  Process* process = processes_[pin - first_pin].get();
  return process->state_ == ProcessState::stopped ? nullptr : process;
}

void Dispatcher::stop(Process& process) {
  if (&process == running_) throw std::logic_error("a process cannot stop itself: return instead");
  if (process.state_ != ProcessState::stopped) finish(process);
}

void Dispatcher::finish(Process& process) {
  if (stopped_) stopped_(process);
  times_.cancel(process.timer_);
  ready_.remove(process);
  process.state_ = ProcessState::stopped;
  process.resume_ = nullptr;
  process.task_ = {};
  process.body_ = nullptr;
}

void Dispatcher::set_process_hooks(ProcessHook created, ProcessHook stopped) {
  created_ = std::move(created);
  stopped_ = std::move(stopped);
}

// ---- Events and time ----------------------------------------------------------------------------

void Dispatcher::awake(Process& process, EventBit events) {
  process.awake_ = process.awake_ | events;
  if (process.state_ == ProcessState::waiting && any(process.awake_ & process.mask_)) {
    make_ready(process);
  }
}

void Dispatcher::awake_all(EventBit events) {
  for (const auto& process : processes_) {
    if (process->state_ != ProcessState::stopped) awake(*process, events);
  }
}

void Dispatcher::release(Process& process) {
  if (process.state_ == ProcessState::held) make_ready(process);
}

TimerId Dispatcher::after(std::uint64_t cycles, TimeList::Action action) {
  return times_.insert(hal_.now(), cycles, std::move(action));
}

void Dispatcher::make_ready(Process& process) {
  process.state_ = ProcessState::ready;
  ready_.insert(process);
}

void Dispatcher::block(Process& process, ProcessState state) {
  ready_.remove(process);
  process.state_ = state;
  process.blocked_ = true;
}

void Dispatcher::start_wait(Process& process, EventBit mask, std::uint64_t timeout) {
  process.mask_ = mask;
  process.waited_ = true;
  if (any(process.awake_ & mask) || timeout == 0) return;  // it stays ready
  block(process, ProcessState::waiting);
  process.timer_ = after(timeout, [this, &process] {
    if (process.state_ == ProcessState::waiting) make_ready(process);
  });
}

EventBit Dispatcher::end_wait(Process& process) {
  times_.cancel(process.timer_);
  process.timer_ = {};
  const EventBit came = process.awake_ & process.mask_;
  process.awake_ = process.awake_ & ~came;
  return any(came) ? came : EventBit::itime;
}

void Dispatcher::Hold::await_suspend(std::coroutine_handle<> caller) {
  process_.resume_ = caller;
  dispatcher_.block(process_, ProcessState::held);
}

// ---- Running ------------------------------------------------------------------------------------

void Dispatcher::run() {
  for (;;) {
    poll();
    Process* next = ready_.front();
    if (next == nullptr) {
      idle();
    } else {
      dispatch(*next);
    }
  }
}

void Dispatcher::poll() {
  const std::uint64_t begin = hal_.now();
  if (interrupt_ && hal_.interrupt()) {
    hal_.consume(std::max(1U, costs_.interrupt));
    interrupt_();
  }
  const std::uint64_t now = hal_.now();
  while (const auto action = times_.take_due(now)) {
    if (costs_.timer != 0) hal_.consume(costs_.timer);
    (*action)();
  }
  interrupt_cycles_ += hal_.now() - begin;
}

void Dispatcher::idle() {
  const std::uint64_t begin = hal_.now();
  hal_.idle(times_.next());
  idle_cycles_ += hal_.now() - begin;
}

void Dispatcher::dispatch(Process& process) {
  const std::uint64_t begin = hal_.now();
  if (process.compute_left_ != 0) {
    compute(process);
  } else {
    resume(process);
  }
  process.cycles_ += hal_.now() - begin;
}

/// Time passes as in idle, so that an interrupt or a timer is seen in the cycle in which it comes.
void Dispatcher::compute(Process& process) {
  const std::uint64_t begin = hal_.now();
  hal_.idle(std::min(begin + process.compute_left_, times_.next()));
  process.compute_left_ -= std::min(process.compute_left_, hal_.now() - begin);
}

void Dispatcher::resume(Process& process) {
  std::uint32_t cost = process.waited_ ? costs_.wait : 0;
  if (process.blocked_ || &process != last_) cost += costs_.dispatch;
  hal_.consume(std::max(1U, cost));
  process.blocked_ = process.waited_ = false;
  last_ = running_ = &process;
  process.resume_.resume();
  running_ = nullptr;
  if (!process.task_.done()) return;
  process.task_.rethrow();
  finish(process);
}

}  // namespace xybus
