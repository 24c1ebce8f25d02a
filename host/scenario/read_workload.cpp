#include "scenario/read_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "scenario/quantity.h"
#include "scenario/workload_keys.h"

namespace xybus {
namespace {

constexpr double longest_pause_seconds = 3600;

/// Reads what each key says.
class ReadKeys : public WorkloadKeys {
 public:
  ReadKeys(const Section& section, const SystemSpec& system)
      : WorkloadKeys(system), section_(section) {}

  void number(const char* key, auto& value, std::uint64_t least, std::uint64_t most) {
    set(value, section_.integer(key, least, most));
  }
  void number(const char* key, auto& value, std::uint64_t least, std::uint64_t most,
              std::uint64_t otherwise) {
    set(value, section_.integer(key, least, most, otherwise));
  }
  void cpu(const char* key, unsigned& value) { value = section_.cpu(key, system().cpus); }
  void cpus(const char* key, std::vector<unsigned>& list, unsigned least) {
    list = section_.cpus(key, system().cpus, least);
  }
  void cpu_or_cpus(const char* key, std::vector<unsigned>& list) {
    if (section_.is_list(key)) return cpus(key, list, 1);
    list = {section_.cpu(key, system().cpus)};
  }
  void word(const char* key, auto& value, const auto& values) {
    if (!section_.has(key)) return;
    Words words;
    for (const auto each : values) words.push_back(name(each));
    value = values[section_.word(key, words)];
  }
  void time(const char* key, std::uint64_t& cycles) {
    cycles = section_.time(key, system().clock_hz);
  }
  void short_time(const char* key, std::uint64_t& cycles, std::uint64_t most) {
    if (!section_.has(key)) return;
    time(key, cycles);
    if (cycles > most)
      section_.fail(key, fmt::format("{} is {} cycles", section_.written(key), cycles),
                    fmt::format("at most {} cycles", most));
  }
  void pause(const char* key, std::uint64_t& cycles) {
    if (!section_.has(key)) return;
    time(key, cycles);
    if (cycles > *to_cycles(longest_pause_seconds, system().clock_hz))
      section_.fail(key, section_.written(key) + " is too long", "at most 1 hour");
  }
  void true_pause(const char* key, std::uint64_t& cycles, std::uint64_t otherwise) {
    cycles = otherwise;
    pause(key, cycles);
    if (section_.has(key) && cycles == 0)
      section_.fail(key, section_.written(key) + " is no time at all", "at least one cycle");
  }
  void times(const char* key, std::uint64_t& least, std::uint64_t& most, std::uint64_t shortest) {
    std::tie(least, most) = section_.time_range(key, system().clock_hz);
    if (least < shortest)
      section_.fail(key, fmt::format("{} begins at {} cycles", key, least),
                    fmt::format("at least {} cycles", shortest));
  }
  void fraction(const char* key, double& value) {
    if (section_.has(key)) value = section_.fraction(key);
  }
  void flag(const char* key, bool& value) { value = section_.flag(key); }
  void derived(std::uint64_t& value, std::uint64_t result) { value = result; }

 private:
  template <class Number>
  static void set(Number& place, std::uint64_t value) {
    place = static_cast<Number>(value);
  }

  const Section& section_;
};

/// Lists all keys that there can be.
struct KeyNames : WorkloadKeys {
  using WorkloadKeys::WorkloadKeys;
  Words names{"kind"};

  void number(const char* key, auto&&...) { names.push_back(key); }
  void cpu(const char* key, auto&&...) { names.push_back(key); }
  void cpus(const char* key, auto&&...) { names.push_back(key); }
  void cpu_or_cpus(const char* key, auto&&...) { names.push_back(key); }
  void word(const char* key, auto&&...) { names.push_back(key); }
  void time(const char* key, auto&&...) { names.push_back(key); }
  void short_time(const char* key, auto&&...) { names.push_back(key); }
  void pause(const char* key, auto&&...) { names.push_back(key); }
  void true_pause(const char* key, auto&&...) { names.push_back(key); }
  void times(const char* key, auto&&...) { names.push_back(key); }
  void fraction(const char* key, auto&&...) { names.push_back(key); }
  void flag(const char* key, auto&&...) { names.push_back(key); }
  bool when(bool) { return true; }
};

// Before its keys are read: what goes beyond single ones, of kinds that have such things.
template <class Spec>
void check(const Spec&, const Section&, const SystemSpec&) {}

void check(const MembershipSpec& membership, const Section& section, const SystemSpec& system) {
  if (system.alive_interval_cycles == 0)
    throw ScenarioError(membership.at, "membership without I'm-alive packets",
                        "system.alive other than \"0 s\"");
  const bool rounds = section.integer("rounds", 0, most_rounds) != 0;
  if (rounds && section.has("until"))
    section.fail("until", "until contradicts rounds", "it with rounds = 0 alone");
  for (const char* const key : {"off", "stable", "all"}) {
    if (!rounds && section.has(key))
      section.fail(key, fmt::format("{} is for rounds that there are none of", key),
                   "it with rounds above 0 alone");
  }
}

}  // namespace

Words workload_keys(const WorkloadSpec& kind) {
  const SystemSpec system;
  KeyNames names(system);
  std::visit([&](auto spec) { spec.keys(names, spec); }, kind);
  return names.names;
}

WorkloadSpec read_workload(const toml::table& table, const std::string& path, const Origin& origin,
                           const SystemSpec& system) {
  const std::string kind = kind_of(table, path, origin, names_of(known_workloads()));
  std::vector<WorkloadSpec> kinds = workload_kinds();
  WorkloadSpec workload = *std::ranges::find(
      kinds, kind, [](const WorkloadSpec& each) -> std::string { return name(each); });
  const Section section(table, path, origin, workload_keys(workload));
  ReadKeys keys(section, system);
  std::visit([&](auto& spec) {
    spec.at = section.at();
    check(spec, section, system);
    spec.keys(keys, spec);
  }, workload);
  return workload;
}

namespace {

/// Of the copiers' files on each volume.
void check_room(const FileCopySpec& copies, const std::vector<DiskSpec>& disks) {
  constexpr std::uint64_t block_bytes = 512, other_blocks = 9;  // label, directory
  constexpr unsigned most_files = 64;
  std::vector<unsigned> files(disks.size());
  for (unsigned copier = 0; copier < copies.copiers; ++copier) {
    ++files[copier % disks.size()];
    ++files[(copier + 1) % disks.size()];
  }
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const std::uint64_t blocks =
        files[i] * ((copies.bytes + block_bytes - 1) / block_bytes) + other_blocks;
    if (disks[i].blocks < blocks || files[i] > most_files)
      throw ScenarioError(copies.at, fmt::format("the copies have no room on {}", disks[i].name),
                          fmt::format("a disk of {} blocks at least, or less to do", blocks));
  }
}

/// Of the bank's files on each volume; see workload/bank_servers.h.
void check_room(const DebitCreditSpec& bank, const std::vector<DiskSpec>& disks) {
  constexpr std::uint64_t record_bytes = 100, line_bytes = 50, block_bytes = 512;
  constexpr std::uint64_t other_blocks = 9 + 4;  // label, directory, and what files do not fill
  const std::uint64_t bytes = (std::uint64_t{bank.accounts} + bank.tellers + 1) * record_bytes +
                              4 * line_bytes * bank.terminals * bank.count;
  const std::uint64_t blocks = bytes / block_bytes + other_blocks;
  for (const DiskSpec& disk : disks) {
    if (disk.blocks < blocks)
      throw ScenarioError(bank.at, fmt::format("the bank has no room on {}", disk.name),
                          fmt::format("a disk of {} blocks at least, or less to do", blocks));
  }
}

/// Names that a workload gives to its own processes: "$BR1".
std::vector<std::string_view> own_names(const WorkloadSpec& workload) {
  if (std::holds_alternative<DebitCreditSpec>(workload)) return {"$BR", "$ACC"};
  if (std::holds_alternative<KeyValueSpec>(workload)) return {"$KV"};
  if (std::holds_alternative<SessionSpec>(workload)) return {"$CI"};
  return {};
}

/// A device has none of these.
void check_names(const Scenario& scenario, const WorkloadSpec& workload) {
  for (const std::string_view own : own_names(workload)) {
    const auto check = [&](const auto& device) {
      if (!device.name.starts_with(own)) return;
      if (!parse_count(std::string_view(device.name).substr(own.size()))) return;
      throw ScenarioError(device.at,
                          fmt::format("{} is the name of a process of {}", device.name,
                                      about(workload).name),
                          "another name");
    };
    for (const DiskSpec& disk : scenario.disks) check(disk);
    for (const TerminalSpec& terminal : scenario.terminals) check(terminal);
  }
}

}  // namespace

void check_together(const Scenario& scenario) {
  const std::vector<DiskSpec>& disks = scenario.disks;
  std::size_t updates = 0;
  bool membership = false, banks = false, maps = false, copies = false, sessions = false;
  for (const WorkloadSpec& workload : scenario.workloads) {
    check_names(scenario, workload);
    if (const auto* its = std::get_if<UpdatesSpec>(&workload);
        its != nullptr && ++updates > most_updates_workloads)
      throw ScenarioError(its->at, "too many workloads of updates",
                          fmt::format("{} at most", most_updates_workloads));
    if (const auto* bank = std::get_if<DebitCreditSpec>(&workload); bank != nullptr) {
      if (disks.empty())
        throw ScenarioError(bank->at, "a bank without a disk", "a [[disk]] at least");
      check_room(*bank, disks);
      if (std::exchange(banks, true))
        throw ScenarioError(bank->at, "a second workload of debit-credit", "one at most");
    }
    if (const auto* map = std::get_if<KeyValueSpec>(&workload);
        map != nullptr && std::exchange(maps, true))
      throw ScenarioError(map->at, "a second workload of key-value", "one at most");
    if (const auto* copy = std::get_if<FileCopySpec>(&workload); copy != nullptr) {
      if (disks.empty())
        throw ScenarioError(copy->at, "file-copy without a disk", "a [[disk]] at least");
      check_room(*copy, disks);
      if (std::exchange(copies, true))
        throw ScenarioError(copy->at, "a second workload of file-copy", "one at most");
    }
    if (const auto* session = std::get_if<SessionSpec>(&workload); session != nullptr) {
      if (scenario.terminals.empty())
        throw ScenarioError(session->at, "a session without a terminal", "a [[terminal]] at least");
      if (std::exchange(sessions, true))
        throw ScenarioError(session->at, "a second workload of session", "one at most");
    }
    const auto* its = std::get_if<MembershipSpec>(&workload);
    if (its != nullptr && std::exchange(membership, true))
      throw ScenarioError(its->at, "a second workload of membership", "one at most");
  }
}

std::uint64_t longest_membership(const MembershipSpec& membership, const SystemSpec& system) {
  const std::uint64_t interval = system.alive_interval_cycles;
  const std::uint64_t round = membership.stable_cycles + membership.most_off +
                              (rejoin_intervals + 1) * interval;
  const std::uint64_t behind = 2 * (quiet_intervals + drain_intervals) * interval;
  return membership.until_cycle + membership.count * round + behind;
}

}  // namespace xybus
