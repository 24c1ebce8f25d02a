/// Benchmarks: what is measured, against what is possible and what is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xybus {

/// One figure.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> limit{};  ///< what theory allows at best, where there is one
  enum class Requires { nothing, at_least, at_most } requires_what = Requires::nothing;
  double required = 0;
  bool machine_dependent = false;  ///< not the same on every machine

  /// Value to limit.
  std::optional<double> ratio() const {
    if (!limit || *limit == 0) return {};
    return value / *limit;
  }
  bool met() const {
    switch (requires_what) {
      case Requires::at_least: return value >= required;
      case Requires::at_most: return value <= required;
      case Requires::nothing: break;
    }
    return true;
  }

  /// The same, with what is asked for.
  BenchRow at_least(double least) const { return asking(Requires::at_least, least); }
  BenchRow at_most(double most) const { return asking(Requires::at_most, most); }

 private:
  BenchRow asking(Requires what, double how_much) const {
    BenchRow row = *this;
    row.requires_what = what;
    row.required = how_much;
    return row;
  }
};

using BenchRows = std::vector<BenchRow>;

/// How close the buses come to what they can do, in cycles of the RTL with 16 nodes.
BenchRows bench_bus();

/// What a message costs, in cycles of the RTL, and which work of the firmware how much of it.
/// `profile` names the machine's profile; empty: none.
BenchRows bench_message(const std::string& profile);

/// How long messages took on the Tandem/16, and take with the profile of it.
BenchRows bench_t16();

/// How a bank of process pairs grows with its CPUs, and what its terminals see of a failure.
BenchRows bench_bank();

/// How fast the hardware is simulated, with and without firmware, on both fabrics.
BenchRows bench_sim();

/// A benchmark by name.
struct Benchmark {
  const char* name;
  const char* description;
  BenchRows (*run)();
  /// The same on the machine of a profile, where that can be had.
  BenchRows (*with_profile)(const std::string& profile) = nullptr;
};
const std::vector<Benchmark>& known_benchmarks();

/// What one benchmark has measured.
struct BenchResult {
  std::string name;
  BenchRows rows;
  bool met() const;
};

/// A table for a person.
std::string bench_table(const BenchResult& result);

/// The same of several for a program: "ok", and "benchmarks" with "name", "ok" and "rows".
std::string bench_json(const std::vector<BenchResult>& results);

}  // namespace xybus
