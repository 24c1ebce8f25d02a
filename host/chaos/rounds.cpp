#include "chaos/rounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "contract/contract.h"
#include "random/random.h"

namespace xybus {
namespace {

class Rounds {
 public:
  Rounds(const MembershipSpec& spec, const SystemSpec& system, RandomStream random)
      : spec_(spec), system_(system), random_(std::move(random)) {}

  void draw(std::vector<FaultSpec>& faults);
  /// When the last CPU is on again.
  std::uint64_t end() const { return end_; }

 private:
  std::vector<unsigned> to_spare(std::uint64_t cycle) const;

  const MembershipSpec& spec_;
  const SystemSpec& system_;
  RandomStream random_;
  std::array<std::uint64_t, contract::max_nodes> back_{};  // counted as there from that cycle on
  std::uint64_t start_ = 0;
  std::uint64_t end_ = 0;
};

std::vector<unsigned> Rounds::to_spare(std::uint64_t cycle) const {
  std::vector<unsigned> there;
  for (unsigned cpu = 0; cpu < system_.cpus; ++cpu) {
    if (back_[cpu] <= cycle) there.push_back(cpu);
  }
  if (spec_.all) return there;
  const std::size_t rest = there.size() - std::min<std::size_t>(there.size(), 1);
  if (2 * rest > system_.cpus) return there;
  if (2 * rest < system_.cpus || there.front() != 0) return {};
  there.erase(there.begin());
  return there;
}

void Rounds::draw(std::vector<FaultSpec>& faults) {
  const std::uint64_t interval = system_.alive_interval_cycles;
  start_ += spec_.stable_cycles + random_.below(interval);
  std::vector<unsigned> cpus = to_spare(start_);
  while (cpus.empty()) {
    std::uint64_t next = ~std::uint64_t{0};
    for (unsigned cpu = 0; cpu < system_.cpus; ++cpu) {
      if (back_[cpu] > start_) next = std::min(next, back_[cpu]);
    }
    start_ = next;
    cpus = to_spare(start_);
  }
  FaultSpec& fault = faults.emplace_back();
  fault.at = spec_.at;
  fault.kind = FaultKind::cpu_restart;
  fault.cpu = cpus[random_.below(cpus.size())];
  fault.when = AtCycle{start_};
  fault.until_cycle = start_ + spec_.least_off +
                      random_.below(spec_.most_off - spec_.least_off + 1);
  back_[*fault.cpu] = *fault.until_cycle + (spec_.all ? 1 : rejoin_intervals * interval);
  end_ = std::max(end_, *fault.until_cycle);
}

}  // namespace

Scenario draw_rounds(const Scenario& scenario, std::uint64_t seed) {
  Scenario drawn = scenario;
  for (std::size_t i = 0; i < drawn.workloads.size(); ++i) {
    auto* const spec = std::get_if<MembershipSpec>(&drawn.workloads[i]);
    if (spec == nullptr || spec->count == 0) continue;
    Rounds rounds(*spec, drawn.system, RandomStream(seed, fmt::format("workload.{}.rounds", i)));
    for (std::uint64_t n = 0; n < spec->count; ++n) rounds.draw(drawn.faults);
    const std::uint64_t until =
        rounds.end() + quiet_intervals * drawn.system.alive_interval_cycles;
    *spec = {.at = spec->at,
             .bytes = spec->bytes,
             .pause_cycles = spec->pause_cycles,
             .until_cycle = until,
             .drain_cycles = spec->drain_cycles};
  }
  return drawn;
}

}  // namespace xybus
