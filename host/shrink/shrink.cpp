#include "shrink/shrink.h"

#include <algorithm>
#include <map>

#include "scenario/write.h"
#include "shrink/ddmin.h"
#include "shrink/shrink_workload.h"

namespace xybus {
namespace {

constexpr std::size_t most_strikes = 256;  // that a fault of many packets is taken apart into

/// Whether chance decides what it hits, or which bits.
bool draws(const FaultSpec& fault) {
  const bool draws_bits =
      fault.kind == FaultKind::packet_corrupt || fault.kind == FaultKind::answer_corrupt;
  return (draws_bits && fault.detail.bits.empty()) ||
         std::holds_alternative<EachPacket>(fault.when);
}

class Shrink {
 public:
  Shrink(const Scenario& failing, ShrinkRunner& runner,
         const std::function<void(const ShrinkState&)>& progress)
      : best_(failing), runner_(runner), progress_(progress) {}

  Scenario operator()();

 private:
  /// Keeps the candidate when it fails.
  bool try_out(const Scenario& candidate);

  /// Tries the best so far with one change.
  template <class Change>
  bool with(Change&& change) {
    Scenario candidate = best_;
    change(candidate);
    return try_out(candidate);
  }

  template <class List>
  void fewer(List Scenario::* list, std::size_t least) {
    ddmin(best_.*list, [&](const List& kept) { return with([&](Scenario& s) { s.*list = kept; }); },
          least);
  }

  void name_chances();
  void smaller_workload(std::size_t index);
  void shrink_cpus();
  void single_packets();

  Scenario best_;
  ShrinkRunner& runner_;
  const std::function<void(const ShrinkState&)>& progress_;
  ShrinkState state_;
  std::map<std::string, bool> known_;  // scenarios that were tried
};

bool Shrink::try_out(const Scenario& candidate) {
  const std::string text = scenario_text(candidate);
  if (const auto found = known_.find(text); found != known_.end()) return found->second;
  bool fails = false;
  try {
    parse_scenario(text, candidate.path);
    ++state_.runs;
    fails = runner_.fails(candidate);
  } catch (const ScenarioError&) {
    // What was taken away is needed elsewhere.
  }
  known_[text] = fails;
  if (fails) best_ = candidate;
  state_.faults = best_.faults.size();
  state_.workloads = best_.workloads.size();
  state_.cpus = best_.system.cpus;
  progress_(state_);
  return fails;
}

// Whichever faults are left out, each draws the same.
void Shrink::name_chances() {
  for (std::size_t i = 0; i < best_.faults.size(); ++i) {
    FaultSpec& fault = best_.faults[i];
    if (draws(fault) && !fault.chance) fault.chance = static_cast<unsigned>(i);
  }
}

void Shrink::smaller_workload(std::size_t index) {
  shrink_workload(best_.workloads[index], best_.system, [&](const WorkloadSpec& candidate) {
    return with([&](Scenario& scenario) { scenario.workloads[index] = candidate; });
  });
}

void Shrink::shrink_cpus() {
  lower(best_.system.cpus, 2U, [&](unsigned cpus) {
    return with([&](Scenario& scenario) { scenario.system.cpus = cpus; });
  });
}

/// A packet fault that holds for a time becomes one fault for each packet it hit.
void Shrink::single_packets() {
  for (std::size_t i = best_.faults.size(); i-- > 0;) {
    const FaultSpec fault = best_.faults[i];
    if (!is_packet_fault(fault.kind)) continue;
    const bool many = std::holds_alternative<EachPacket>(fault.when) || fault.until_cycle ||
                      fault.for_cycles;
    if (!many || !runner_.fails(best_)) continue;
    ++state_.runs;
    std::vector<FaultSpec> singles;
    for (const PacketStrike& strike : runner_.strikes()) {
      if (strike.kind != fault.kind || (fault.bus && *fault.bus != strike.bus)) continue;
      FaultSpec& single = singles.emplace_back(fault);
      single.bus = strike.bus;
      single.when = AtCycle{strike.cycle};
      single.until_cycle.reset();
      single.for_cycles.reset();
      if (!draws(single)) single.chance.reset();
    }
    if (singles.empty() || singles.size() > most_strikes) continue;
    Scenario candidate = best_;
    candidate.faults.erase(candidate.faults.begin() + std::ptrdiff_t(i));
    candidate.faults.insert(candidate.faults.begin() + std::ptrdiff_t(i), singles.begin(),
                            singles.end());
    if (try_out(candidate)) fewer(&Scenario::faults, 0);
    i = std::min(i, best_.faults.size());
  }
}

Scenario Shrink::operator()() {
  const auto part = [this](const char* what) { state_.part = what; };
  part("faults");
  name_chances();
  std::string before;
  while (before != scenario_text(best_)) {
    before = scenario_text(best_);
    part("faults");
    fewer(&Scenario::faults, 0);
    // Before the workloads: what gives a failure more room than it had makes it need more packets.
    part("packets");
    single_packets();
    part("workloads");
    fewer(&Scenario::workloads, 1);
    for (std::size_t i = 0; i < best_.workloads.size(); ++i) smaller_workload(i);
    part("CPUs");
    shrink_cpus();
  }
  return best_;
}

}  // namespace

Scenario shrink(const Scenario& failing, ShrinkRunner& runner,
                const std::function<void(const ShrinkState&)>& progress) {
  return Shrink(failing, runner, progress)();
}

}  // namespace xybus
