// A scenario written as TOML reads back as the same.
#include <catch2/catch.hpp>
#include <algorithm>
#include <filesystem>

#include "chaos/detail.h"
#include "random/random.h"
#include "scenario/kernel_kinds.h"
#include "scenario/workload_keys.h"
#include "scenario/write.h"

using namespace xybus;

namespace {

/// Without the places where things were written, which differ.
Scenario without_places(Scenario scenario) {
  scenario.path.clear();
  for (WorkloadSpec& workload : scenario.workloads)
    std::visit([](auto& spec) { spec.at = {}; }, workload);
  for (DiskSpec& disk : scenario.disks) disk.at = {};
  for (TerminalSpec& terminal : scenario.terminals) terminal.at = {};
  for (FaultSpec& fault : scenario.faults) fault.at = {};
  if (scenario.chaos) scenario.chaos->at = {};
  return scenario;
}

void check_round_trip(const Scenario& scenario) {
  const std::string text = scenario_text(scenario, "a remark\nof two lines");
  INFO(text);
  const Scenario again = parse_scenario(text, "written.toml");
  CHECK((without_places(again) == without_places(scenario)));
}

std::vector<unsigned> some_cpus(RandomStream& random, unsigned cpus, std::size_t least) {
  std::vector<unsigned> list;
  while (list.size() < least) {
    list.clear();
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
      if (random.below(2) == 0) list.push_back(cpu);
  }
  return list;
}

/// Draws a value for each key.
class DrawKeys : public WorkloadKeys {
 public:
  DrawKeys(const SystemSpec& system, RandomStream& random)
      : WorkloadKeys(system), random_(random) {}

  template <class Number>
  void number(const char*, Number& value, std::uint64_t least, std::uint64_t most, auto...) {
    const bool at_least = random_.below(4) == 0;  // often enough for what depends on it
    value = static_cast<Number>(at_least ? least : least + random_.below(most - least + 1));
  }
  void cpu(const char*, unsigned& value) { value = unsigned(random_.below(system().cpus)); }
  void cpus(const char*, std::vector<unsigned>& list, std::size_t least) {
    list = some_cpus(random_, system().cpus, least);
  }
  void cpu_or_cpus(const char* key, std::vector<unsigned>& list) { cpus(key, list, 1); }
  void word(const char*, auto& value, const auto& values) {
    value = values[random_.below(values.size())];
  }
  void time(const char*, std::uint64_t& cycles) { cycles = random_.below(1'000'000'000); }
  void short_time(const char*, std::uint64_t& cycles, std::uint64_t most) {
    cycles = random_.below(2) == 0 ? 0 : random_.below(most + 1);
  }
  void pause(const char* key, std::uint64_t& cycles) {
    if (random_.below(2) == 0) time(key, cycles);
  }
  void true_pause(const char*, std::uint64_t& cycles, std::uint64_t) {
    cycles = 1 + random_.below(1'000'000);
  }
  void times(const char*, std::uint64_t& least, std::uint64_t& most, std::uint64_t shortest) {
    least = shortest + random_.below(1'000'000);
    most = least + random_.below(1'000'000);
  }
  void fraction(const char*, double& value) { value = double(random_.below(1000)) / 999; }
  void flag(const char*, bool& value) { value = random_.below(2) == 0; }
  void derived(std::uint64_t& value, std::uint64_t result) { value = result; }

 private:
  RandomStream& random_;
};

/// For an I'm-alive interval of least_alive_cycles.
WorkloadSpec some_workload(RandomStream& random, SystemSpec system) {
  system.alive_interval_cycles = least_alive_cycles;
  const std::vector<WorkloadSpec> kinds = workload_kinds();
  WorkloadSpec workload = kinds[random.below(kinds.size())];
  DrawKeys keys(system, random);
  std::visit([&](auto& spec) { spec.keys(keys, spec); }, workload);
  return workload;
}

std::vector<DiskSpec> some_disks(RandomStream& random, unsigned cpus) {
  std::vector<DiskSpec> disks(1 + random.below(3));
  for (std::size_t i = 0; i < disks.size(); ++i) {
    disks[i].name = "$DATA" + std::to_string(i);
    disks[i].cpus = {0, 1 + unsigned(random.below(cpus - 1))};
    disks[i].blocks = 1 + std::uint32_t(random.below(DiskSpec::most_blocks));
    disks[i].drives = 1 + unsigned(random.below(2));
    disks[i].read_cycles = 1 + random.below(1'000'000);
    disks[i].write_cycles = 1 + random.below(1'000'000);
    disks[i].block_cycles = 1 + random.below(10'000);
  }
  return disks;
}

/// Lines with times that do not decrease, and without.
std::vector<TerminalSpec> some_terminals(RandomStream& random, unsigned cpus) {
  std::vector<TerminalSpec> terminals(1 + random.below(3));
  for (std::size_t i = 0; i < terminals.size(); ++i) {
    terminals[i].name = "$TERM" + std::to_string(i);
    terminals[i].cpus = {0, 1 + unsigned(random.below(cpus - 1))};
    if (random.below(2) == 0) std::swap(terminals[i].cpus[0], terminals[i].cpus[1]);
    terminals[i].character_cycles = 1 + random.below(10'000);
    std::uint64_t cycle = 0;
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      TypedLine line{.text = random.below(2) == 0 ? "" : "a \"line\" \\ @ {n}"};
      if (random.below(2) == 0) line.cycle = cycle += random.below(1'000'000);
      terminals[i].lines.push_back(line);
    }
  }
  return terminals;
}

FaultSpec some_fault(RandomStream& random, unsigned cpus, const std::vector<DiskSpec>& disks) {
  FaultSpec fault;
  fault.kind = FaultKind(random.below(known_faults().size()));
  fault.detail = draw_detail(fault.kind, cpus, random);
  const bool of_packets = is_packet_fault(fault.kind);
  const contract::BusId bus = contract::BusId(random.below(2));
  if (is_disk_fault(fault.kind)) {
    fault.detail = draw_drive(fault.kind, disks, random);
  } else if (is_node_fault(fault.kind)) {
    fault.cpu = unsigned(random.below(cpus));
  } else if (fault.kind == FaultKind::process_stop) {
    fault.detail.process = random.below(2) == 0 ? "$BANK" : "$A1";
    fault.detail.backup = random.below(2) == 0;
  } else if (fault.kind != FaultKind::power_failure && random.below(2) == 0) {
    fault.bus = bus;
  }
  std::uint64_t start = random.next() >> (2 + random.below(60));
  bool may_end = fault.kind != FaultKind::cpu_halt && !is_instant(fault.kind) &&
                 fault.kind != FaultKind::power_failure;
  switch (random.below(of_packets || is_drive_error(fault.kind) ? 4 : 3)) {
    case 0: fault.when = AtCycle{start}; break;
    case 1: {
      AtPacket point{1 + random.below(1000), {}, bus};
      if (random.below(2) == 0) point.from = unsigned(random.below(cpus));
      if (fault.kind != FaultKind::packet_corrupt && random.below(2) == 0) {
        point.operation = contract::LinkOperation(1 + random.below(8));
        point.first_attempts = random.below(2) == 0;
      }
      if (!of_packets && random.below(2) == 0) point.delay_cycles = random.below(100'000);
      fault.when = point;
      if (of_packets) fault.bus = bus;
      may_end = may_end && !of_packets;
      break;
    }
    case 2: {
      AtEvent event{.kind = KernelEvent::Kind(random.below(kernel_kind_count)),
                    .n = 1 + random.below(1000)};
      if (random.below(2) == 0) event.process = "$BANK";
      if (event.process.empty() || random.below(2) == 0) event.cpu = unsigned(random.below(cpus));
      if (random.below(2) == 0) event.peer = unsigned(random.below(cpus));
      if (random.below(2) == 0) event.delay_cycles = random.below(100'000);
      fault.when = event;
      break;
    }
    default:
      fault.when = EachPacket{double(random.below(1000)) / 999, start};
      if (random.below(2) == 0) fault.chance = unsigned(random.below(100));
  }
  if (fault.kind == FaultKind::cpu_restart) {
    const std::uint64_t off = least_off_cycles + random.below(100'000);
    const bool at_cycle = std::holds_alternative<AtCycle>(fault.when);
    (at_cycle ? fault.until_cycle : fault.for_cycles) = (at_cycle ? start : 0) + off;
  } else if (may_end && random.below(2) == 0) fault.until_cycle = start + 1 + random.below(100'000);
  return fault;
}

ChaosSpec some_chaos(RandomStream& random, unsigned cpus) {
  ChaosSpec chaos;
  chaos.kinds = {FaultKind(random.below(4)), FaultKind(4 + random.below(4))};
  if (random.below(2) == 0) {
    chaos.rate = double(1 + random.below(999)) / 7e6;
  } else {
    chaos.count = 1 + random.below(100);
  }
  chaos.least_duration = 1 + random.below(1000);
  chaos.most_duration = chaos.least_duration + random.below(1'000'000);
  chaos.stable_cycles = random.below(1'000'000);
  chaos.cpus = some_cpus(random, cpus, 1);
  chaos.buses = {contract::BusId(random.below(2))};
  chaos.single = random.below(2) == 0;
  chaos.until_cycle = chaos.most_duration + 1 + random.below(1'000'000);
  chaos.drain_cycles = 1 + random.below(1'000'000'000);
  return chaos;
}

Scenario some_scenario(RandomStream& random) {
  Scenario scenario;
  scenario.name = random.below(2) == 0 ? "plain" : "a \"name\"\\with\n\x01\x7f all";
  scenario.system.cpus = 2 + unsigned(random.below(15));
  const double clocks[] = {100e6, 33.333333e6, 1e6 + double(random.below(1'000'000)), 9.999e9};
  scenario.system.clock_hz = clocks[random.below(4)];
  scenario.system.costs = Costs(random.below(2));
  scenario.system.cost = cost_table(scenario.system.costs);
  for (const auto& entry : CostTable::entries()) {
    if (random.below(4) == 0) scenario.system.cost.*entry.cost = std::uint32_t(random.below(1000));
  }
  scenario.system.alive_interval_cycles =
      random.below(2) == 0 ? 0 : least_alive_cycles + random.below(100'000);
  scenario.limit_cycles = (std::uint64_t{1} << 61) + random.below(1'000);
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n)
    scenario.workloads.push_back(some_workload(random, scenario.system));
  // One at most, and not without I'm-alives.
  const auto is_membership = [](const WorkloadSpec& spec) {
    return std::holds_alternative<MembershipSpec>(spec);
  };
  if (std::ranges::any_of(scenario.workloads, is_membership)) {
    const auto one = *std::ranges::find_if(scenario.workloads, is_membership);
    std::erase_if(scenario.workloads, is_membership);
    scenario.workloads.push_back(one);
    scenario.system.alive_interval_cycles = least_alive_cycles;
  }
  scenario.disks = some_disks(random, scenario.system.cpus);
  scenario.terminals = some_terminals(random, scenario.system.cpus);
  // One bank at most, one map, one of copiers, and one of sessions.
  bool bank = false, map = false, copies = false, session = false;
  std::erase_if(scenario.workloads, [&](const WorkloadSpec& spec) {
    return (std::holds_alternative<DebitCreditSpec>(spec) && std::exchange(bank, true)) ||
           (std::holds_alternative<KeyValueSpec>(spec) && std::exchange(map, true)) ||
           (std::holds_alternative<FileCopySpec>(spec) && std::exchange(copies, true)) ||
           (std::holds_alternative<SessionSpec>(spec) && std::exchange(session, true));
  });
  for (WorkloadSpec& workload : scenario.workloads) {
    if (auto* const copy = std::get_if<FileCopySpec>(&workload)) {
      copy->bytes = 1 + random.below(10'000);
      for (DiskSpec& disk : scenario.disks) disk.blocks = DiskSpec::most_blocks;
    }
    auto* const its = std::get_if<DebitCreditSpec>(&workload);
    if (its == nullptr) continue;
    its->count = 1 + random.below(100);
    for (DiskSpec& disk : scenario.disks) disk.blocks = DiskSpec::most_blocks;  // room for it
  }
  for (std::uint64_t n = random.below(6); n > 0; --n)
    scenario.faults.push_back(some_fault(random, scenario.system.cpus, scenario.disks));
  if (random.below(2) == 0) scenario.seed = random.next() >> random.below(64);
  if (random.below(2) == 0) scenario.fabric = FabricKind(random.below(2));
  if (random.below(2) == 0) {
    scenario.chaos = some_chaos(random, scenario.system.cpus);
  } else if (random.below(2) == 0) {
    scenario.complete_by = random.below(1'000'000'000);
  }
  return scenario;
}

}  // namespace

TEST_CASE("every shipped scenario reads back as the same after it was written") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(XYBUS_PROJECT "/scenarios")) {
    if (entry.path().extension() != ".toml") continue;
    INFO(entry.path());
    check_round_trip(load_scenario(entry.path()));
    ++count;
  }
  CHECK(count >= 9);
}

TEST_CASE("random scenarios read back as the same after they were written") {
  RandomStream random(1, "write test");
  for (int i = 0; i < 2000; ++i) check_round_trip(some_scenario(random));
}

TEST_CASE("times are written with a unit where that is exact, else in cycles") {
  const std::string text = R"([limits]
time = "12345678901 cycles"
complete_by = "2.5 ms"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 0
count = 1
)";
  const Scenario scenario = parse_scenario(text, "s.toml");
  CHECK(scenario.limit_cycles == 12345678901);
  CHECK(scenario.complete_by == 250'000u);
  const std::string written = scenario_text(scenario);
  CHECK_THAT(written, Catch::Contains("time = \"12345678901 cycles\"\ncomplete_by = \"2.5 ms\"\n"));
}

TEST_CASE("a remark stays a comment, whatever is in it") {
  Scenario scenario = load_scenario(XYBUS_PROJECT "/scenarios/ping.toml");
  const std::string text = scenario_text(scenario, "one\n\n[limits]\ntime = 1\r\x01");
  CHECK_THAT(text, Catch::StartsWith("# one\n#\n# [limits]\n# time = 1  \n"));
  CHECK(parse_scenario(text, "s.toml").limit_cycles == scenario.limit_cycles);
}
