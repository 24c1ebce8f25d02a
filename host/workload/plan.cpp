#include "workload/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "firmware/process/guardian.h"
#include "firmware/process/process_control.h"
#include "firmware/program/starter.h"
#include "report/event_names.h"

namespace xybus {
namespace {

// Replies go before new requests. Both are user processes: 1 to 199.
constexpr std::uint8_t server_priority = 150;
constexpr std::uint8_t client_priority = 140;

/// How a process stands, for whoever reads why a run hangs.
std::string describe(const Process& process) {
  if (process.held_in() != KernelCall::none) {
    return fmt::format("{} in {}", name(process.state()), name(process.held_in()));
  }
  const std::string events = events_text(process.waits_for());
  return name(process.state()) + (events.empty() ? "" : " for " + events);
}

}  // namespace

ProcessAddress Plan::add(unsigned cpu, Planned planned) {
  auto& processes = by_cpu_.at(cpu);
  const auto pin = static_cast<Pin>(Dispatcher::first_pin + processes.size());
  processes.push_back(std::move(planned));
  return {static_cast<std::uint8_t>(cpu), pin};
}

ProcessAddress Plan::add_server(unsigned cpu, std::string name, PlannedBody program) {
  return add(cpu, {std::move(name), server_priority, false, std::move(program)});
}

ProcessAddress Plan::add_client(unsigned cpu, std::string name, PlannedBody program) {
  ++clients_left_;
  return add(cpu, {std::move(name), client_priority, true, std::move(program)});
}

void Plan::start_program(unsigned cpu, std::uint32_t cpus, std::string program,
                         const std::string& name) {
  const auto parsed = ProcessName::parse(name);
  if (!parsed) throw std::logic_error(name + " is no name of a process");
  const StartedPair pair{std::move(program), *parsed, cpu};
  for (unsigned each = 0; each < this->cpus(); ++each) {
    if ((cpus >> each & 1) == 0) continue;
    add_server(each, "starter", [this, pair](Process& process, Site& site) -> Task<> {
      if (given_up(site.cpu)) co_return;  // a CPU that has started again joins what there is
      co_await start_pair(site.kernel.control().guardian(process), pair);
    });
  }
}

void Plan::install(Site& site) {
  for (const auto& callback : on_boot_) callback(site);
  auto& processes = by_cpu_.at(site.cpu);
  for (std::size_t i = 0; i < processes.size(); ++i) {
    Planned& planned = processes[i];
    auto body = [this, &planned, &site](Process& process) {
      return planned.client ? run_client(planned, process, site) : planned.program(process, site);
    };
    planned.process = &site.kernel.dispatcher().create(planned.name, planned.priority, body);
    if (planned.process->pin() != Dispatcher::first_pin + i) {
      throw std::logic_error("a planned process has another pin than planned");
    }
  }
}

Task<> Plan::run_client(Planned& planned, Process& process, Site& site) {
  if (given_up(site.cpu)) co_return;
  co_await planned.program(process, site);
  planned.ended = true;
  one_less(site.hal.now());
}

void Plan::one_less(std::uint64_t cycle) {
  if (--clients_left_ == 0 && on_complete_) on_complete_(cycle);
}

void Plan::hold_until(std::uint64_t cycle) {
  if (held_until_ == 0) ++clients_left_;
  held_until_ = std::max(held_until_, cycle);
}

void Plan::release() { one_less(held_until_); }

void Plan::cpu_halted(unsigned cpu) {
  if (given_up(cpu)) return;
  given_up_ |= 1U << cpu;
  for (const Planned& planned : by_cpu_.at(cpu)) {
    if (planned.client && !planned.ended) --clients_left_;
  }
}

std::vector<std::string> Plan::unfinished() const {
  std::vector<std::string> lines;
  for (unsigned cpu = 0; cpu < by_cpu_.size(); ++cpu) {
    if (given_up(cpu)) continue;
    for (const Planned& planned : by_cpu_[cpu]) {
      if (!planned.client || planned.ended) continue;
      lines.push_back(fmt::format("CPU {} {}{}", cpu, planned.name,
                                  planned.process == nullptr
                                      ? " not started"
                                      : fmt::format(" (pin {}) {}", planned.process->pin(),
                                                    describe(*planned.process))));
    }
  }
  return lines;
}

}  // namespace xybus
