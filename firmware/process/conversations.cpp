#include "firmware/process/conversations.h"

#include <algorithm>

namespace xybus {

void Conversations::collect() {
  while (const auto completion = messages_.done(self_)) {
    ended_.push_back({*completion, ++count_});
    messages_.breaklink(self_, completion->link);
  }
}

std::optional<Completion> Conversations::take(LinkId link, std::uint64_t* number) {
  collect();
  const auto found = std::ranges::find(
      ended_, link, [](const Ended& ended) { return ended.completion.link; });
  if (found == ended_.end()) return std::nullopt;
  const Completion completion = found->completion;
  if (number != nullptr) *number = found->number;
  ended_.erase(found);
  return completion;
}

void Conversations::drop(LinkId link) {
  if (!take(link)) messages_.breaklink(self_, link);
}

Task<Completion> Conversations::converse(ProcessAddress server, std::span<const std::byte> request,
                                         std::span<std::byte> reply, std::uint32_t tag,
                                         std::uint64_t timeout) {
  const auto link = start(server, request, reply, tag);
  if (!link) co_return Completion{{}, link.error(), 0};
  // LDONE of other links comes meanwhile, and must not put it off.
  const std::uint64_t begin = messages_.now();
  for (;;) {
    if (const auto completion = take(*link)) co_return *completion;
    const std::uint64_t passed = messages_.now() - begin;
    if (timeout != hal::never && passed >= timeout) break;
    co_await wait({}, timeout == hal::never ? timeout : timeout - passed);
  }
  drop(*link);
  co_return Completion{*link, contract::Error::timeout, 0};
}

}  // namespace xybus
