/// A process that is to be made, and what has become of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "firmware/process/handle.h"
#include "firmware/process/name.h"

namespace xybus {

struct NewProcess {
  std::string_view program;      ///< In the ProgramLibrary.
  ProcessName name = {};         ///< None: it has no name.
  std::optional<unsigned> cpu = {};  ///< Where; none: on the maker's CPU.
  std::uint8_t priority = 0;     ///< 1 to 199; 0: the maker's.
  /// Parameters: what follows the first word of its startup message. Empty: it gets none. At most
  /// most_parameter_bytes, else `bounds`.
  std::span<const std::byte> startup = {};
  /// It is to be the backup of the maker, which has a name, is primary and has no backup yet, else
  /// `invalid_state`. `name` is not looked at.
  bool backup = false;
};

/// What newprocess has come to.
struct Created {
  contract::Error error = contract::Error::none;
  ProcessHandle process;  ///< None if there is an error.
};

/// A NewProcess on its way to the process control of a CPU: the data of a request `newprocess`.
struct NewProcessRequest {
  std::string program;
  bool named = false;  ///< It is to have a name; `name` is none if what came is not one.
  ProcessName name = {};
  std::uint8_t priority = 0;
  bool backup = false;
  std::vector<std::byte> startup = {};

  std::vector<std::byte> save() const;
  /// None if those are no such data.
  static std::optional<NewProcessRequest> load(std::span<const std::byte> data);
};

}  // namespace xybus
