#include "workload/requestor.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "workload/links.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

// Cycles to wait before trying again what found no room, and between failures in a row.
constexpr std::uint64_t retry_pause = 1000;

// Reply buffers that are watched after their link was broken, and what they hold.
constexpr std::size_t kept_broken = 4;
constexpr std::byte unused{0xee};

// Not delivered, and nobody's fault: no link control block, or a CPU that was busy for too long.
bool is_refusal(Error error) { return error == Error::no_lcb || error == Error::timeout; }

}  // namespace

Requestor::Requestor(Process& process, Site& site, WorkloadContext& context, unsigned window,
                     std::uint64_t pause, unsigned number)
    : process_(process),
      site_(site),
      messages_(site.kernel.messages()),
      context_(context),
      slots_(window),
      number_(number),
      pause_(pause),
      random_(context.pause_random(site.cpu, number)) {}

Task<> Requestor::send(ProcessAddress server, std::uint32_t bytes, std::uint32_t reply_bytes) {
  return send_in_time(Order{server, bytes, reply_bytes});
}

Task<> Requestor::send_drawn(ProcessAddress server, const LinksSpec& links) {
  return send_in_time(Order{.server = server, .drawn = &links});
}

Task<> Requestor::send_in_time(Order order) {
  co_await send_again();
  if (pause_ != 0) co_await wait_for_time();
  co_await send(order);
}

/// Counted from send to send, so that what a send itself takes does not add to it.
Task<> Requestor::wait_for_time() {
  for (std::uint64_t now = site_.hal.now(); now < next_send_; now = site_.hal.now()) {
    co_await wait_for_end(next_send_);
  }
  next_send_ = site_.hal.now() + random_.below(2 * pause_ + 1);
}

Task<> Requestor::send(Order order) {
  for (;;) {
    Slot* slot = free_slot();
    while (slot == nullptr) {
      co_await wait_for_end();
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
    co_await wait_for_end();
  }
  for (const Broken& each : broken_) check_untouched(each);
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
  slot.id = context_.request(site_.cpu, order.server.cpu, (*next_number_)++, number_);
  slot.order = order;
  LinkDraw draw;
  if (order.drawn != nullptr) {
    draw = draw_link(*order.drawn, context_, slot.id);
  } else {
    draw.bytes = order.bytes;
    draw.room = draw.reply_bytes = order.reply_bytes;
  }
  slot.request.resize(draw.bytes);
  slot.reply.resize(draw.room);
  context_.scoreboard().content().fill(slot.id, slot.request);
  // Before the call: it takes time, in which the message may already arrive.
  context_.scoreboard().sent(slot.id, site_.hal.now(), draw.bytes, draw.reply_bytes,
                             draw.reply_error);
  const auto link =
      messages_.link(process_, order.server, slot.request, slot.reply, tag_of(slot.id));
  if (link) {
    slot.link = *link;
    slot.break_at = draw.break_after ? site_.hal.now() + *draw.break_after : hal::never;
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

Task<> Requestor::wait_for_end(std::uint64_t until) {
  for (const Slot& slot : slots_) {
    if (slot.link) until = std::min(until, slot.break_at);
  }
  const std::uint64_t now = site_.hal.now();
  co_await process_.wait(EventBit::ldone,
                         until == hal::never ? hal::never : until - std::min(until, now));
  break_due();  // first: a link may have ended that its requestor knows nothing of yet
  collect();
}

void Requestor::collect() {
  const auto is = [](LinkId link) { return [=](const auto& each) { return each.link == link; }; };
  while (const auto completion = messages_.done(process_)) {
    const auto slot = std::ranges::find_if(slots_, is(completion->link));
    if (slot != slots_.end()) {
      end(*slot, *completion);
      continue;
    }
    const auto broken = std::ranges::find_if(broken_, is(completion->link));
    if (broken == broken_.end()) throw std::logic_error("done gave a link that is not open");
    context_.scoreboard().done(broken->id, site_.hal.now(), completion->error, {});
  }
}

void Requestor::break_due() {
  for (Slot& slot : slots_) {
    if (slot.link && slot.break_at <= site_.hal.now()) break_off(slot);
  }
}

void Requestor::break_off(Slot& slot) {
  context_.scoreboard().cancelled(slot.id, site_.hal.now());
  const Error error = messages_.breaklink(process_, slot.link);
  if (error != Error::none) {
    context_.scoreboard().violated(slot.id, site_.hal.now(),
                                   fmt::format("breaklink gave {}", name(error)));
  }
  context_.ended(site_.cpu);
  // Both buffers are this process's again: what is read from them or written to them now is wrong.
  std::ranges::fill(slot.request, unused);
  std::ranges::fill(slot.reply, unused);
  if (broken_.size() < kept_broken) broken_.emplace_back();
  Broken& place = broken_[next_broken_++ % kept_broken];
  check_untouched(place);
  std::swap(place.reply, slot.reply);
  place.link = slot.link;
  place.id = slot.id;
  slot.link = {};
}

void Requestor::check_untouched(const Broken& broken) {
  const auto touched = std::ranges::find_if(broken.reply, [](std::byte b) { return b != unused; });
  if (touched == broken.reply.end()) return;
  context_.scoreboard().violated(
      broken.id, site_.hal.now(),
      fmt::format("something came into its reply buffer at offset {} after the link was broken",
                  touched - broken.reply.begin()));
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
