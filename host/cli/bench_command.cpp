#include "cli/bench_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "bench/bench.h"
#include "cli/command.h"

namespace xybus {

namespace {

bool takes_profile(const std::string& name) {
  return std::ranges::any_of(known_benchmarks(), [&](const Benchmark& known) {
    return known.name == name && known.with_profile != nullptr;
  });
}

}  // namespace

int bench_command(const std::string& name, const std::string& json, const std::string& profile) {
  if (!profile.empty() && !takes_profile(name)) {
    fmt::print(stderr, "xybus: {} takes no --profile; expected bench message\n",
               name.empty() ? "bench of everything" : "bench " + name);
    return bad_usage;
  }
  // A mistake in it is told before anything is measured.
  if (!profile.empty()) load_scenario(find_scenario("ping"), {"system.profile=" + profile});
  std::ofstream file;
  if (!json.empty()) {
    file.open(json);
    if (!file) {
      fmt::print(stderr, "xybus: cannot write {}\n", json);
      return bad_usage;
    }
  }
  std::vector<BenchResult> results;
  for (const Benchmark& benchmark : known_benchmarks()) {
    if (!name.empty() && name != benchmark.name) continue;
    results.push_back(
        {benchmark.name, profile.empty() ? benchmark.run() : benchmark.with_profile(profile)});
    fmt::print("{}{}", results.size() > 1 ? "\n" : "", bench_table(results.back()));
    std::fflush(stdout);
  }
  if (!json.empty()) {
    file << bench_json(results) << std::flush;
    if (!file) throw std::runtime_error("cannot write " + json);
  }
  return std::ranges::all_of(results, &BenchResult::met) ? 0 : 1;
}

}  // namespace xybus
