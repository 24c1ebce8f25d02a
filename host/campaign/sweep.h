/// `--sweep KEY=VALUES`: a campaign's runs with each of several values of a scenario's key.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xybus {

/// One key and what it is to have, in turn.
struct Sweep {
  std::string key;                  ///< as for --set: "fault.0.cpu"
  std::vector<std::string> values;  ///< at least one
};

inline constexpr std::size_t most_sweep_values = 100'000;  ///< of all sweeps of a campaign together

/// Reads "fault.0.cpu=0..7", "fault.0.name=$A,$B", "fault.0.at=4ms..34ms/200":
///   A,B,C      these
///   FIRST..LAST    all whole numbers from one to the other
///   FIRST..LAST/N  N numbers or times, at equal distances, both ends among them
/// Throws std::invalid_argument that says what is wrong and what was expected.
Sweep parse_sweep(std::string_view text);

/// All combinations, as arguments of --set; the last sweep changes fastest. One without arguments
/// when there is no sweep. Throws std::invalid_argument when they are too many.
std::vector<std::vector<std::string>> combinations(const std::vector<Sweep>& sweeps);

}  // namespace xybus
