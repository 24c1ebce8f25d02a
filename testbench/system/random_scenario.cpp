#include "random_scenario.h"

#include <algorithm>
#include <array>

#include "random/random.h"

namespace xybus::test {
namespace {

using contract::BusId;

// Around what changes the way a message takes: nothing, what fits beside a link, one packet, more.
constexpr std::array<std::uint32_t, 10> sizes{0, 1, 32, 223, 224, 225, 256, 1000, 5000, 20000};

class Draw {
 public:
  Draw(std::uint64_t number, const RandomMix& mix)
      : random_(number, "random scenario"), mix_(mix) {}

  Scenario scenario() {
    Scenario result;
    result.name = "random";
    result.system.cpus = 2 + below(mix_.most_cpus - 1);
    result.system.costs = below(2) == 0 ? Costs::zero : Costs::standard;
    result.system.cost = cost_table(result.system.costs);
    if (below(4) == 0) result.system.alive_interval_cycles = 20'000;
    result.limit_cycles = 10'000'000;
    cpus_ = result.system.cpus;
    for (unsigned left = 1 + below(3); left > 0; --left) result.workloads.push_back(workload());
    for (unsigned left = mix_.faults ? below(3) : 0; left > 0; --left) {
      result.faults.push_back(fault());
    }
    return result;
  }

 private:
  unsigned below(std::uint64_t limit) { return static_cast<unsigned>(random_.below(limit)); }
  std::uint32_t bytes() { return sizes[below(sizes.size())]; }

  // The longer, the fewer.
  std::uint64_t count(std::uint32_t length) { return 1 + below(length > 1000 ? 20 : 120); }

  WorkloadSpec workload() {
    const std::uint32_t length = bytes();
    switch (below(3)) {
      case 0: return PingSpec{{}, below(cpus_), below(cpus_), length, bytes(), count(5000)};
      case 1: return StreamSpec{{}, below(cpus_), below(cpus_), length, count(length),
                                1 + below(16)};
      default: {
        AllToAllSpec spec{{}, length, count(length) / 4 + 1, 1 + below(6), Pattern(below(5)), {}};
        for (unsigned cpu = 0; cpu < cpus_; ++cpu) spec.cpus.push_back(cpu);
        return spec;
      }
    }
  }

  // One bus is never down for good together with trouble on the other.
  FaultSpec fault() {
    FaultSpec result;
    constexpr std::array kinds{FaultKind::packet_corrupt, FaultKind::packet_drop,
                               FaultKind::answer_drop, FaultKind::bus_down};
    result.kind = kinds[below(kinds.size())];
    const BusId bus = BusId(below(2));
    if (result.kind == FaultKind::bus_down) {
      result.bus = BusId::x;
      result.when = AtCycle{below(20'000)};
    } else if (below(2) == 0) {
      result.bus = bus;
      result.when = AtPacket{1 + below(200), {}, bus};
    } else {
      result.bus = BusId::x;
      result.when = EachPacket{0.002 * (1 + below(10))};
    }
    return result;
  }

  RandomStream random_;
  RandomMix mix_;
  unsigned cpus_ = 2;
};

}  // namespace

Scenario random_scenario(std::uint64_t number, const RandomMix& mix) {
  return Draw(number, mix).scenario();
}

}  // namespace xybus::test
