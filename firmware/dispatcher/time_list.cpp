#include "firmware/dispatcher/time_list.h"

#include <stdexcept>

namespace xybus {

namespace {
constexpr std::uint32_t index_mask = 0xffff;
constexpr unsigned generation_lsb = 16;
}  // namespace

TimerId TimeList::insert(std::uint64_t now, std::uint64_t cycles, Action action) {
  if (cycles == 0) cycles = 1;
  if (cycles >= hal::never - now) return {};
  const std::uint64_t due = now + cycles;
  if (head_ == none) base_ = now;
  std::uint64_t at = base_;  // the cycle of the entry in front of the place
  std::uint16_t before = none, after = head_;
  while (after != none && at + entries_[after].delta <= due) {
    at += entries_[after].delta;
    before = after;
    after = entries_[after].next;
  }
  const std::uint16_t index = allocate();
  Entry& entry = entries_[index];
  entry.action = std::move(action);
  entry.delta = due - at;
  entry.next = after;
  (before == none ? head_ : entries_[before].next) = index;
  if (after != none) entries_[after].delta -= entry.delta;
  return {index | std::uint32_t{entry.generation} << generation_lsb};
}

bool TimeList::active(TimerId id) const {
  const auto index = static_cast<std::uint16_t>(id.value & index_mask);
  if (index == none || index >= entries_.size()) return false;
  return entries_[index].active && entries_[index].generation == id.value >> generation_lsb;
}

void TimeList::cancel(TimerId id) {
  if (!active(id)) return;
  const auto index = static_cast<std::uint16_t>(id.value & index_mask);
  std::uint16_t before = none, at = head_;
  while (at != index) {
    before = at;
    at = entries_[at].next;
  }
  const std::uint16_t after = entries_[index].next;
  (before == none ? head_ : entries_[before].next) = after;
  if (after != none) entries_[after].delta += entries_[index].delta;
  release(index);
}

std::uint64_t TimeList::next() const {
  return head_ == none ? hal::never : base_ + entries_[head_].delta;
}

std::optional<TimeList::Action> TimeList::take_due(std::uint64_t now) {
  if (head_ == none || next() > now) return std::nullopt;
  const std::uint16_t index = head_;
  base_ = next();
  head_ = entries_[index].next;
  Action action = std::move(entries_[index].action);
  release(index);
  return action;
}

std::uint16_t TimeList::allocate() {
  if (free_ == none) {
    if (entries_.size() > index_mask) throw std::length_error("more than 65535 timers");
    entries_.emplace_back();
    free_ = static_cast<std::uint16_t>(entries_.size() - 1);
  }
  const std::uint16_t index = free_;
  free_ = entries_[index].next;
  entries_[index].active = true;
  ++count_;
  return index;
}

void TimeList::release(std::uint16_t index) {
  Entry& entry = entries_[index];
  entry.action = nullptr;
  entry.active = false;
  --count_;
  ++entry.generation;
  entry.next = free_;
  free_ = index;
}

}  // namespace xybus
