#include "chaos/draw.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "chaos/detail.h"
#include "chaos/rounds.h"
#include "random/random.h"

namespace xybus {
namespace {

template <class T>
const T& pick(RandomStream& random, const std::vector<T>& list) {
  return list[random.below(list.size())];
}

/// A random half of the kinds, rounded up, in their order.
std::vector<FaultKind> swarm(std::vector<FaultKind> kinds, std::uint64_t seed) {
  RandomStream random(seed, "chaos.kinds");
  const std::size_t half = (kinds.size() + 1) / 2;
  for (std::size_t i = 0; i < half; ++i)
    std::swap(kinds[i], kinds[i + random.below(kinds.size() - i)]);
  kinds.resize(half);
  std::ranges::sort(kinds);
  return kinds;
}

/// How many faults. From a rate: 0 to twice the mean, each as likely, so that there are calm runs
/// and wild ones. (No logarithms: their last bits differ between machines.)
std::uint64_t how_many(const Scenario& scenario, std::uint64_t seed) {
  const ChaosSpec& chaos = *scenario.chaos;
  if (chaos.count) return *chaos.count;
  const double milliseconds =
      double(chaos.until_cycle - chaos.after_cycle) / scenario.system.clock_hz * 1e3;
  const auto most = static_cast<std::uint64_t>(std::nearbyint(2 * *chaos.rate * milliseconds));
  return RandomStream(seed, "chaos.count").below(most + 1);
}

/// A fault that begins at cycle 0; `duration` is how long it holds.
struct Drawn {
  FaultSpec fault;
  std::uint64_t duration = 0;
};

/// Whether a CPU that has this fault for long is not heard, or hears nobody: it leaves the view,
/// and halts when it learns that, for good.
bool silences(FaultKind kind) {
  return is_misdeed(kind) || kind == FaultKind::interrupt_lost ||
         kind == FaultKind::completion_delayed || kind == FaultKind::cpu_slow;
}

/// From how many cycles on. A CPU takes itself for deaf 2.125 intervals after the last I'm-alive
/// that it heard, its own too. That is up to one old when the fault begins; when it ends the next
/// one may be as far off, as a node that misbehaved has its paths back with that; and an eighth is
/// for packets that wait: CPUs were seen to halt by faults of 0.99 intervals, and by none of 0.88.
std::uint64_t cycles_to_silence(const SystemSpec& system) {
  if (system.alive_interval_cycles == 0) return std::numeric_limits<std::uint64_t>::max();
  return system.alive_interval_cycles * 3 / 4;
}

/// Whether a fault of the scenario's own may cost the CPU.
bool halts(const FaultSpec& fault, const SystemSpec& system) {
  if (fault.kind == FaultKind::cpu_halt) return true;
  if (!silences(fault.kind)) return false;
  std::optional<std::uint64_t> lasts = fault.for_cycles;
  if (const auto* at = std::get_if<AtCycle>(&fault.when); at != nullptr && fault.until_cycle)
    lasts = *fault.until_cycle - at->cycle;
  return !lasts || *lasts >= cycles_to_silence(system);
}

class Draw {
 public:
  Draw(const Scenario& scenario, std::uint64_t seed)
      : scenario_(scenario),
        chaos_(*scenario.chaos),
        kinds_(swarm(chaos_.kinds, seed)),
        random_(seed, "chaos.faults") {
    for (const FaultSpec& fault : scenario.faults)
      if (halts(fault, scenario.system)) halted_ |= 1U << *fault.cpu;
  }

  /// False when no kind is left that can be drawn.
  bool next(Drawn& drawn);

 private:
  std::vector<unsigned> cpus_to_halt() const;
  std::vector<unsigned> cpus_to_restart() const;
  void shape_packet_fault(Drawn& drawn);
  bool take_node(Drawn& drawn);
  void take_halted(FaultSpec& fault, const std::vector<unsigned>& cpus);

  const Scenario& scenario_;
  const ChaosSpec& chaos_;
  std::vector<FaultKind> kinds_;
  RandomStream random_;
  std::uint32_t halted_ = 0;  // CPUs that halt, or may by a fault that is long
  bool drew_halt_ = false;
};

std::vector<unsigned> Draw::cpus_to_halt() const {
  constexpr unsigned least = 2;  // CPUs left
  std::vector<unsigned> cpus;
  const auto left = scenario_.system.cpus - static_cast<unsigned>(std::popcount(halted_));
  if (left <= least || (chaos_.single && drew_halt_)) return cpus;
  for (const unsigned cpu : chaos_.cpus)
    if ((halted_ >> cpu & 1) == 0) cpus.push_back(cpu);
  return cpus;
}

/// Not one that is to stay halted. None where there is no time to be off.
std::vector<unsigned> Draw::cpus_to_restart() const {
  std::vector<unsigned> cpus;
  if (chaos_.until_cycle - chaos_.after_cycle <= least_off_cycles) return cpus;
  for (const unsigned cpu : chaos_.cpus)
    if ((halted_ >> cpu & 1) == 0) cpus.push_back(cpu);
  return cpus;
}

/// The next packet, every packet for a time, or packets by chance for a time.
void Draw::shape_packet_fault(Drawn& drawn) {
  switch (random_.below(3)) {
    case 0: drawn.duration = 1; break;
    case 1: drawn.fault.until_cycle = drawn.duration; break;
    default: {
      constexpr std::uint64_t steps = 64;
      drawn.fault.when = EachPacket{double(1 + random_.below(steps / 2)) / steps};
      drawn.fault.until_cycle = drawn.duration;
      break;
    }
  }
}

void Draw::take_halted(FaultSpec& fault, const std::vector<unsigned>& cpus) {
  fault.cpu = pick(random_, cpus);
  halted_ |= 1U << *fault.cpu;
  drew_halt_ = true;
}

/// Whose node. A fault that may halt it is one more halt; where there may be none, it is short.
/// False when it cannot be short enough.
bool Draw::take_node(Drawn& drawn) {
  const std::uint64_t too_long = cycles_to_silence(scenario_.system);
  if (silences(drawn.fault.kind) && drawn.duration >= too_long) {
    const auto cpus = cpus_to_halt();
    if (!cpus.empty()) {
      take_halted(drawn.fault, cpus);
      return true;
    }
    if (chaos_.least_duration >= too_long) return false;
    drawn.duration = too_long - 1;
  }
  drawn.fault.cpu = pick(random_, chaos_.cpus);
  return true;
}

bool Draw::next(Drawn& drawn) {
  if (kinds_.empty()) return false;
  drawn = {};
  FaultSpec& fault = drawn.fault;
  fault.at = chaos_.at;
  fault.kind = pick(random_, kinds_);
  if (fault.kind == FaultKind::cpu_halt) {
    const auto cpus = cpus_to_halt();
    if (cpus.empty()) {
      std::erase(kinds_, fault.kind);
      return next(drawn);
    }
    take_halted(fault, cpus);
    drawn.duration = 1;
    return true;
  }
  drawn.duration =
      chaos_.least_duration + random_.below(chaos_.most_duration - chaos_.least_duration + 1);
  if (fault.kind == FaultKind::cpu_restart) {
    const auto cpus = cpus_to_restart();
    if (cpus.empty()) {
      std::erase(kinds_, fault.kind);
      return next(drawn);
    }
    fault.cpu = pick(random_, cpus);
    drawn.duration = std::max(drawn.duration, least_off_cycles);
  } else if (is_node_fault(fault.kind)) {
    if (!take_node(drawn)) {
      std::erase(kinds_, fault.kind);
      return next(drawn);
    }
  } else if (fault.kind == FaultKind::process_stop) {
    drawn.duration = 1;
    fault.detail.process = pick(random_, chaos_.processes);
    fault.detail.backup = random_.below(2) == 0;
    return true;
  } else if (is_disk_fault(fault.kind)) {
    fault.until_cycle = drawn.duration;
    fault.detail = draw_drive(fault.kind, scenario_.disks, random_);
    return true;
  } else {
    fault.bus = pick(random_, chaos_.buses);
    // Only with both buses are there two machines.
    const bool may_divide = fault.kind == FaultKind::partition && !chaos_.single;
    if (may_divide && chaos_.buses.size() == 2 && random_.below(2) == 0) fault.bus.reset();
  }
  fault.detail = draw_detail(fault.kind, scenario_.system.cpus, random_);
  if (is_instant(fault.kind)) {
    drawn.duration = 1;
  } else if (is_packet_fault(fault.kind)) {
    shape_packet_fault(drawn);
  } else {
    fault.until_cycle = drawn.duration;
  }
  return true;
}

void move_to(FaultSpec& fault, std::uint64_t start, std::uint64_t last) {
  if (fault.kind == FaultKind::cpu_restart) start = std::min(start, last - least_off_cycles);
  if (auto* at = std::get_if<AtCycle>(&fault.when)) at->cycle = start;
  if (auto* each = std::get_if<EachPacket>(&fault.when)) each->after_cycle = start;
  if (fault.until_cycle) fault.until_cycle = std::min(start + *fault.until_cycle, last);
}

/// Cycles that a fault takes from those that come after it.
std::uint64_t room(const Drawn& drawn, const ChaosSpec& chaos) {
  return chaos.stable_cycles + (chaos.single ? drawn.duration : 0);
}

/// Spreads the faults over the time from `after` up to `until`: each keeps its room, what is left
/// over is dealt out between them evenly at random.
void spread(std::vector<Drawn>& all, const ChaosSpec& chaos, std::uint64_t seed) {
  const std::uint64_t span = chaos.until_cycle - chaos.after_cycle;
  std::uint64_t taken = 0;  // up to the beginning of the last that fits
  std::uint64_t next = 0;
  std::size_t fit = 0;
  for (; fit < all.size() && next + all[fit].duration < span; ++fit) {
    taken = next;
    next += room(all[fit], chaos);
  }
  all.resize(fit);
  if (fit == 0) return;
  const std::uint64_t last = chaos.single ? all.back().duration : 1;
  RandomStream random(seed, "chaos.times");
  std::vector<std::uint64_t> gaps(all.size());
  for (std::uint64_t& gap : gaps) gap = random.below(span - taken - last + 1);
  std::ranges::sort(gaps);
  std::uint64_t before = chaos.after_cycle;
  for (std::size_t i = 0; i < all.size(); ++i) {
    move_to(all[i].fault, gaps[i] + before, chaos.until_cycle);
    before += room(all[i], chaos);
  }
}

}  // namespace

Scenario draw_chaos(const Scenario& scenario, std::uint64_t seed) {
  Scenario drawn = draw_rounds(scenario, seed);
  if (!scenario.chaos) return drawn;
  const ChaosSpec& chaos = *scenario.chaos;
  Draw draw(scenario, seed);
  std::vector<Drawn> faults(how_many(scenario, seed));
  std::size_t count = 0;
  while (count < faults.size() && draw.next(faults[count])) ++count;
  faults.resize(count);
  spread(faults, chaos, seed);
  for (Drawn& each : faults) drawn.faults.push_back(std::move(each.fault));
  drawn.complete_by = chaos.until_cycle + chaos.drain_cycles;
  drawn.chaos.reset();
  return drawn;
}

}  // namespace xybus
