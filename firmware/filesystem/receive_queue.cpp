#include "firmware/filesystem/receive_queue.h"

#include <algorithm>

#include "firmware/process/process_message.h"

namespace xybus {

using contract::FileOperation;

bool from_process_control(FileOperation operation) { return system_code(operation) != 0; }

namespace {

bool of_pair(FileOperation operation) {
  return operation >= FileOperation::checkpoint && operation <= FileOperation::checkswitch;
}

}  // namespace

void ReceiveQueue::gather() {
  MessageSystem& messages = guardian_.messages();
  while (const auto request = messages.listen(guardian_.process())) sort(*request);
  while (const auto link = messages.cancelled(guardian_.process())) cancelled(*link);
  while (!timers_.empty() && timers_.front().at <= guardian_.now()) {
    add(system_number::timer, timers_.front().tag);
    timers_.erase(timers_.begin());
  }
}

void ReceiveQueue::sort(const Request& request) {
  const Arrival arrival{request};
  if (request.system == SystemCode::none && of_pair(arrival.operation())) {
    pair_.push_back(request);
  } else {
    arrivals_.push_back(arrival);
  }
}

void ReceiveQueue::cancelled(LinkId link) {
  const auto arrived =
      std::ranges::find(arrivals_, link, [](const Arrival& a) { return a.request.link; });
  const auto of_pair = std::ranges::find(pair_, link, &Request::link);
  if (arrived != arrivals_.end()) {
    arrivals_.erase(arrived);
    dropped_.push_back(link);
  } else if (of_pair != pair_.end()) {
    pair_.erase(of_pair);
    dropped_.push_back(link);
  } else {
    cancelled_.push_back(link);
  }
}

template <class T>
std::optional<T> ReceiveQueue::pop(std::vector<T>& from) {
  if (from.empty()) return std::nullopt;
  const T first = from.front();
  from.erase(from.begin());
  return first;
}

std::optional<Arrival> ReceiveQueue::take() { return pop(arrivals_); }
std::optional<Request> ReceiveQueue::take_pair() { return pop(pair_); }
std::optional<LinkId> ReceiveQueue::take_cancelled() { return pop(cancelled_); }
std::optional<LinkId> ReceiveQueue::take_dropped() { return pop(dropped_); }

std::optional<Request> ReceiveQueue::take_request() {
  const auto at = std::ranges::find_if(arrivals_, [](const Arrival& arrival) {
    return arrival.request.link && arrival.request.system == SystemCode::none &&
           !from_process_control(arrival.operation());
  });
  if (at == arrivals_.end()) return std::nullopt;
  const Request request = at->request;
  arrivals_.erase(at);
  return request;
}

std::optional<Arrival> ReceiveQueue::take_open() {
  const auto at = std::ranges::find_if(arrivals_, [](const Arrival& arrival) {
    return arrival.request.link && arrival.request.system == SystemCode::none &&
           arrival.operation() == FileOperation::open;
  });
  if (at == arrivals_.end()) return std::nullopt;
  const Arrival open = *at;
  arrivals_.erase(at);
  return open;
}

bool ReceiveQueue::has(FileOperation operation) const {
  return std::ranges::any_of(arrivals_, [operation](const Arrival& arrival) {
    return arrival.request.link && arrival.request.system == SystemCode::none &&
           arrival.operation() == operation;
  });
}

void ReceiveQueue::withdraw(std::int16_t system, std::uint32_t subject) {
  std::erase_if(arrivals_, [&](const Arrival& arrival) {
    return !arrival.request.link && arrival.system == system && arrival.subject == subject;
  });
}

bool ReceiveQueue::set_timer(std::uint64_t cycles, std::uint32_t tag) {
  const auto unread = std::ranges::count_if(arrivals_, [](const Arrival& arrival) {
    return !arrival.request.link && arrival.system == system_number::timer;
  });
  if (timers_.size() + static_cast<std::size_t>(unread) >= most_timers) return false;
  const std::uint64_t now = guardian_.now();
  const std::uint64_t at = cycles < hal::never - now ? now + cycles : hal::never;
  const auto after = [](std::uint64_t t, const Timer& timer) { return t < timer.at; };
  timers_.insert(std::upper_bound(timers_.begin(), timers_.end(), at, after), {at, tag});
  return true;
}

std::uint64_t ReceiveQueue::next_timer() const {
  return timers_.empty() ? hal::never : timers_.front().at;
}

}  // namespace xybus
