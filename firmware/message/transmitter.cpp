#include "firmware/message/transmitter.h"

#include <algorithm>
#include <bit>

#include "firmware/message/wire.h"

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;

namespace {

// Local packets, and pieces of data, handled at one go; what is left waits for the next dispatch
// point, so that a long transfer on one CPU does not shut out interrupts.
constexpr unsigned local_burst = 16;

}  // namespace

Transmitter::Transmitter(Environment& environment, Dispatcher& dispatcher, PacketPort& port,
                         std::uint64_t longest_pause, std::size_t most_refusals,
                         PacketSource& source)
    : environment_(environment),
      dispatcher_(dispatcher),
      port_(port),
      most_refusals_(most_refusals),
      source_(source),
      repeater_(environment, dispatcher, port, longest_pause, *this),
      outbox_(environment.cpu()) {}

// ---- Answers without an LCB ---------------------------------------------------------------------

void Transmitter::refuse(unsigned cpu, const LinkHeader& link, contract::Error error) {
  LinkHeader reply = link;
  reply.set_operation(LinkOperation::reply).set_error(error).set_length(0);
  reply.set_room_or_offset(0).set_window(0).set_reply_window(0);
  if (answers_[cpu].size() >= most_refusals_) {
    ++answers_left_out_;
    return;
  }
  add_answer(cpu, reply);
}

void Transmitter::add_answer(unsigned cpu, const LinkHeader& answer) {
  answers_[cpu].push_back(answer);
  answers_for_ |= 1U << cpu;
}

LinkHeader Transmitter::take_answer(unsigned cpu) {
  const LinkHeader answer = answers_[cpu].front();
  answers_[cpu].pop_front();
  if (answers_[cpu].empty()) answers_for_ &= ~(1U << cpu);
  return answer;
}

void Transmitter::forget_refusal(unsigned cpu, LinkId link) {
  std::erase_if(answers_[cpu], [&](const LinkHeader& answer) {
    return answer.requestor_link() == link.value;
  });
  if (answers_[cpu].empty()) answers_for_ &= ~(1U << cpu);
}

void Transmitter::tell_again(unsigned cpu, WindowName window) {
  const auto same = [&](const LinkHeader& answer) {
    return answer.operation() == LinkOperation::again &&
           (answer.window() & 0xff) == (window & 0xffU);
  };
  std::erase_if(answers_[cpu], same);  // if there is one, it is for an earlier use of the window
  LinkHeader again;
  again.set_operation(LinkOperation::again).set_window(window);
  add_answer(cpu, again);
}

void Transmitter::cancel_stray(unsigned cpu, const LinkHeader& pull) {
  StrayCancels& stray = stray_cancels_[cpu];
  const auto end = stray.cancels.begin() + stray.count;
  const bool there = std::any_of(stray.cancels.begin(), end, [&](const LinkHeader& cancel) {
    return cancel.requestor_link() == pull.requestor_link();
  });
  if (there || stray.count == stray.cancels.size()) return;
  LinkHeader cancel = pull;
  cancel.set_operation(LinkOperation::cancel).set_length(0);
  cancel.set_room_or_offset(0).set_window(0);
  stray.cancels[stray.count++] = cancel;
  cancels_for_ |= 1U << cpu;
}

LinkHeader Transmitter::take_cancel(unsigned cpu) {
  StrayCancels& stray = stray_cancels_[cpu];
  const LinkHeader cancel = stray.cancels[--stray.count];
  if (stray.count == 0) cancels_for_ &= ~(1U << cpu);
  return cancel;
}

void Transmitter::forget(unsigned cpu) {
  repeater_.forget(cpu);
  answers_[cpu].clear();
  answers_for_ &= ~(1U << cpu);
  stray_cancels_[cpu].count = 0;
  cancels_for_ &= ~(1U << cpu);
}

// ---- Sending ------------------------------------------------------------------------------------

void Transmitter::pump() {
  if (pumping_) return;  // a local packet brought us here; the loop below goes on
  pumping_ = true;
  pump_local();
  source_.move_remote();
  pump_remote();
  port_.ring_doorbells();
  pumping_ = false;
}

void Transmitter::pump_remote() {
  for (;;) {
    if (send_remote_answer() || send_remote_cancel()) continue;
    Lcb* lcb = outbox_.next_remote([this](unsigned cpu) { return repeater_.may_post(cpu); });
    if (lcb == nullptr) return;
    const auto buffer = port_.allocate();
    if (!buffer) return;
    post(lcb->peer.cpu, *buffer, source_.compose(*lcb), lcb->id);
    finish(*lcb);
  }
}

/// CPUs have their turns.
bool Transmitter::send_remote_answer() {
  const std::uint32_t all = answers_for_ & ~(1U << environment_.cpu());
  const std::uint32_t after = all & ~((2U << last_answered_) - 1);
  for (const std::uint32_t part : {after, all & ~after}) {
    for (std::uint32_t left = part; left != 0; left &= left - 1) {
      const auto cpu = static_cast<unsigned>(std::countr_zero(left));
      if (!repeater_.may_post(cpu)) continue;
      if (!post_unlinked(cpu, answers_[cpu].front())) return false;
      take_answer(cpu);
      last_answered_ = cpu;
      return true;
    }
  }
  return false;
}

bool Transmitter::send_remote_cancel() {
  for (std::uint32_t left = cancels_for_ & ~(1U << environment_.cpu()); left != 0;
       left &= left - 1) {
    const auto cpu = static_cast<unsigned>(std::countr_zero(left));
    if (!repeater_.may_post(cpu)) continue;
    const StrayCancels& stray = stray_cancels_[cpu];
    if (!post_unlinked(cpu, stray.cancels[stray.count - 1])) return false;
    take_cancel(cpu);
    return true;
  }
  return false;
}

bool Transmitter::post_unlinked(unsigned cpu, const LinkHeader& header) {
  const auto buffer = port_.allocate();
  if (!buffer) return false;
  post(cpu, *buffer, {header, {}}, {});
  return true;
}

void Transmitter::post(unsigned cpu, const PacketBuffer& buffer, OutgoingPacket packet,
                       LinkId link) {
  repeater_.number(cpu, packet.header);
  const std::uint32_t length = build(packet, buffer.bytes);
  repeater_.post(cpu, buffer, length, link.value, packet.header.operation());
}

std::uint32_t Transmitter::build(const OutgoingPacket& packet, std::span<std::byte> into) {
  store(packet.header, into);
  environment_.copy(packet.data, into.subspan(link_header_bytes));
  return static_cast<std::uint32_t>(link_header_bytes + packet.data.size());
}

void Transmitter::finish(Lcb& lcb) {
  outbox_.withdraw(lcb);
  source_.posted(lcb);
}

// ---- On this CPU --------------------------------------------------------------------------------

void Transmitter::pump_local() {
  for (unsigned i = 0; i < local_burst; ++i) {
    if (!send_local() && !source_.move_local()) return;
  }
  if (local_timer_) return;
  local_timer_ = true;
  dispatcher_.after(1, [this] {
    local_timer_ = false;
    pump();
  });
}

bool Transmitter::send_local() {
  const unsigned here = environment_.cpu();
  if ((answers_for_ >> here & 1U) != 0) {
    send_local_unlinked(take_answer(here));
    return true;
  }
  if ((cancels_for_ >> here & 1U) != 0) {
    send_local_unlinked(take_cancel(here));
    return true;
  }
  Lcb* lcb = outbox_.next_local();
  if (lcb == nullptr) return false;
  const LinkId link = lcb->id;
  const OutgoingPacket packet = source_.compose(*lcb);
  const std::uint32_t length = build(packet, local_packet_);
  finish(*lcb);
  deliver_local(length, link, packet.header.operation());
  return true;
}

void Transmitter::send_local_unlinked(const LinkHeader& header) {
  const std::uint32_t length = build({header, {}}, local_packet_);
  deliver_local(length, {}, header.operation());
}

void Transmitter::deliver_local(std::uint32_t length, LinkId link, LinkOperation operation) {
  if (link) source_.accepted(link, operation);
  environment_.charge(environment_.costs.take_packet);
  source_.loopback(
      {environment_.cpu(), 0, std::span<const std::byte>(local_packet_).first(length)});
}

// ---- The fate of packets ------------------------------------------------------------------------

SentVerdict Transmitter::sent(const SentPacket& packet) {
  const Repeater::Fate fate = repeater_.sent(packet);
  if (fate == Repeater::Fate::accepted && packet.cookie != 0) {
    source_.accepted({packet.cookie}, load<LinkHeader>(packet.payload).operation());
  }
  return fate == Repeater::Fate::repeats ? SentVerdict::keep : SentVerdict::release;
}

}  // namespace xybus
