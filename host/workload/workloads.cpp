#include "workload/workloads.h"

#include <fmt/format.h>

#include <string>
#include <variant>

namespace xybus {

Workloads::Workloads(const Scenario& scenario, std::uint64_t seed, Scoreboard& scoreboard,
                     ClusterWatch& cluster)
    : plan_(scenario.system.cpus) {
  for (const WorkloadSpec& spec : scenario.workloads) {
    const auto index = static_cast<std::uint16_t>(contexts_.size());
    contexts_.push_back(
        std::make_unique<WorkloadContext>(
            spec, index, WorkloadContext::Run{scenario, seed, plan_, scoreboard, cluster}));
    std::visit([&](const auto& its) { plan_workload(its, *contexts_.back()); }, spec);
    expected_ += contexts_.back()->expected();
  }
}

void Workloads::on_complete(std::function<void(std::uint64_t)> callback) {
  on_complete_ = std::move(callback);
  plan_.on_complete(on_complete_);
}

void Workloads::cpu_halted(unsigned cpu, std::uint64_t cycle) {
  for (auto& context : contexts_) context->cpu_halted(cpu);
  plan_.cpu_halted(cpu);
  if (plan_.clients_left() == 0 && on_complete_) on_complete_(cycle);
}

void Workloads::distrust(unsigned cpu) {
  for (auto& context : contexts_) context->distrust(cpu);
}

void Workloads::miscount(unsigned cpu) {
  for (auto& context : contexts_) context->ended(cpu);
}

void Workloads::forge(std::string_view check, std::uint64_t cycle) {
  for (auto& context : contexts_) {
    WorkloadCheck* const its = context->own_check();
    if (its != nullptr && its->name() == check) its->forge(cycle);
  }
}

void Workloads::begin(const DriveContents& drives) {
  for (auto& context : contexts_) {
    if (context->own_check() != nullptr) context->own_check()->begin(drives);
  }
}

std::optional<std::uint64_t> Workloads::first_complaint() const {
  std::optional<std::uint64_t> first;
  for (const auto& context : contexts_) {
    if (context->own_check() == nullptr) continue;
    const auto its = context->own_check()->first_complaint();
    if (its && (!first || *its < *first)) first = its;
  }
  return first;
}

std::vector<CheckResult> Workloads::own_checks(const DriveContents& drives,
                                                bool whole) const {
  std::vector<CheckResult> results;
  for (const auto& context : contexts_) {
    if (context->own_check() != nullptr) results.push_back(context->own_check()->result(drives, whole));
  }
  return results;
}

std::vector<ThroughputResult> Workloads::throughput(std::uint64_t cycles) const {
  std::vector<ThroughputResult> results;
  for (const auto& context : contexts_) {
    if (context->own_operations()) results.push_back(context->own_operations()->result(cycles));
  }
  return results;
}

std::uint64_t Workloads::ended() const {
  std::uint64_t sum = 0;
  for (const auto& context : contexts_) {
    if (context->own_check() != nullptr) sum += context->own_check()->ended();
  }
  return sum;
}

CheckResult Workloads::check() const {
  Complaints complaints;
  std::string good;
  for (const auto& context : contexts_) {
    context->check(complaints);
    good += (good.empty() ? "" : ", ") + context->name();
    // Without clients how much there is to do is nowhere said.
    if (context->expected() == 0) continue;
    good += fmt::format(": {} {}", context->ended(), context->what());
    if (context->ended() < context->expected())
      good += fmt::format(" of {}, as CPUs have halted", context->expected());
  }
  return complaints.result("workload", good);
}

}  // namespace xybus
