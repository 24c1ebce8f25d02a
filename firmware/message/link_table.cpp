#include "firmware/message/link_table.h"

#include <stdexcept>

namespace xybus {

namespace {
constexpr std::uint32_t index_mask = 0xffff;
constexpr std::uint32_t generation_step = 0x10000;
constexpr unsigned epoch_lsb = 28;  // the top of the generation
}  // namespace

LinkTable::LinkTable(unsigned lcbs, unsigned epoch) {
  if (lcbs < 1 || lcbs > index_mask) throw std::invalid_argument("lcbs must be 1 to 65535");
  lcbs_ = std::vector<Lcb>(lcbs);
  free_.reserve(lcbs);
  for (unsigned i = lcbs; i > 0; --i) {
    lcbs_[i - 1].id = {i - 1 + generation_step + (epoch << epoch_lsb)};
    free_.push_back(&lcbs_[i - 1]);
  }
}

Lcb* LinkTable::allocate() {
  if (free_.empty()) return nullptr;
  Lcb* lcb = free_.back();
  free_.pop_back();
  return lcb;
}

void LinkTable::release(Lcb& lcb) {
  assert(lcb.state != LinkState::free);
  assert(!lcb.process_hook.queued && !lcb.control_hook.queued);
  assert(!lcb.receive_hook.queued && !lcb.send_hook.queued);
  assert(lcb.early_request == no_window && lcb.in.window == no_window);
  assert(lcb.out.window == no_window);
  std::uint32_t next = lcb.id.value + generation_step;
  if (next < generation_step) next += generation_step;  // generation 0 is not used
  // The inline request is left as it is: what was read is bounded by request_length.
  lcb.state = LinkState::free;
  lcb.id = {next};
  lcb.peer = {};
  lcb.peer_link = {};
  lcb.pin = 0;
  lcb.tag = lcb.request_length = lcb.reply_room = lcb.reply_length = 0;
  lcb.error = contract::Error::none;
  lcb.request_window = 0;
  lcb.outgoing = {};
  lcb.out = {};
  lcb.in = {};
  free_.push_back(&lcb);
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
