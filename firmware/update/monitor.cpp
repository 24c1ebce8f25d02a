#include "firmware/update/monitor.h"

#include "firmware/message/wire.h"
#include "firmware/update/updater.h"

namespace xybus {

using contract::Error;
using contract::EventBit;
using contract::MonitorRequest;

namespace {
// More than any image of tables: what is longer is no request.
constexpr std::uint32_t max_request_bytes = 1 << 20;
}  // namespace

Task<> Monitor::run(Process& self) {
  for (;;) {
    while (const auto request = messages_.listen(self)) co_await answer(self, *request);
    co_await self.wait(EventBit::lreq);
  }
}

/// A link that is cancelled meanwhile wants its writelink all the same.
Task<> Monitor::answer(Process& self, const Request& request) {
  Error error = Error::bounds;
  reply_.clear();
  if (request.length >= Update::header_bytes && request.length <= max_request_bytes) {
    request_.resize(request.length);
    error = co_await messages_.readlink(self, request.link, request_);
    if (error == Error::none) error = perform(request);
  }
  if (reply_.size() > request.reply_room) {
    reply_.clear();
    error = Error::bounds;
  }
  co_await messages_.writelink(self, request.link, reply_, error);
}

Error Monitor::perform(const Request& request) {
  if (request.from.pin != Updater::pin) return Error::wrong_owner;
  const auto header = load<contract::UpdateHeader>(request_);
  switch (header.request()) {
    case MonitorRequest::apply:
      // Nobody else orders updates; a locker of a view that is news here asks again.
      if (request.from.cpu != lowest(membership_.view().members.mask)) return Error::wrong_owner;
      return apply();
    case MonitorRequest::query:
      reply_.resize(replica_.last().size());
      replica_.last().save(reply_);
      return Error::none;
    case MonitorRequest::load:
      if (membership_.member()) return Error::invalid_state;
      return replica_.load(std::span(request_).subspan(Update::header_bytes)) ? Error::none
                                                                              : Error::bounds;
    default: return Error::bounds;
  }
}

/// The locker goes on only when every member has the one before, and its order is what counts. So
/// whoever has a gap, or another update in that place, has gone wrong.
Error Monitor::apply() {
  Update update;
  if (!update.load(request_)) return Error::bounds;
  const auto verdict = replica_.apply(update);
  if (verdict == Replica::Verdict::gap || verdict == Replica::Verdict::conflict) {
    membership_.tables_differ();
  }
  return Error::none;
}

}  // namespace xybus
