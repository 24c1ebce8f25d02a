/// What process control tells processes: on $RECEIVE, as requests of process 2 of their own CPU or
/// another, each of a contract::FileRequest and data.
///
/// The tag of the link is the file operation. Of the request, `operation`, the opener (whom it is
/// about: the new process's maker, or the process that has stopped) and `server_created` are set.
/// The data begin with a word that is the message's number in Guardian:
///
///     startup          -1, then the maker's parameters; most_startup_bytes with the word
///     process_stopped  -5, handle of the process, its name (zeros: none)
///     process_abended  -6, the same
///     process_created  -12, handle of the new process, no name, the maker's tag, the error
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/process/handle.h"
#include "firmware/process/name.h"

namespace xybus {

inline constexpr std::size_t file_request_bytes = 8 * contract::word_bytes;

/// A startup message: its number, and what follows it.
inline constexpr std::size_t most_startup_bytes = 596;
inline constexpr std::size_t most_parameter_bytes = most_startup_bytes - contract::word_bytes;

/// The number in front of the data of such a message; 0 for other operations.
constexpr std::int16_t system_code(contract::FileOperation operation) {
  switch (operation) {
    case contract::FileOperation::startup: return -1;
    case contract::FileOperation::process_stopped: return -5;
    case contract::FileOperation::process_abended: return -6;
    case contract::FileOperation::process_created: return -12;
    default: return 0;
  }
}

/// Of process_stopped, process_abended and process_created.
struct ProcessMessage {
  static constexpr std::size_t bytes = 32;

  std::int16_t code = 0;  ///< As system_code.
  ProcessHandle process;
  ProcessName name;
  std::uint32_t tag = 0;
  contract::Error error = contract::Error::none;

  std::array<std::byte, bytes> save() const;
  /// The data of such a message; none if those are too short.
  static std::optional<ProcessMessage> load(std::span<const std::byte> data);
};

/// The whole message: a request from `opener` to `server`, and its data.
std::vector<std::byte> file_message(contract::FileOperation operation, const ProcessHandle& opener,
                                    const ProcessHandle& server, std::span<const std::byte> data);

/// The name in `from`, ProcessName::max_chars bytes; none if that is not one.
ProcessName load_name(std::span<const std::byte> from);
void store_name(const ProcessName& name, std::span<std::byte> to);

}  // namespace xybus
