#include "check/cluster_watch.h"

#include <algorithm>

namespace xybus {
namespace {

bool only_halts(const Scenario& scenario) {
  return std::ranges::all_of(scenario.faults, [](const FaultSpec& fault) {
    return fault.kind == FaultKind::cpu_halt || fault.kind == FaultKind::cpu_restart;
  });
}

}  // namespace

ClusterWatch::ClusterWatch(const Scenario& scenario)
    : replicas_(scenario.system.cpus),
      changes_(scenario.system.cpus, scenario.system.alive_interval_cycles, only_halts(scenario)) {
  for (const WorkloadSpec& spec : scenario.workloads) {
    updates_ = updates_ || std::holds_alternative<UpdatesSpec>(spec);
    membership_ = membership_ || std::holds_alternative<MembershipSpec>(spec);
  }
}

void ClusterWatch::event(unsigned cpu, const KernelEvent& event) {
  switch (event.kind) {
    case KernelEvent::view_changed:
      if (updates_) {
        replicas_.view_changed(cpu, event.cycle, event.link, tables_[cpu]->number());
      }
      if (membership_) changes_.view_changed(cpu, event.cycle);
      break;
    case KernelEvent::cpu_down:
    case KernelEvent::cpu_up:
      if (!membership_) break;
      changes_.changed(cpu, event.peer.cpu, event.kind == KernelEvent::cpu_up, event.cycle);
      break;
    case KernelEvent::update_applied:
      if (!updates_) break;
      replicas_.applied(cpu, event.cycle, event.link, event.peer.cpu, event.tag);
      break;
    case KernelEvent::tables_differ:
      replicas_.differs(cpu, event.cycle);
      break;
    default: break;
  }
}

void ClusterWatch::off(unsigned cpu, std::uint64_t cycle) {
  replicas_.off(cpu);
  changes_.off(cpu, cycle);
}

void ClusterWatch::restarted(unsigned cpu, std::uint64_t cycle) {
  replicas_.restarted(cpu);
  changes_.restarted(cpu, cycle);
}

void ClusterWatch::finish(std::uint64_t cycle) {
  if (updates_) replicas_.finish();
  if (membership_) changes_.finish(cycle);
}

bool ClusterWatch::ok() const {
  return replicas_.check().ok && (!membership_ || changes_.check().ok);
}

void ClusterWatch::add_checks(std::vector<CheckResult>& checks) const {
  if (updates_ || !replicas_.check().ok) checks.push_back(replicas_.check());
  if (membership_) checks.push_back(changes_.check());
}

std::optional<std::uint64_t> ClusterWatch::first_complaint() const {
  const auto one = replicas_.first_complaint();
  const auto two = membership_ ? changes_.first_complaint() : std::nullopt;
  if (!one || !two) return one ? one : two;
  return std::min(*one, *two);
}

}  // namespace xybus
