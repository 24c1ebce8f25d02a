#include "workload/server.h"

#include "firmware/message/message_system.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

struct Buffers {
  std::vector<std::byte> request, reply;
};

Task<> answer(Process& process, Site& site, WorkloadContext& context, const Request request,
              Buffers& buffers) {
  MessageSystem& messages = site.kernel.messages();
  MessageId id = context.request(request.from.cpu, site.cpu, request.tag);
  context.scoreboard().listened(id, site.hal.now(), request.length);
  buffers.request.resize(request.length);
  buffers.reply.clear();
  Error error = Error::none;
  if (request.length > 0) {
    error = co_await messages.readlink(process, request.link, buffers.request);
  }
  if (error == Error::none) {
    if (request.length > 0) context.scoreboard().read(id, site.hal.now(), buffers.request);
    buffers.reply.resize(request.reply_room);
    id.direction = Direction::reply;
    context.scoreboard().content().fill(id, buffers.reply);
  }
  // A cancelled link wants its writelink too; there is nobody to tell of an error.
  static_cast<void>(co_await messages.writelink(process, request.link, buffers.reply, error));
}

}  // namespace

Task<> serve(Process& process, Site& site, WorkloadContext& context) {
  MessageSystem& messages = site.kernel.messages();
  Buffers buffers;
  for (;;) {
    co_await process.wait(EventBit::lreq | EventBit::lcan);
    while (messages.cancelled(process)) {
    }
    while (const auto request = messages.listen(process)) {
      if (!context.trusts(request->from.cpu)) {
        co_await messages.writelink(process, request->link, {}, Error::wrong_owner);
        continue;
      }
      co_await answer(process, site, context, *request, buffers);
    }
  }
}

}  // namespace xybus
