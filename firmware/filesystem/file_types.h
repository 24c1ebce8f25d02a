/// The values that programs and the file system exchange.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "contract/contract.h"
#include "firmware/process/handle.h"
#include "firmware/process/name.h"

namespace xybus {

/// What a program calls an open file; negative is none. Numbers are given out upwards, and not
/// again before 32,767 others were.
using FileNumber = int;
inline constexpr FileNumber receive_file = 0;  ///< $RECEIVE.
inline constexpr FileNumber any_file = -1;     ///< awaitio: whichever file is first.
inline constexpr FileNumber no_file = -2;

/// Most requests outstanding on one file.
inline constexpr unsigned most_nowait = 15;
/// Most bytes of data in one request or reply.
inline constexpr std::size_t most_file_data = 0x7fff'0000;
/// Most messages that a process may have read from $RECEIVE and not replied to.
inline constexpr unsigned most_receive_depth = 255;

/// What a server is to those who open it.
enum class FileKind : std::uint8_t {
  process = 0,  ///< Writeread, write, control; up to 15 requests outstanding.
  device = 1,   ///< Read too.
  disk = 2,     ///< Read too, at a position; one request outstanding.
};

struct OpenOptions {
  /// 0: calls return when the request has ended. 1 to `most_nowait`: they return at once, and so
  /// many may be outstanding. $RECEIVE and disk: 1 at most.
  unsigned nowait_depth = 0;
  /// By name: requests that the server can tell from repeated ones; 0: a failed path is an error.
  unsigned sync_depth = 0;
  /// Completions as they come, not in the order of issue.
  bool any_order = false;
  /// The open itself is not waited for either: it gives the file's number at once, and its end by
  /// awaitio. It is one of `nowait_depth`, which is at least 1. Requests but reads may be made
  /// meanwhile; if it fails they go with it.
  bool nowait_open = false;
  std::uint32_t open_tag = 0;  ///< That of such an open.

  // $RECEIVE only.
  unsigned receive_depth = 1;     ///< Messages read and not replied to, 1 to 255.
  bool system_messages = false;   ///< Opens, closes and controls are to be read here.
  bool cancel_messages = false;   ///< So is that a request in work was cancelled.
  FileKind kind = FileKind::process;  ///< What this server is.
};

struct Opened {
  contract::Error error = contract::Error::none;
  FileNumber file = no_file;
  bool operator==(const Opened&) const = default;
};

struct IoResult {
  contract::Error error = contract::Error::none;
  std::uint32_t bytes = 0;  ///< Of data, written or read; read if both.
  bool operator==(const IoResult&) const = default;
};

/// What awaitio tells of a request that has ended.
struct FileCompletion {
  FileNumber file = no_file;
  contract::Error error = contract::Error::none;
  std::uint32_t bytes = 0;
  std::uint32_t tag = 0;  ///< That of the call that began it.
  bool operator==(const FileCompletion&) const = default;
};

/// Names one open from its beginning to its end, also when the backup of the opener has taken over:
/// what servers tell repeated requests by, together with the sync id.
struct OpenId {
  ProcessHandle opener;  ///< The process that opened first.
  std::uint16_t file = 0;
  auto operator<=>(const OpenId&) const = default;
};

/// Numbers of system messages, as Guardian has them.
namespace system_number {
inline constexpr std::int16_t startup = -1;
inline constexpr std::int16_t cpu_down = -2;
inline constexpr std::int16_t cpu_up = -3;
inline constexpr std::int16_t process_stopped = -5;
inline constexpr std::int16_t process_abended = -6;
inline constexpr std::int16_t process_created = -12;
inline constexpr std::int16_t timer = -22;
inline constexpr std::int16_t open = -30;
inline constexpr std::int16_t close = -31;
inline constexpr std::int16_t control = -32;
inline constexpr std::int16_t cancel = -38;
}  // namespace system_number

/// About the message that was read last.
struct ReceiveInfo {
  ProcessHandle from = {};    ///< Its sender; `created` is 0 when that is not known.
  unsigned tag = 0;           ///< Names it until its reply.
  std::uint32_t sync_id = 0;  ///< Counts the requests of one open.
  std::uint16_t file = 0;     ///< The sender's number of the file.
  std::uint32_t read_count = 0;  ///< Most bytes that a reply may have.
  contract::FileOperation operation{};
  std::int16_t system = 0;    ///< 0: a request; else the number of a system message.
  OpenId opener = {};
  std::uint64_t position = 0;  ///< Read, write: where in the file; control: what to do.
  std::uint32_t bytes = 0;     ///< Of data that came, whether they had room or not.
};

/// Properties of a file that is to be made.
struct FileProperties {
  std::uint64_t max_bytes = 0;  ///< 0: what the volume gives.
};

/// Position for write: at the end of the file.
inline constexpr std::uint64_t end_of_file = ~std::uint64_t{0};

}  // namespace xybus
