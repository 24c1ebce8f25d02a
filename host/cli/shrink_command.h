/// `xybus shrink`: the least scenario that fails as a given one does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xybus {

struct ShrinkRequest {
  std::string scenario;  ///< as given: a repro.toml, or any that fails
  std::optional<std::uint64_t> seed;
  std::string fabric;     ///< empty: as the scenario says
  std::string directory;  ///< empty: beside a run's repro.toml, else runs/<scenario>-<seed>
  std::vector<std::string> overrides;
};

/// Writes shrunk.toml. Exit status: 1 when the run does not fail, 2 for bad usage and bad
/// scenarios.
int shrink_command(const ShrinkRequest& request);

}  // namespace xybus
