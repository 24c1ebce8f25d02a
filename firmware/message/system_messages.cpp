#include "firmware/message/system_messages.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "firmware/message/wire.h"

namespace xybus {

namespace {
constexpr std::uint8_t kernel_priority = std::numeric_limits<std::uint8_t>::max();
}

bool SystemMessages::queue(Process& process, SystemMessage message) {
  Lcb* lcb = table_.allocate_reserved(message.code, process.pin());
  if (lcb == nullptr) return false;
  lcb->since = environment_.hal().now();
  lcb->peer = {static_cast<std::uint8_t>(environment_.cpu()), 0};
  lcb->priority = kernel_priority;
  lcb->tag = message.subject;
  lcb->request_length = system_message_bytes;
  const std::span<std::byte> data(lcb->inline_request);
  store_word(static_cast<std::uint32_t>(message.code), data);
  store_word(message.subject, data.subspan(4));
  table_.mailbox(process.pin()).queue(*lcb);
  environment_.observe({.kind = KernelEvent::system_message,
                        .pin = process.pin(),
                        .link = lcb->id.value,
                        .tag = message.subject,
                        .bytes = system_message_bytes});
  dispatcher_.awake(process, contract::EventBit::lreq);
  if (message.code == SystemCode::cpu_down && !timer_) arm(lcb->since + expiry_);
  return true;
}

void SystemMessages::arm(std::uint64_t at) {
  const std::uint64_t now = environment_.hal().now();
  timer_ = dispatcher_.after(at > now ? at - now : 1, [this] {
    timer_ = {};
    expire();
  });
}

void SystemMessages::expire() {
  const std::uint64_t now = environment_.hal().now();
  std::uint64_t next = hal::never;
  for (Lcb& lcb : table_.all()) {
    const bool unread = lcb.state == LinkState::waiting && lcb.system == SystemCode::cpu_down;
    if (!unread) continue;
    if (now < lcb.since + expiry_) {
      next = std::min(next, lcb.since + expiry_);
      continue;
    }
    table_.mailbox(lcb.pin).requests.remove(lcb);
    table_.release(lcb);
  }
  if (next != hal::never) arm(next);
  pay();
}

void SystemMessages::monitor_cpus(Process& process, std::uint32_t mask) {
  const auto at = std::find_if(monitors_.begin(), monitors_.end(),
                               [&](const Monitor& m) { return m.pin >= process.pin(); });
  const bool there = at != monitors_.end() && at->pin == process.pin();
  if (there && mask == 0) {
    monitors_.erase(at);
  } else if (there) {
    at->mask = mask;
    at->owed_down &= mask;
    at->owed_up &= mask;
  } else if (mask != 0) {
    monitors_.insert(at, {.pin = process.pin(), .mask = mask});
  }
}

Lcb* SystemMessages::find_queued(Pin pin, SystemMessage message) {
  return table_.mailbox(pin).requests.find([&](const Lcb& lcb) {
    return lcb.system == message.code && lcb.tag == message.subject;
  });
}

void SystemMessages::cpu_down(unsigned cpu) {
  const std::uint32_t bit = 1U << cpu;
  for (Monitor& monitor : monitors_) {
    if ((monitor.mask & bit) == 0) continue;
    monitor.owed_up &= ~bit;
    if (Lcb* up = find_queued(monitor.pin, {SystemCode::cpu_up, cpu})) {
      table_.mailbox(monitor.pin).requests.remove(*up);
      table_.release(*up);
    }
    if (find_queued(monitor.pin, {SystemCode::cpu_down, cpu}) == nullptr) {
      monitor.owed_down |= bit;
    }
  }
  pay();
}

void SystemMessages::cpu_up(unsigned cpu) {
  const std::uint32_t bit = 1U << cpu;
  for (Monitor& monitor : monitors_) {
    if ((monitor.mask & bit) == 0) continue;
    if (find_queued(monitor.pin, {SystemCode::cpu_up, cpu}) == nullptr) monitor.owed_up |= bit;
  }
  pay();
}

void SystemMessages::pay() {
  for (Monitor& monitor : monitors_) {
    if (!pay(monitor, monitor.owed_down, SystemCode::cpu_down)) return;
    if (!pay(monitor, monitor.owed_up, SystemCode::cpu_up)) return;
  }
}

/// False when no LCB is left.
bool SystemMessages::pay(const Monitor& monitor, std::uint32_t& owed, SystemCode code) {
  Process* process = dispatcher_.find(monitor.pin);
  for (std::uint32_t left = owed; left != 0 && process != nullptr; left &= left - 1) {
    const auto cpu = static_cast<unsigned>(std::countr_zero(left));
    if (!queue(*process, {code, cpu})) return false;
    owed &= ~(1U << cpu);
  }
  return true;
}

void SystemMessages::end(Lcb& lcb) {
  table_.release(lcb);
  pay();
}

void SystemMessages::process_stopped(Pin pin) {
  std::erase_if(monitors_, [pin](const Monitor& monitor) { return monitor.pin == pin; });
}

unsigned SystemMessages::owed() const {
  unsigned count = 0;
  for (const Monitor& monitor : monitors_) {
    count += static_cast<unsigned>(std::popcount(monitor.owed_down) +
                                   std::popcount(monitor.owed_up));
  }
  return count;
}

}  // namespace xybus
