#include "cli/bench_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "bench/bench.h"
#include "cli/command.h"

namespace xybus {

int bench_command(const std::string& name, const std::string& json) {
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
    results.push_back({benchmark.name, benchmark.run()});
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
