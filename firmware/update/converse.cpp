#include "firmware/update/converse.h"

namespace xybus {

Task<Completion> converse(MessageSystem& messages, Process& self, ProcessAddress server,
                          std::span<const std::byte> request, std::span<std::byte> reply) {
  const auto link = messages.link(self, server, request, reply);
  if (!link) co_return Completion{{}, link.error(), 0};
  std::optional<Completion> completion = messages.done(self);
  while (!completion) {
    co_await self.wait(contract::EventBit::ldone);
    completion = messages.done(self);
  }
  messages.breaklink(self, completion->link);
  co_return *completion;
}

}  // namespace xybus
