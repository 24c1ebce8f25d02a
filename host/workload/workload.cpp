#include "workload/workload.h"

#include <fmt/format.h>

#include "firmware/program/disk_server.h"
#include "firmware/program/terminal_server.h"
#include "workload/server.h"

namespace xybus {

WorkloadContext::WorkloadContext(const WorkloadSpec& spec, std::uint16_t index, const Run& run)
    : disks_(run.scenario.disks),
      terminals_(run.scenario.terminals),
      name_(xybus::name(spec)),
      what_(about(spec).counted),
      index_(index),
      seed_(run.seed),
      plan_(run.plan),
      scoreboard_(run.scoreboard),
      cluster_(run.cluster),
      clients_(run.plan.cpus()) {}

void WorkloadContext::start_disk_processes() {
  for (const DiskSpec& disk : disks_) {
    const std::string program = "disk-process-" + disk.name.substr(1);
    if (programs().find(program) != nullptr) continue;
    const std::uint32_t cpus = 1U << disk.cpus[0] | 1U << disk.cpus[1];
    programs().add(program, [program, cpus](Guardian& guardian) -> Task<> {
      DiskServer server(guardian, program, cpus);
      co_await server.run();
    });
    start_program(disk.cpus[0], cpus, program, disk.name);
  }
}

void WorkloadContext::start_terminal_processes() {
  for (const TerminalSpec& terminal : terminals_) {
    const std::string program = "terminal-process-" + file_name(terminal);
    if (programs().find(program) != nullptr) continue;
    const std::uint32_t cpus = 1U << terminal.cpus[0] | 1U << terminal.cpus[1];
    programs().add(program, [program, cpus](Guardian& guardian) -> Task<> {
      TerminalServer server(guardian, program, cpus);
      co_await server.run();
    });
    start_program(terminal.cpus[0], cpus, program, terminal.name);
  }
}

ProcessAddress WorkloadContext::add_server(unsigned cpu) {
  return add_server(cpu, [this](Process& process, Site& site) {
    return serve(process, site, *this);
  });
}

ProcessAddress WorkloadContext::add_server(unsigned cpu, PlannedBody program) {
  return plan_.add_server(cpu, name_ + "-server", std::move(program));
}

ProcessAddress WorkloadContext::add_client(unsigned cpu, std::uint64_t count, PlannedBody program) {
  clients_.at(cpu).expected += count;
  return plan_.add_client(cpu, name_ + "-client", std::move(program));
}

RandomStream WorkloadContext::random(unsigned cpu) const {
  return RandomStream(seed_, fmt::format("workload.{}.cpu.{}", index_, cpu));
}

RandomStream WorkloadContext::pause_random(unsigned cpu, unsigned requestor) const {
  if (requestor != 0) return stream(fmt::format("cpu.{}.requestor.{}.pause", cpu, requestor));
  return RandomStream(seed_, fmt::format("workload.{}.cpu.{}.pause", index_, cpu));
}

// Without formatting a name for each message.
RandomStream WorkloadContext::message_random(const MessageId& id, std::string_view what) const {
  const std::uint64_t who = std::uint64_t{index_} << 32 | std::uint64_t{id.from} << 24 |
                            std::uint64_t{id.to} << 16 | id.requestor;
  return RandomStream(mix64(mix64(seed_ + golden) ^ who) + id.number * golden, what);
}

RandomStream WorkloadContext::stream(std::string_view name) const {
  return RandomStream(seed_, fmt::format("workload.{}.{}", index_, name));
}

MessageId WorkloadContext::request(unsigned from, unsigned to, std::uint32_t number,
                                   unsigned requestor) const {
  return {index_, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to),
          Direction::request, number, static_cast<std::uint8_t>(requestor)};
}

std::uint64_t WorkloadContext::expected() const {
  std::uint64_t sum = 0;
  for (const Client& client : clients_) sum += client.expected;
  return sum;
}

std::uint64_t WorkloadContext::ended() const {
  std::uint64_t sum = 0;
  for (const Client& client : clients_) {
    if (client.expected != 0) sum += client.ended;
  }
  return sum;
}

void WorkloadContext::check(Complaints& complaints) const {
  for (unsigned cpu = 0; cpu < clients_.size(); ++cpu) {
    const Client& client = clients_[cpu];
    const bool none = client.expected == 0;  // what ends there is nobody's to count
    if (none || client.halted || client.ended == client.expected) continue;
    complaints.add(fmt::format("workload {} ({}), client on CPU {}: expected {} {} to end, "
                               "actual {}",
                               index_, name_, cpu, client.expected, what_, client.ended));
  }
}

}  // namespace xybus
