// The server of a links workload.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "firmware/message/message_system.h"
#include "workload/links.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

// With fewer links than it wants to hold it waits for more, so long.
constexpr std::uint64_t patience = 2000;
constexpr double reads_cancelled = 0.25;  // share of cancelled links that it tries to read

class LinksServer {
 public:
  LinksServer(Process& process, Site& site, WorkloadContext& context, const LinksSpec& spec)
      : process_(process),
        site_(site),
        messages_(site.kernel.messages()),
        context_(context),
        spec_(spec),
        random_(context.stream("server")),
        wanted_(draw_wanted()) {}

  Task<> run();

 private:
  struct Held {
    Request request;
    MessageId id;
    LinkDraw draw;
    bool told = false;  // that it is cancelled
    bool ready() const { return told || !draw.kept; }
  };

  std::size_t draw_wanted() { return 1 + random_.below(spec_.depth); }
  std::size_t ready() const { return std::size_t(std::ranges::count_if(held_, &Held::ready)); }
  void take();
  Task<> refuse();
  void tell(LinkId link);
  Held choose();
  Task<> answer(Held held);
  Task<Error> read(const Held& held);
  Task<Error> read_pieces(const Held& held);
  Task<Error> read_part(const Held& held);
  Task<> try_cancelled(const Held& held);
  void violated(const Held& held, const char* call, Error error) {
    context_.scoreboard().violated(held.id, site_.hal.now(),
                                   fmt::format("{} gave {}", call, name(error)));
  }

  Process& process_;
  Site& site_;
  MessageSystem& messages_;
  WorkloadContext& context_;
  const LinksSpec& spec_;
  RandomStream random_;  // which link it replies to, and when
  std::size_t wanted_;   // links that it wants to have before it replies to one
  std::vector<Held> held_;
  std::vector<LinkId> refused_;  // of CPUs that are not trusted
  std::vector<std::byte> request_, reply_;
};

Task<> LinksServer::run() {
  bool waited = false;
  for (;;) {
    take();
    co_await refuse();
    if (ready() >= wanted_ || (waited && ready() > 0)) {
      co_await answer(choose());
      wanted_ = draw_wanted();
      waited = false;
      continue;
    }
    const EventBit events = co_await process_.wait(EventBit::lreq | EventBit::lcan,
                                                   ready() > 0 ? patience : hal::never);
    waited = events == EventBit::itime;
  }
}

void LinksServer::take() {
  while (const auto link = messages_.cancelled(process_)) tell(*link);
  while (ready() < wanted_) {
    const auto request = messages_.listen(process_);
    if (!request) break;
    if (!context_.trusts(request->from.cpu)) {
      refused_.push_back(request->link);
      continue;
    }
    const MessageId id = context_.request(request->from.cpu, site_.cpu,
                                          request->tag % most_numbers,
                                          request->tag / most_numbers);
    context_.scoreboard().listened(id, site_.hal.now(), request->length);
    held_.push_back({*request, id, draw_link(spec_, context_, id)});
  }
}

/// All at once: none of them is there when the next LCAN is looked at.
Task<> LinksServer::refuse() {
  for (const LinkId link : refused_) {
    co_await messages_.writelink(process_, link, {}, Error::wrong_owner);
  }
  refused_.clear();
}

void LinksServer::tell(LinkId link) {
  const auto held = std::ranges::find_if(
      held_, [&](const Held& each) { return each.request.link == link; });
  if (held == held_.end()) throw std::logic_error("LCAN for a link that the server does not have");
  held->told = true;
  context_.scoreboard().told(held->id, site_.hal.now());
}

/// Takes any link out of those that it can reply to.
LinksServer::Held LinksServer::choose() {
  std::uint64_t skip = random_.below(ready());
  auto at = held_.begin();
  while (!at->ready() || skip-- > 0) ++at;
  const Held held = *at;
  held_.erase(at);
  return held;
}

Task<> LinksServer::answer(Held held) {
  Error error = Error::none;
  if (held.told) {
    co_await try_cancelled(held);
  } else if (held.request.length > 0) {
    error = co_await read(held);
    if (error != Error::none && error != Error::nothing_outstanding)
      violated(held, "readlink", error);
  }
  if (!held.told && error == Error::none && held.draw.work_cycles > 0)
    co_await process_.compute(held.draw.work_cycles);
  const std::uint32_t bytes = std::min(held.draw.reply_bytes, held.request.reply_room);
  reply_.resize(error == Error::none ? bytes : 0);
  MessageId id = held.id;
  id.direction = Direction::reply;
  context_.scoreboard().content().fill(id, reply_);
  const Error wrote = co_await messages_.writelink(
      process_, held.request.link, reply_, error == Error::none ? held.draw.reply_error : error);
  context_.scoreboard().answered(held.id, site_.hal.now(), wrote,
                                 held.told || error == Error::nothing_outstanding);
}

Task<Error> LinksServer::read(const Held& held) {
  if (held.draw.reading == LinkDraw::Reading::part) co_return co_await read_part(held);
  request_.resize(held.request.length);
  const Error error =
      held.draw.reading == LinkDraw::Reading::pieces
          ? co_await read_pieces(held)
          : co_await messages_.readlink(process_, held.request.link, request_);
  if (error == Error::none) {
    context_.scoreboard().read(held.id, site_.hal.now(), request_);
  }
  co_return error;
}

/// All of it in up to four pieces, in any order. Some reach into the next.
Task<Error> LinksServer::read_pieces(const Held& held) {
  RandomStream random = context_.message_random(held.id, "reading");
  const std::uint32_t length = held.request.length;
  std::array<std::uint32_t, 5> cuts{0, 0, 0, 0, length};
  for (std::size_t i = 1; i < 4; ++i) cuts[i] = std::uint32_t(random.below(length + 1ULL));
  std::ranges::sort(cuts);
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  for (const std::size_t i : order) {
    const std::uint32_t end =
        std::min(length, cuts[i + 1] + (random.chance(0.5) ? std::uint32_t(random.below(16)) : 0));
    if (end == cuts[i]) continue;
    const auto into = std::span(request_).subspan(cuts[i], end - cuts[i]);
    const Error error = co_await messages_.readlink(process_, held.request.link, into, cuts[i]);
    if (error != Error::none) co_return error;
  }
  co_return Error::none;
}

Task<Error> LinksServer::read_part(const Held& held) {
  RandomStream random = context_.message_random(held.id, "reading");
  const std::uint32_t length = held.request.length;
  const auto offset = std::uint32_t(random.below(length));
  request_.resize(1 + random.below(length - offset));
  const Error error =
      co_await messages_.readlink(process_, held.request.link, request_, offset);
  if (error == Error::none)
    context_.scoreboard().read_part(held.id, site_.hal.now(), offset, request_);
  co_return error;
}

Task<> LinksServer::try_cancelled(const Held& held) {
  if (!random_.chance(reads_cancelled)) co_return;
  request_.resize(held.request.length);
  const Error error = co_await messages_.readlink(process_, held.request.link, request_);
  if (error != Error::nothing_outstanding) violated(held, "readlink of a cancelled link", error);
}

}  // namespace

Task<> serve_links(Process& process, Site& site, WorkloadContext& context,
                   const LinksSpec& spec) {
  LinksServer server(process, site, context, spec);
  co_await server.run();
}

}  // namespace xybus
