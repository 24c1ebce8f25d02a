// What a message costs between two CPUs that have nothing else to do: link to LDONE.
#include <fmt/format.h>

#include "bench/bench.h"
#include "bench/timed_run.h"
#include "contract/contract.h"
#include "firmware/dispatcher/cost_table.h"

namespace xybus {

namespace {

using Arguments = std::vector<std::string>;

/// The median round trip of a ping with requests and replies of so many bytes. `machine` is what
/// names the profile, or nothing.
double round_trip(const Arguments& machine, unsigned bytes, const Arguments& sets) {
  Arguments arguments{"--fabric", "rtl", "--set", fmt::format("workload.0.bytes={}", bytes),
                      "--set", "workload.0.count=40", "--set", "limits.time=\"10 s\""};
  arguments.insert(arguments.end(), machine.begin(), machine.end());
  for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
  return timed_run("ping", arguments).round_trip;
}

/// Words of data of one message each way, which is what one bus cannot do without.
double bus_cycles(unsigned bytes) { return 2.0 * bytes / contract::word_bytes; }

BenchRow row(const std::string& name, double cycles) {
  return {.name = name, .value = cycles, .unit = "cycles"};
}

BenchRow hardware(const Arguments& machine, unsigned bytes) {
  BenchRow result = row(fmt::format("{} B each way, software for nothing", bytes),
                        round_trip(machine, bytes, {"system.costs=\"zero\""}));
  result.limit = bus_cycles(bytes);
  return result;
}

/// What the round trip is shorter by when that one piece of work takes no time.
void shares(BenchRows& rows, const Arguments& machine, unsigned bytes) {
  const std::string what = fmt::format("{} B each way", bytes);
  const double whole = round_trip(machine, bytes, {});
  rows.push_back(row(what + ", default costs", whole));
  for (const auto& entry : CostTable::entries()) {
    const double without =
        round_trip(machine, bytes, {fmt::format("system.cost.{}=0", entry.name)});
    BenchRow share = row(what + ", of it " + entry.name, whole - without);
    share.limit = whole;
    rows.push_back(share);
  }
}

}  // namespace

BenchRows bench_message(const std::string& profile) {
  Arguments machine;
  if (!profile.empty()) machine = {"--profile", profile};
  BenchRows rows;
  rows.push_back(hardware(machine, 32).at_most(120));
  rows.push_back(hardware(machine, 4096).at_most(1.15 * bus_cycles(4096) + 200));
  rows.push_back(hardware(machine, 65536));
  shares(rows, machine, 32);
  shares(rows, machine, 4096);
  return rows;
}

}  // namespace xybus
