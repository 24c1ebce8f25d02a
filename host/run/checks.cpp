#include "run/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "firmware/message/packet_port.h"
#include "run/judgement.h"

namespace xybus {

using contract::BusId;

namespace {

// No message rests longer for a good reason: it takes a few I'm-alive intervals to find out that
// a CPU has failed, and some 60,000 cycles of attempts and pauses to give up one that is busy.
// Workloads may pause on top of it, all at once.
std::uint64_t patience(const Scenario& scenario) {
  std::uint64_t pause = 0;
  for (const WorkloadSpec& spec : scenario.workloads) pause = std::max(pause, pause_of(spec));
  return std::max<std::uint64_t>(1'000'000, 8 * scenario.system.alive_interval_cycles) + 2 * pause;
}

std::vector<DiskRecord::Volume> volumes(const Scenario& scenario) {
  std::vector<DiskRecord::Volume> all;
  for (const DiskSpec& disk : scenario.disks) all.push_back({disk.name, disk.drives});
  return all;
}

}  // namespace

Checks::Checks(const Scenario& scenario, const RunOptions& options)
    : scenario_(scenario),
      reference_wanted_(options.reference),
      monitor_(scenario.system.cpus, {.busy = PacketPort::busy_limit, .paths = {}},
               scenario.system.alive_interval_cycles),
      scoreboard_({.seed = options.seed,
                   .sabotage = options.sabotage,
                   .excused = [this](unsigned from, unsigned to,
                                     std::uint64_t sent) { return excused(from, to, sent); },
                   .route = [this](const MessageId& id) { return trail_.route(id); }}),
      watchdog_(patience(scenario)),
      view_watch_(scenario.system.cpus, [this](unsigned cpu, std::uint64_t cycle) {
                    return disturbed(cpu, cycle);
                  }),
      cluster_(scenario),
      disks_(volumes(scenario)) {}

void Checks::add_reference(Machine& machine) {
  if (!reference_wanted_ || beyond_judgement(scenario_) != nullptr) return;
  const unsigned cpus = scenario_.system.cpus;
  std::vector<std::span<const std::byte>> rams;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) rams.push_back(machine.fabric().ram(cpu));
  reference_.emplace(std::move(rams), fabric_size(cpus));
  reference_->on_complaint([this, &machine] {
    contradicted_ = true;
    machine.stop();
  });
}

// ---- What explains that something fails ---------------------------------------------------------

// Whether a CPU may leave the view for what is done to it, or to its way to others; or was shortly
// before, for it takes a while to find out and to agree. Nobody leaves for having no way to one
// that has been off for so long.
bool Checks::disturbed(unsigned cpu, std::uint64_t cycle) const {
  constexpr std::uint64_t intervals = 4;
  const std::uint64_t interval = scenario_.system.alive_interval_cycles;
  const std::uint64_t since =
      interval == 0 || cycle < intervals * interval ? 0 : cycle - intervals * interval;
  if (outages_.is_halted(cpu) || (unsound_ >> cpu & 1) != 0) return true;
  if (disturbances_.any(cpu, since)) return true;
  for (unsigned other = 0; other < scenario_.system.cpus; ++other) {
    if (outages_.is_halted(other) && halted_from_[other] < since) continue;
    if (monitor_.was_cut_off(cpu, other, since) || monitor_.was_cut_off(other, cpu, since)) {
      return true;
    }
  }
  return false;
}

// A message may fail when a CPU at one end is halted, or was and had not been readmitted; when it
// has left the view (see ViewWatch for what may be the reason); or when its own memory or registers
// were changed.
bool Checks::excused(unsigned from, unsigned to, std::uint64_t sent_cycle) const {
  const std::uint32_t off = unsound_ | view_watch_.left();
  if (((off >> from | off >> to) & 1) != 0) return true;
  return outages_.excuse(from, to, sent_cycle);
}

// ---- What befalls the machine -------------------------------------------------------------------

void Checks::bus_changes(BusId bus, std::uint64_t cycle) {
  if (reference_) reference_->bus_changes(bus, cycle);
}

void Checks::halted(unsigned cpu, std::uint64_t cycle) {
  outages_.halted(cpu);
  halted_from_[cpu] = cycle;
  view_watch_.off(cpu);
  cluster_.off(cpu, cycle);
  node_off(cpu, cycle);
  scoreboard_.cpu_halted(cpu);
}

void Checks::restarted(unsigned cpu, std::uint64_t cycle) {
  outages_.restarted(cpu);
  disturbances_.restarted(cpu, cycle);
  node_on(cpu, cycle);
  scoreboard_.cpu_restarted(cpu);
  view_watch_.restarted(cpu);
  cluster_.restarted(cpu, cycle);
}

void Checks::node_on(unsigned cpu, std::uint64_t cycle) {
  monitor_.restarted(cpu, cycle);
  if (reference_) reference_->restarted(cpu, cycle);
}

void Checks::node_off(unsigned cpu, std::uint64_t cycle) {
  monitor_.halted(cpu, cycle);
  if (reference_) reference_->halted(cpu, cycle);
}

void Checks::rogue(unsigned cpu, bool on, std::uint64_t cycle) {
  on ? disturbances_.begins(cpu) : disturbances_.ends(cpu, cycle);
  monitor_.rogue(cpu, cycle, on);
  if (reference_) reference_->rogue(cpu, on, cycle);
}

void Checks::fault(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  // What others then think of the CPU, and it of them, may fail messages. An interrupt too many is
  // no reason to; and bits that have flipped are one for good.
  const bool harmless = fault.kind == FaultKind::interrupt_spurious || is_instant(fault.kind);
  if (fault.cpu && !harmless) {
    on ? disturbances_.begins(*fault.cpu) : disturbances_.ends(*fault.cpu, cycle);
  }
  if (is_instant(fault.kind)) {
    unsound_ |= 1U << *fault.cpu;
    monitor_.upset(*fault.cpu, cycle);
  }
  if (!is_bus_fault(fault.kind)) return;
  for (const BusId bus : {BusId::x, BusId::y}) {
    if (fault.bus && *fault.bus != bus) continue;
    switch (fault.kind) {
      case FaultKind::bus_stuck_bit: monitor_.wires_faulty(bus, cycle, on); break;
      case FaultKind::controller_dead: monitor_.blocked(bus, cycle, on); break;
      case FaultKind::controller_double_grant: monitor_.grants_faulty(bus, cycle, on); break;
      default: break;
    }
  }
}

// ---- What the kernels tell ----------------------------------------------------------------------

void Checks::membership(unsigned cpu, const KernelEvent& event) {
  cluster_.event(cpu, event);
  switch (event.kind) {
    case KernelEvent::update_applied: return watchdog_.moved(event.cycle);
    case KernelEvent::view_changed:
      return view_watch_.view_changed(cpu, event.cycle, event.link, event.tag);
    case KernelEvent::halted: return view_watch_.gave_up(cpu, event.cycle);
    default: return;
  }
}

void Checks::readmitted(unsigned by, unsigned cpu, std::uint64_t cycle) {
  if (outages_.readmitted(by, cpu, cycle)) monitor_.readmitted(by, cpu);
}

bool Checks::look_at_views(std::uint64_t cycle, std::uint32_t operational) {
  view_watch_.look(cycle, operational);
  return view_watch_.divided();
}

// ---- How it goes --------------------------------------------------------------------------------

bool Checks::stalled(std::uint64_t cycle, unsigned clients_left) {
  watchdog_.moved(scoreboard_.progress_cycle());
  return watchdog_.stalled(cycle, clients_left);
}

void Checks::finish(std::uint64_t cycle, bool failed) {
  if (!failed && reference_) reference_->finish(cycle);
  cluster_.finish(cycle);
  sound_ = scoreboard_.check().ok && monitor_.check(BusId::x).ok && monitor_.check(BusId::y).ok &&
           view_watch_.check().ok && cluster_.ok() && !failed && !contradicted_;
  if (!contradicted_) scoreboard_.finish();
}

std::optional<std::uint64_t> Checks::first_complaint() const {
  std::optional<std::uint64_t> first;
  const auto earlier = [&first](std::optional<std::uint64_t> cycle) {
    if (cycle && (!first || *cycle < *first)) first = cycle;
  };
  earlier(scoreboard_.first_complaint());
  for (const BusId bus : {BusId::x, BusId::y}) {
    earlier(monitor_.first_complaint(bus));
    if (reference_) earlier(reference_->first_complaint(bus));
  }
  earlier(view_watch_.first_complaint());
  earlier(cluster_.first_complaint());
  return first;
}

std::vector<CheckResult> Checks::results(CheckResult liveness, CheckResult workload) const {
  std::vector<CheckResult> results{scoreboard_.check(),     monitor_.check(BusId::x),
                                   monitor_.check(BusId::y), std::move(liveness),
                                   std::move(workload),      view_watch_.check()};
  cluster_.add_checks(results);
  if (reference_) {
    results.push_back(reference_->check(BusId::x));
    results.push_back(reference_->check(BusId::y));
  } else if (reference_wanted_) {
    results.push_back({"reference", true,
                       fmt::format("not made: the model has no say under {}",
                                   name(beyond_judgement(scenario_)->kind))});
  }
  return results;
}

}  // namespace xybus
