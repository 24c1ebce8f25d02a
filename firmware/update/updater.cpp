#include "firmware/update/updater.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include "firmware/message/wire.h"
#include "firmware/update/converse.h"
#include "firmware/update/monitor.h"

namespace xybus {

using contract::EventBit;
using contract::MonitorRequest;
using contract::UpdateHeader;

namespace {

// Cycles until something is tried again that another CPU was not ready for.
constexpr std::uint64_t retry_cycles = 5000;

// How long a CPU that joins may take for the image, since updates wait for it: many times what it
// takes on busy buses.
constexpr std::uint64_t load_intervals = 8;
constexpr std::uint64_t load_cycles_of_byte = 16;


// Without what cannot change: that update is no good, wherever it is sent.
bool may_work_later(contract::Error error) {
  return error != contract::Error::none && error != contract::Error::bounds;
}

}  // namespace

UpdateRequest::UpdateRequest(unsigned table, std::span<const std::byte> content)
    : size_(Update::header_bytes + content.size()) {
  if (size_ > bytes_.size()) throw std::length_error("an update is too long");
  UpdateHeader header;
  header.set_request(MonitorRequest::update)
      .set_table(table)
      .set_length(static_cast<std::uint32_t>(content.size()));
  store(header, bytes_);
  std::copy(content.begin(), content.end(), bytes_.begin() + Update::header_bytes);
}

Task<> Updater::run(Process& self) {
  for (;;) {
    co_await keep_order(self);
    if (const auto request = messages_.listen(self)) {
      co_await answer(self, *request);
    } else {
      co_await self.wait(EventBit::lreq | EventBit::pon, waits() ? retry_cycles : hal::never);
    }
  }
}

/// For something that nobody wakes it for: a lease, or another CPU that was not ready.
bool Updater::waits() const {
  if (!locker()) return false;
  return ordered_view_ != membership_.view().number ||
         std::ranges::any_of(joiners_, [](const auto& joiner) { return joiner.has_value(); });
}

bool Updater::locker() const {
  return membership_.member() && lowest(membership_.view().members.mask) == environment_.cpu();
}

/// A new number may be given: nobody else can be locker, and everybody has all up to the last one.
bool Updater::in_charge() const {
  return locker() && membership_.operational() && ordered_view_ == membership_.view().number;
}

/// What a locker does before it takes the next update.
Task<> Updater::keep_order(Process& self) {
  while (locker() && ordered_view_ != membership_.view().number) co_await reconcile(self);
  if (locker()) co_await load_joiners(self);
}

// ---- A new locker -------------------------------------------------------------------------------

/// Members differ by one update at most: the one that the last locker was sending out.
Task<> Updater::reconcile(Process& self) {
  const std::uint32_t view = membership_.view().number;
  std::uint32_t behind = 0;
  const std::uint32_t others = membership_.view().members.mask & ~(1U << environment_.cpu());
  for (std::uint32_t left = others; left != 0; left &= left - 1) {
    const unsigned cpu = lowest(left);
    UpdateHeader query;
    query.set_request(MonitorRequest::query);
    store(query, out_);
    const auto answer =
        co_await converse(messages_, self, {static_cast<std::uint8_t>(cpu), Monitor::pin},
                          std::span(out_).first(Update::header_bytes), in_);
    if (membership_.view().number != view) co_return;
    Update theirs;
    if (answer.error != Error::none ||
        !theirs.load(std::span(in_).first(answer.reply_length))) {
      co_await self.wait(EventBit{}, retry_cycles);
      co_return;
    }
    const auto verdict = replica_.apply(theirs);
    // Nobody has more than one that a locker lacks; so it is this CPU that has gone wrong.
    if (verdict == Replica::Verdict::gap) membership_.tables_differ();
    // Whoever was asked before had no more than this CPU, and lacks what it gets now.
    if (verdict == Replica::Verdict::applied) behind = ~left;
    if (theirs.header.number() < replica_.number() || verdict == Replica::Verdict::conflict) {
      behind |= 1U << cpu;  // or has gone wrong, and finds that out
    }
  }
  for (behind &= membership_.view().members.mask & ~(1U << environment_.cpu()); behind != 0;
       behind &= behind - 1) {
    update_ = replica_.last();
    co_await send(self, lowest(behind), update_);
    if (membership_.view().number != view) co_return;
  }
  ordered_view_ = view;
}

// ---- A CPU that joins ---------------------------------------------------------------------------

Task<> Updater::load_joiners(Process& self) {
  for (unsigned cpu = 0; cpu < joiners_.size(); ++cpu) {
    if (!joiners_[cpu] || !in_charge()) continue;
    const unsigned epoch = *std::exchange(joiners_[cpu], std::nullopt);
    co_await load(self, cpu, epoch);
  }
}

/// No update begins until it is a member, or is not to be one: what it is loaded with is all there
/// is.
Task<> Updater::load(Process& self, unsigned joiner, unsigned epoch) {
  const std::uint32_t view = membership_.view().number;
  const auto tables = replica_.image();
  image_.resize(Update::header_bytes + tables.size());
  UpdateHeader header;
  header.set_request(MonitorRequest::load);
  store(header, image_);
  environment_.copy(tables, std::span(image_).subspan(Update::header_bytes));
  const std::optional<Error> error = co_await hand_over(self, joiner);
  if (membership_.view().number != view) co_return;
  if (!error) {
    membership_.lose(joiner, epoch);
    co_return;
  }
  if (*error != Error::none) {
    membership_.give_up(joiner, epoch);
    co_return;
  }
  membership_.admit(joiner, epoch);
  while (membership_.view().number == view && membership_.changing()) {
    co_await self.wait(EventBit::pon);
  }
}

/// What has become of the image; nothing if that CPU asks to be taken in, and does not take it.
Task<std::optional<Updater::Error>> Updater::hand_over(Process& self, unsigned joiner) {
  const auto link =
      messages_.link(self, {static_cast<std::uint8_t>(joiner), Monitor::pin}, image_, {});
  if (!link) co_return link.error();
  const hal::Hal& hal = environment_.hal();
  const std::uint64_t until = hal.now() + load_intervals * membership_.alive_interval() +
                              load_cycles_of_byte * image_.size();
  std::optional<Completion> completion;
  while (!(completion = messages_.done(self)) && hal.now() < until) {
    co_await self.wait(EventBit::ldone, until - hal.now());
  }
  messages_.breaklink(self, *link);
  if (!completion) co_return std::nullopt;
  co_return completion->error;
}

// ---- Updates ------------------------------------------------------------------------------------

Task<> Updater::answer(Process& self, const Request& request) {
  Error error = Error::bounds;
  if (request.length <= in_.size()) {
    const auto into = std::span(in_).first(request.length);
    error = co_await messages_.readlink(self, request.link, into);
    if (error == Error::none && !update_.load(into)) error = Error::bounds;
  }
  if (error == Error::none && !replica_.has(update_.header.table())) error = Error::bounds;
  if (error == Error::none && update_.header.request() != MonitorRequest::update) {
    error = Error::bounds;
  }
  if (error == Error::none) {
    const bool own = request.from.cpu == environment_.cpu();
    if (own) {
      error = co_await begin(self);
    } else {
      error = request.from.pin == pin ? co_await distribute(self) : Error::wrong_owner;
    }
  }
  co_await messages_.writelink(self, request.link, {}, error);
}

/// Under one name, until some locker has it applied.
Task<Updater::Error> Updater::begin(Process& self) {
  const unsigned here = environment_.cpu();
  update_.header.set_sender(here).set_counter(replica_.counter(here) + 1).set_number(0);
  const Update mine = update_;
  for (;;) {
    co_await keep_order(self);
    update_ = mine;
    const Error error = locker() ? co_await distribute(self) : co_await forward(self);
    if (!may_work_later(error)) co_return error;
    co_await self.wait(EventBit::pon, retry_cycles);
  }
}

Task<Updater::Error> Updater::forward(Process& self) {
  if (!membership_.member()) co_return Error::wrong_owner;
  const unsigned cpu = lowest(membership_.view().members.mask);
  update_.save(out_);
  const auto answer = co_await converse(messages_, self, {static_cast<std::uint8_t>(cpu), pin},
                                        std::span(out_).first(update_.size()), {});
  co_return answer.error;
}

Task<Updater::Error> Updater::distribute(Process& self) {
  if (!in_charge()) co_return Error::wrong_owner;
  if (replica_.applied(update_.header)) co_return Error::none;
  update_.header.set_number(replica_.number() + 1);
  replica_.apply(update_);
  const Update mine = update_;
  for (unsigned cpu = environment_.cpu() + 1; cpu < environment_.cpus(); ++cpu) {
    if ((membership_.view().members.mask >> cpu & 1U) == 0) continue;
    const Error error = co_await send(self, cpu, mine);
    if (error != Error::none) co_return error;
  }
  co_return locker() ? Error::none : Error::wrong_owner;  // then the new one has to say
}

/// Until that CPU has applied it, or is no member any more.
Task<Updater::Error> Updater::send(Process& self, unsigned cpu, const Update& update) {
  for (;;) {
    update.save(out_);
    auto header = update.header;
    header.set_request(MonitorRequest::apply);
    store(header, out_);
    const auto answer =
        co_await converse(messages_, self, {static_cast<std::uint8_t>(cpu), Monitor::pin},
                          std::span(out_).first(update.size()), {});
    if (answer.error == Error::none) co_return Error::none;
    if (!has(membership_.view().members.mask, cpu)) co_return Error::none;
    co_await self.wait(EventBit::pon, retry_cycles);
  }
}

}  // namespace xybus
