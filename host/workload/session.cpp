// session: at each terminal somebody sits before a command interpreter, until he leaves it or has
// no more to type.
#include <fmt/format.h>

#include "firmware/filesystem/file_system.h"
#include "firmware/process/process_message.h"
#include "firmware/program/command.h"
#include "firmware/program/example.h"
#include "firmware/program/startup.h"
#include "workload/workload.h"

namespace xybus {

using contract::Error;
using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 5'000;

/// Makes the interpreter and waits for its end; one that abends is no end.
Task<> session(Process& process, Site& site, WorkloadContext& context, std::string terminal,
               std::string interpreter) {
  Guardian& guardian = site.kernel.control().guardian(process);
  FileSystem& its = files(guardian);
  co_await its.open("$RECEIVE");
  while (guardian.dct().lookup(*ProcessName::parse(terminal)) == nullptr) {
    co_await process.wait(EventBit{}, retry_cycles);
  }
  const auto startup = Startup{.in = terminal, .out = terminal}.save();
  const Created made = co_await guardian.newprocess({.program = "command",
                                                     .name = *ProcessName::parse(interpreter),
                                                     .startup = *startup});
  if (made.error != Error::none) co_return;
  for (;;) {
    std::array<std::byte, ProcessMessage::bytes> buffer;
    const IoResult read = co_await its.read_receive(buffer);
    const auto told = ProcessMessage::load(std::span(buffer).first(read.bytes));
    if (!told || told->process != made.process) continue;
    if (told->code == system_number::process_abended) co_return;
    if (told->code == system_number::process_stopped) break;
  }
  context.ended(site.cpu);
}

}  // namespace

void plan_workload(const SessionSpec& spec, WorkloadContext& context) {
  if (context.programs().find("command") == nullptr) {
    add_command(context.programs());
    add_example(context.programs(), [](std::string_view) {});
  }
  context.start_terminal_processes();
  for (std::size_t i = 0; i < context.terminals().size(); ++i) {
    const std::string terminal = context.terminals()[i].name;
    const std::string interpreter = fmt::format("$CI{}", i + 1);
    const unsigned cpu = spec.cpus[i % spec.cpus.size()];
    context.add_client(cpu, spec.count, [=, &context](Process& process, Site& site) {
      return session(process, site, context, terminal, interpreter);
    });
  }
}

}  // namespace xybus
