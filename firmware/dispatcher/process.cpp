#include "firmware/dispatcher/process.h"

#include <algorithm>
#include <cassert>

#include "firmware/dispatcher/dispatcher.h"

namespace xybus {

Process::Process(Dispatcher& dispatcher, Pin pin, std::string name, std::uint8_t priority,
                 std::uint64_t created, ProcessBody body)
    : dispatcher_(dispatcher),
      pin_(pin),
      name_(std::move(name)),
      priority_(priority),
      created_(created),
      body_(std::move(body)) {}

ProcessState Process::state() const {
  if (state_ == ProcessState::stopped) return state_;
  if (dispatcher_.running() == this) return ProcessState::running;
  return suspended_ ? ProcessState::suspended : state_;
}

contract::EventBit Process::waits_for() const {
  return state_ == ProcessState::waiting ? mask_ : contract::EventBit{};
}

bool Process::times_out() const {
  return state_ == ProcessState::waiting && dispatcher_.times_.active(timer_);
}

KernelCall Process::held_in() const {
  return state_ == ProcessState::held ? held_in_ : KernelCall::none;
}

std::uint64_t Process::cycles() const { return dispatcher_.spent_on(cycles_); }

void Process::Wait::await_suspend(std::coroutine_handle<> caller) {
  process_.resume_ = caller;
  process_.dispatcher_.start_wait(process_, mask_, timeout_);
}

contract::EventBit Process::Wait::await_resume() { return process_.dispatcher_.end_wait(process_); }

void Process::Exit::await_suspend(std::coroutine_handle<>) {
  assert(process_.state() == ProcessState::running);
  process_.dispatcher_.stop(process_);
}

void Process::Compute::await_suspend(std::coroutine_handle<> caller) {
  process_.resume_ = caller;
  process_.compute_left_ = std::max<std::uint64_t>(cycles_, 1);
}

}  // namespace xybus
