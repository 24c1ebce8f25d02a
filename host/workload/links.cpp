// links: several requestors on each of some CPUs and one slow server; links of any size, replies
// in any order, and links that are broken at any time.
#include "workload/links.h"

#include <fmt/format.h>

#include <algorithm>

#include "workload/requestor.h"

namespace xybus {

using contract::Error;

namespace {

// Half of all sizes are such that the data may travel with the link or the reply.
std::uint32_t some_bytes(std::uint32_t most, RandomStream& random) {
  const bool small = random.chance(0.5);
  const std::uint64_t limit = small ? std::min(most, contract::inline_bytes) : most;
  return std::uint32_t(random.below(limit + 1));
}

// From at once to far behind any reply, each order of magnitude as likely.
std::uint64_t some_delay(RandomStream& random) {
  constexpr std::uint64_t least = 64, doublings = 11;
  return random.below(least << random.below(doublings));
}

LinkDraw::Reading some_reading(RandomStream& random) {
  const std::uint64_t of_ten = random.below(10);
  return of_ten < 5   ? LinkDraw::Reading::whole
         : of_ten < 9 ? LinkDraw::Reading::pieces
                      : LinkDraw::Reading::part;
}

constexpr double short_replies = 0.5, error_replies = 0.06, kept_share = 0.4;

Task<> links_client(Process& process, Site& site, WorkloadContext& context, const LinksSpec& spec,
                    unsigned number, ProcessAddress server) {
  Requestor requestor(process, site, context, spec.window, spec.pause_cycles, number);
  for (std::uint64_t i = 0; i < spec.count; ++i) co_await requestor.send_drawn(server, spec);
  co_await requestor.finish();
}

}  // namespace

// Everything is drawn for every message, so that what one key changes leaves the rest as it was.
LinkDraw draw_link(const LinksSpec& spec, const WorkloadContext& context, const MessageId& id) {
  RandomStream random = context.message_random(id);
  LinkDraw draw;
  draw.bytes = some_bytes(spec.bytes, random);
  draw.room = some_bytes(spec.bytes, random);
  const auto fewer = std::uint32_t(random.below(draw.room + 1ULL));
  draw.reply_bytes = random.chance(short_replies) ? fewer : draw.room;
  if (random.chance(error_replies)) draw.reply_error = Error::invalid_state;
  draw.work_cycles = random.below(2 * spec.work_cycles + 1);
  draw.reading = some_reading(random);
  const std::uint64_t delay = some_delay(random);
  const bool kept = random.chance(kept_share);
  if (random.chance(spec.cancels)) {
    draw.break_after = delay;
    draw.kept = kept;
  }
  return draw;
}

void plan_workload(const LinksSpec& spec, WorkloadContext& context) {
  const ProcessAddress server =
      context.add_server(spec.to, [&spec, &context](Process& process, Site& site) {
        return serve_links(process, site, context, spec);
      });
  for (const unsigned cpu : spec.from) {
    for (unsigned number = 1; number <= spec.requestors; ++number) {
      context.add_client(cpu, spec.count, [=, &spec, &context](Process& process, Site& site) {
        return links_client(process, site, context, spec, number, server);
      });
    }
  }
}

}  // namespace xybus
