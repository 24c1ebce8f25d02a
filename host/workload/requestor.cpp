#include "workload/requestor.h"

#include <algorithm>

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

// Cycles to wait before trying again what found no room, and between failures in a row.
constexpr std::uint64_t retry_pause = 1000;

// Not delivered, and nobody's fault: no link control block, or a CPU that was busy for too long.
bool is_refusal(Error error) { return error == Error::no_lcb || error == Error::timeout; }

}  // namespace

Requestor::Requestor(Process& process, Site& site, WorkloadContext& context, unsigned window,
                     std::uint64_t pause)
    : process_(process),
      site_(site),
      messages_(site.kernel.messages()),
      context_(context),
      slots_(window),
      pause_(pause),
      random_(context.pause_random(site.cpu)) {}

Task<> Requestor::send(ProcessAddress server, std::uint32_t bytes, std::uint32_t reply_bytes) {
  co_await send_again();
  if (pause_ != 0) co_await wait_for_time();
  co_await send(Order{server, bytes, reply_bytes});
}

/// Counted from send to send, so that what a send itself takes does not add to it.
Task<> Requestor::wait_for_time() {
  for (std::uint64_t now = site_.hal.now(); now < next_send_; now = site_.hal.now()) {
    co_await process_.wait(EventBit::ldone, next_send_ - now);
    collect();
  }
  next_send_ = site_.hal.now() + random_.below(2 * pause_ + 1);
}

Task<> Requestor::send(Order order) {
  for (;;) {
    Slot* slot = free_slot();
    while (slot == nullptr) {
      co_await process_.wait(EventBit::ldone);
      collect();
      slot = free_slot();
    }
    if (start(*slot, order)) {
      // A failure at once takes no time: do not spin through all messages in one cycle.
      if (!slot->link) co_await process_.wait(EventBit{}, retry_pause);
      co_return;
    }
    co_await process_.wait(EventBit{}, retry_pause);
  }
}

Task<> Requestor::send_again() {
  while (!again_.empty()) {
    const Order order = again_.front();
    again_.erase(again_.begin());
    co_await process_.wait(EventBit{}, retry_pause);
    co_await send(order);
  }
}

Task<> Requestor::finish() {
  for (;;) {
    co_await send_again();
    if (!outstanding()) break;
    co_await process_.wait(EventBit::ldone);
    collect();
  }
}

Requestor::Slot* Requestor::free_slot() {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [](const Slot& each) { return !each.link; });
  return found == slots_.end() ? nullptr : &*found;
}

bool Requestor::outstanding() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& each) { return bool(each.link); });
}

bool Requestor::start(Slot& slot, const Order& order) {
  slot.id = context_.request(site_.cpu, order.server.cpu, next_number_++);
  slot.order = order;
  slot.request.resize(order.bytes);
  slot.reply.resize(order.reply_bytes);
  context_.scoreboard().content().fill(slot.id, slot.request);
  // Before the call: it takes time, in which the message may already arrive.
  context_.scoreboard().sent(slot.id, site_.hal.now(), order.bytes, order.reply_bytes);
  const auto link =
      messages_.link(process_, order.server, slot.request, slot.reply, slot.id.number);
  if (link) {
    slot.link = *link;
    return true;
  }
  if (is_refusal(link.error())) {
    context_.scoreboard().refused(slot.id);
    return false;
  }
  context_.scoreboard().done(slot.id, site_.hal.now(), link.error(), {});
  context_.ended(site_.cpu);
  return true;
}

void Requestor::collect() {
  while (const auto completion = messages_.done(process_)) {
    const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& each) {
      return each.link == completion->link;
    });
    assert(slot != slots_.end());
    end(*slot, *completion);
  }
}

void Requestor::end(Slot& slot, const Completion& completion) {
  if (is_refusal(completion.error)) {
    context_.scoreboard().refused(slot.id);
    again_.push_back(slot.order);
  } else {
    const std::size_t length = std::min<std::size_t>(completion.reply_length, slot.reply.size());
    context_.scoreboard().done(slot.id, site_.hal.now(), completion.error,
                               std::span(slot.reply).first(length));
    context_.ended(site_.cpu);
  }
  messages_.breaklink(process_, completion.link);
  slot.link = {};
}

}  // namespace xybus
