/// What a program is started with, as Guardian's startup message has it: the default volume, the
/// files it is to read from and write to, and what stood behind its name.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "firmware/process/process_message.h"

namespace xybus {

/// In the message, behind its number: 16 characters of defaults, 24 of IN, 24 of OUT, each with
/// zeros behind it, then the parameters.
struct Startup {
  static constexpr std::size_t defaults_bytes = 16;
  static constexpr std::size_t file_bytes = 24;
  static constexpr std::size_t most_parameters =
      most_parameter_bytes - defaults_bytes - 2 * file_bytes;

  std::string defaults = {};    ///< "$DATA1"
  std::string in = {};          ///< "$TERM1"
  std::string out = {};
  std::string parameters = {};

  /// For NewProcess::startup. None if something has no room.
  std::optional<std::vector<std::byte>> save() const;
  /// From what follows the message's number; none if those are too few bytes.
  static std::optional<Startup> load(std::span<const std::byte> from);

  bool operator==(const Startup&) const = default;
};

}  // namespace xybus
