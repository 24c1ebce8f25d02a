#include "rig.h"

#include <algorithm>

namespace firmware_test {

Bytes pattern(std::uint32_t seed, std::size_t length) {
  Bytes bytes(length);
  std::uint32_t state = seed * 2654435761U + 1;
  for (std::byte& b : bytes) {
    state = state * 1664525U + 1013904223U;
    b = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

Bytes answer_to(const Bytes& request, std::size_t length) {
  Bytes reply(length, std::byte{0x5a});
  for (std::size_t i = 0; i < std::min(length, request.size()); ++i) reply[i] = ~request[i];
  return reply;
}

Task<Exchange> exchange(MessageSystem& messages, Process& self, ProcessAddress server,
                        const Bytes& request, std::size_t reply_room, std::uint32_t tag) {
  Exchange result;
  result.reply.resize(reply_room);
  const auto link = messages.link(self, server, request, result.reply, tag);
  if (!link) {
    result.link_error = link.error();
    co_return result;
  }
  std::optional<Completion> completion;
  while (!(completion = messages.done(self))) co_await self.wait(EventBit::ldone);
  result.completion = *completion;
  result.reply.resize(completion->reply_length);
  messages.breaklink(self, completion->link);
  co_return result;
}

Task<Request> next_request(MessageSystem& messages, Process& self) {
  for (;;) {
    if (const auto request = messages.listen(self)) co_return *request;
    co_await self.wait(EventBit::lreq);
  }
}

Task<> echo_server(MessageSystem& messages, Process& self) {
  for (;;) {
    const Request request = co_await next_request(messages, self);
    Bytes data(request.length);
    co_await messages.readlink(self, request.link, data);
    const Bytes reply = answer_to(data, request.tag);
    co_await messages.writelink(self, request.link, reply);
  }
}

Rig::Rig(unsigned cpus, std::function<void(KernelConfig&)> configure)
    : fabric_(cpus), configure_(std::move(configure)) {
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    kernels_.push_back(std::make_unique<Kernel>(node(cpu), config(cpu), this));
    node(cpu).firmware = [kernel = kernels_.back().get()](xybus::hal::Hal&) { kernel->run(); };
  }
}

Rig::~Rig() { fabric_.finish(); }

void Rig::on(unsigned cpu, const KernelEvent& event) {
  log.push_back({cpu, event});
  if (event.kind == KernelEvent::halted) node(cpu).halt();
}

KernelConfig Rig::config(unsigned cpu) const {
  KernelConfig config;
  config.cpu = cpu;
  config.cpus = fabric_.size();
  config.alive_interval = 0;
  if (configure_) configure_(config);
  return config;
}

Process& Rig::create(unsigned cpu, std::uint8_t priority, xybus::ProcessBody body) {
  node(cpu).nudge();
  return kernel(cpu).dispatcher().create("test", priority, std::move(body));
}

Process& Rig::create_echo(unsigned cpu, std::uint8_t priority) {
  return create(cpu, priority, [this, cpu](Process& self) {
    return echo_server(messages(cpu), self);
  });
}

void Rig::on_cpu(unsigned cpu, std::function<void()> act) {
  bool done = false;
  create(cpu, 255, [&](Process&) -> Task<> {
    act();
    done = true;
    co_return;
  });
  while (!done) run(100);
}

void Rig::restart(unsigned cpu, std::uint8_t epoch) {
  KernelConfig next = config(cpu);
  next.epoch = epoch;
  next.joining = true;
  old_kernels_.push_back(std::exchange(kernels_[cpu], std::make_unique<Kernel>(node(cpu), next,
                                                                               this)));
  node(cpu).restart([kernel = kernels_[cpu].get()](xybus::hal::Hal&) { kernel->run(); });
}

bool Rig::at_rest() {
  return std::all_of(kernels_.begin(), kernels_.end(), [](const auto& kernel) {
    return kernel->messages().lcbs_in_use() == 0 &&
           kernel->port().transfers().windows().in_use() == 0;
  });
}

unsigned Rig::count(unsigned cpu, KernelEvent::Kind kind) const {
  return static_cast<unsigned>(std::count_if(log.begin(), log.end(), [&](const Logged& logged) {
    return logged.cpu == cpu && logged.event.kind == kind;
  }));
}

}  // namespace firmware_test
