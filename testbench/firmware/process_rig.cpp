#include "process_rig.h"

#include <algorithm>

namespace firmware_test {

Task<Told> next_told(Guardian& guardian) {
  MessageSystem& messages = guardian.messages();
  Process& self = guardian.process();
  const Request request = co_await next_request(messages, self);
  Told told{{}, request.tag, request.from, Bytes(request.length)};
  co_await messages.readlink(self, request.link, told.data);
  co_await messages.writelink(self, request.link, {});
  if (told.data.size() < xybus::file_request_bytes) co_return told;
  told.head = xybus::load<FileRequest>(told.data);
  told.data.erase(told.data.begin(), told.data.begin() + xybus::file_request_bytes);
  co_return told;
}

ProcessRig::ProcessRig(unsigned cpus, std::uint64_t alive_interval,
                       std::function<void(KernelConfig&)> configure)
    : rig(cpus, [=, this](KernelConfig& config) {
        config.alive_interval = alive_interval;
        config.programs = &programs;
        if (configure) configure(config);
      }) {}

Process& ProcessRig::create(unsigned cpu, std::function<Task<>(Guardian&)> body,
                            std::uint8_t priority) {
  return rig.create(cpu, priority, [this, cpu, body = std::move(body)](Process& self) {
    return body(guardian(cpu, self));
  });
}

unsigned ProcessRig::processes(unsigned cpu) {
  const auto all = rig.kernel(cpu).dispatcher().processes().subspan(xybus::Dispatcher::first_pin);
  return static_cast<unsigned>(std::ranges::count_if(all, [](const auto& process) {
    return process->state() != xybus::ProcessState::stopped;
  }));
}

}  // namespace firmware_test
