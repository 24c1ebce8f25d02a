#include "bare_metal_start.h"

#include <vector>

namespace bare_metal {

using namespace xybus;
using contract::EventBit;

namespace {

Task<> increment_server(MessageSystem& messages, Process& self) {
  for (;;) {
    co_await self.wait(EventBit::lreq);
    while (const auto request = messages.listen(self)) {
      std::vector<std::byte> data(request->length);
      co_await messages.readlink(self, request->link, data);
      for (std::byte& b : data) b = static_cast<std::byte>(std::to_integer<int>(b) + 1);
      co_await messages.writelink(self, request->link, data);
    }
  }
}

Task<> requestor(MessageSystem& messages, Process& self, ProcessAddress server, unsigned rounds,
                 std::uint32_t bytes, Outcome& outcome) {
  std::vector<std::byte> request(bytes), reply(bytes);
  for (unsigned round = 0; round < rounds; ++round) {
    for (std::uint32_t i = 0; i < bytes; ++i) request[i] = static_cast<std::byte>(i + round);
    const auto link = messages.link(self, server, request, reply);
    if (!link) break;
    while (!messages.done(self)) co_await self.wait(EventBit::ldone);
    messages.breaklink(self, *link);
    ++outcome.replies;
    for (std::uint32_t i = 0; i < bytes; ++i) {
      if (reply[i] != static_cast<std::byte>(i + round + 1)) ++outcome.wrong_bytes;
    }
  }
  [[maybe_unused]] const auto away = messages.link(self, {1, 3}, request, reply);
  co_await self.wait(EventBit{}, 1000);
  throw hal::Halted{};
}

}  // namespace

void start(hal::Hal& hal, unsigned rounds, std::uint32_t bytes, Outcome& outcome) {
  KernelConfig config;
  config.alive_interval = 500;
  Kernel kernel(hal, config);
  MessageSystem& messages = kernel.messages();
  const Process& server = kernel.dispatcher().create(
      "server", 150, [&](Process& self) { return increment_server(messages, self); });
  kernel.dispatcher().create("requestor", 100, [&](Process& self) {
    return requestor(messages, self, {0, server.pin()}, rounds, bytes, outcome);
  });
  try {
    kernel.run();
  } catch (const hal::Halted&) {
  }
}

}  // namespace bare_metal
