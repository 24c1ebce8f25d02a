#include "firmware/message/link_table.h"

#include <algorithm>
#include <stdexcept>

namespace xybus {

namespace {
constexpr std::uint32_t index_mask = 0xffff;
constexpr std::uint32_t generation_step = 0x10000;
constexpr unsigned epoch_lsb = 28;  // the top of the generation

// The pool is low with less than a tenth of it free, and not any more with a fifth: one that stays
// about a limit is told of once.
constexpr unsigned low_divisor = 10;
constexpr unsigned recovered_divisor = 5;

unsigned checked(unsigned lcbs) {
  if (lcbs < 1 || lcbs > index_mask) throw std::invalid_argument("lcbs must be 1 to 65535");
  return lcbs;
}
}  // namespace

void Mailbox::queue(Lcb& lcb) {
  if (order == QueueOrder::arrival) {
    requests.push(lcb);
  } else {
    requests.push_behind(lcb, [&](const Lcb& other) { return other.priority >= lcb.priority; });
  }
}

LinkTable::LinkTable(unsigned lcbs, unsigned epoch, unsigned reserve)
    : pool_(checked(lcbs)),
      lcbs_(pool_ + std::min(reserve, index_mask + 1 - pool_)),
      served_(pool_) {
  free_.reserve(pool_);
  free_reserve_.reserve(lcbs_.size() - pool_);
  for (std::size_t i = lcbs_.size(); i > 0; --i) {
    const auto index = static_cast<std::uint32_t>(i - 1);
    lcbs_[index].id = {index + generation_step + (epoch << epoch_lsb)};
    (index < pool_ ? free_ : free_reserve_).push_back(&lcbs_[index]);
  }
}

LcbQuota& LinkTable::quota(LinkState state, Pin pin) {
  Mailbox& its = mailbox(pin);
  return is_requestor_end(state) ? its.send : its.receive;
}

Lcb* LinkTable::allocate(LinkState first, Pin pin) {
  LcbQuota& held = quota(first, pin);
  if (free_.empty() || held.used_up()) return nullptr;
  Lcb* lcb = free_.back();
  free_.pop_back();
  ++held.held;
  lcb->state = first;
  lcb->pin = pin;
  if (!low_ && free_.size() * low_divisor < pool_) {
    low_ = true;
    if (low_handler_) low_handler_(free_count());
  }
  return lcb;
}

Lcb* LinkTable::allocate_reserved(SystemCode code, Pin pin) {
  assert(code != SystemCode::none);
  if (free_reserve_.empty()) return nullptr;
  Lcb* lcb = free_reserve_.back();
  free_reserve_.pop_back();
  lcb->state = LinkState::waiting;
  lcb->pin = pin;
  lcb->system = code;
  return lcb;
}

void LinkTable::release(Lcb& lcb) {
  assert(lcb.state != LinkState::free);
  assert(!lcb.process_hook.queued && !lcb.control_hook.queued);
  assert(!lcb.receive_hook.queued && !lcb.send_hook.queued);
  assert(lcb.early_request == no_window && lcb.in.window == no_window);
  assert(lcb.out.window == no_window);
  const bool reserved = lcb.system != SystemCode::none;
  if (!reserved) {
    LcbQuota& held = quota(lcb.state, lcb.pin);
    assert(held.held > 0);
    --held.held;
    if (is_server_end(lcb.state)) {
      served_.remove(lcb);
      --served_for_[lcb.peer.cpu];
    }
  }
  std::uint32_t next = lcb.id.value + generation_step;
  if (next < generation_step) next += generation_step;  // generation 0 is not used
  // The inline request is left as it is: what was read is bounded by request_length.
  lcb.state = LinkState::free;
  lcb.id = {next};
  lcb.peer = {};
  lcb.peer_link = {};
  lcb.pin = 0;
  lcb.priority = 0;
  lcb.system = SystemCode::none;
  lcb.tag = lcb.request_length = lcb.reply_room = lcb.reply_length = 0;
  lcb.error = contract::Error::none;
  lcb.request_window = 0;
  lcb.outgoing = {};
  lcb.out = {};
  lcb.in = {};
  (reserved ? free_reserve_ : free_).push_back(&lcb);
  if (low_ && free_.size() * recovered_divisor >= pool_) low_ = false;
}

Lcb* LinkTable::find(LinkId id) {
  const std::uint32_t index = id.value & index_mask;
  if (index >= lcbs_.size()) return nullptr;
  Lcb& lcb = lcbs_[index];
  return lcb.id == id && lcb.state != LinkState::free ? &lcb : nullptr;
}

Mailbox& LinkTable::mailbox(Pin pin) {
  if (pin >= mailboxes_.size()) mailboxes_.resize(pin + 1U);
  return mailboxes_[pin];
}

}  // namespace xybus
