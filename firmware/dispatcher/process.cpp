#include "firmware/dispatcher/process.h"

#include <algorithm>

#include "firmware/dispatcher/dispatcher.h"

namespace xybus {

Process::Process(Dispatcher& dispatcher, Pin pin, std::string name, std::uint8_t priority,
                 ProcessBody body)
    : dispatcher_(dispatcher),
      pin_(pin),
      name_(std::move(name)),
      priority_(priority),
      body_(std::move(body)) {}

void Process::Wait::await_suspend(std::coroutine_handle<> caller) {
  process_.resume_ = caller;
  process_.dispatcher_.start_wait(process_, mask_, timeout_);
}

contract::EventBit Process::Wait::await_resume() { return process_.dispatcher_.end_wait(process_); }

void Process::Compute::await_suspend(std::coroutine_handle<> caller) {
  process_.resume_ = caller;
  process_.compute_left_ = std::max<std::uint64_t>(cycles_, 1);
}

}  // namespace xybus
