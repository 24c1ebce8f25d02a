#include "firmware/dispatcher/dispatcher.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <stdexcept>

namespace xybus {

using contract::EventBit;

Dispatcher::Dispatcher(hal::Hal& hal, const CostTable& costs)
    : hal_(hal), costs_(costs), processes_(first_pin) {}

Dispatcher::~Dispatcher() = default;

// ---- Processes ----------------------------------------------------------------------------------

Process& Dispatcher::create(std::string name, std::uint8_t priority, ProcessBody body) {
  const std::size_t pin = processes_.size();
  if (pin > std::numeric_limits<Pin>::max()) throw std::length_error("all pins are used up");
  return add(static_cast<Pin>(pin), std::move(name), priority, std::move(body));
}

Process& Dispatcher::create_reserved(Pin pin, std::string name, std::uint8_t priority,
                                     ProcessBody body) {
  if (pin >= first_pin) throw std::invalid_argument("this pin is not reserved");
  if (processes_[pin] != nullptr) throw std::invalid_argument("this reserved pin was used before");
  return add(pin, std::move(name), priority, std::move(body));
}

Process& Dispatcher::add(Pin pin, std::string name, std::uint8_t priority, ProcessBody body) {
  if (priority == 0) throw std::invalid_argument("priority 0 is the idle CPU's");
  if (pin == processes_.size()) processes_.emplace_back();
  processes_[pin].reset(
      new Process(*this, pin, std::move(name), priority, hal_.now() + 1, std::move(body)));
  Process& process = *processes_[pin];
  process.task_ = process.body_(process);
  process.resume_ = process.task_.handle();
  if (created_) created_(process);
  ready_.insert(process);
  return process;
}

Process* Dispatcher::find(Pin pin) const {
  if (pin >= processes_.size() || processes_[pin] == nullptr) return nullptr;
  Process* process = processes_[pin].get();
  return process->state_ == ProcessState::stopped ? nullptr : process;
}

void Dispatcher::stop(Process& process) {
  if (&process == running_) {
    process.stopping_ = true;
  } else if (process.state_ != ProcessState::stopped) {
    finish(process);
  }
}

void Dispatcher::wind_up() {
  after(1, [this] {
    for (const auto& process : processes_) {
      if (process != nullptr) stop(*process);
    }
  });
}

/// Nobody finds it any more while others clear up after it: it must get nothing new.
void Dispatcher::finish(Process& process) {
  process.state_ = ProcessState::stopped;
  times_.cancel(process.timer_);
  ready_.remove(process);
  if (stopped_) stopped_(process);
  process.resume_ = nullptr;
  process.task_ = {};
  process.body_ = nullptr;
  if (gone_) gone_(process);
}

void Dispatcher::suspend(Process& process) {
  if (process.state_ == ProcessState::stopped) return;
  process.suspended_ = process.blocked_ = true;
  ready_.remove(process);
}

void Dispatcher::activate(Process& process) {
  if (!process.suspended_) return;
  process.suspended_ = false;
  if (process.state_ == ProcessState::ready) ready_.insert(process);
}

void Dispatcher::set_process_hooks(ProcessHook created, ProcessHook stopped, ProcessHook gone) {
  created_ = std::move(created);
  stopped_ = std::move(stopped);
  gone_ = std::move(gone);
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
    if (process != nullptr && process->state_ != ProcessState::stopped) awake(*process, events);
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
  if (!process.suspended_) ready_.insert(process);
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
  process_.held_in_ = call_;
  dispatcher_.block(process_, ProcessState::held);
}

// ---- Running ------------------------------------------------------------------------------------

void Dispatcher::run() {
  since_ = hal_.now();
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
  account(interrupt_cycles_);
  if (interrupt_ && hal_.interrupt()) {
    hal_.consume(std::max(1U, costs_.interrupt));
    interrupt_();
  }
  if (device_ && hal_.device_interrupt()) {
    hal_.consume(std::max(1U, costs_.interrupt));
    device_();
  }
  const std::uint64_t now = hal_.now();
  while (const auto action = times_.take_due(now)) {
    if (costs_.timer != 0) hal_.consume(costs_.timer);
    (*action)();
  }
}

void Dispatcher::idle() {
  account(idle_cycles_);
  hal_.idle(times_.next());
}

void Dispatcher::dispatch(Process& process) {
  account(process.cycles_);
  if (process.compute_left_ != 0) {
    compute(process);
  } else {
    resume(process);
  }
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
  if (process.task_.done()) process.task_.rethrow();
  if (process.task_.done() || process.stopping_) finish(process);
}

// ---- Accounts -----------------------------------------------------------------------------------

void Dispatcher::account(std::uint64_t& counter) {
  const std::uint64_t now = hal_.now();
  *counter_ += now - since_;
  since_ = now;
  counter_ = &counter;
}

std::uint64_t Dispatcher::spent_on(const std::uint64_t& counter) const {
  const bool now = &counter == counter_ && since_ != hal::never;
  return counter + (now ? hal_.now() - since_ : 0);
}

unsigned Dispatcher::forgotten_timers() const {
  return static_cast<unsigned>(
      std::count_if(processes_.begin(), processes_.end(), [this](const auto& process) {
        return process != nullptr && process->state_ == ProcessState::stopped &&
               times_.active(process->timer_);
      }));
}

}  // namespace xybus
