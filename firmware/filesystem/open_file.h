/// One open file of a process, and the requests that are outstanding on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contract/contract.h"
#include "firmware/filesystem/file_types.h"
#include "firmware/hal/hal.h"
#include "firmware/message/link.h"

namespace xybus {

/// A request from its call to the end of awaitio, or of the call itself.
struct PendingRequest {
  enum class State : std::uint8_t {
    waiting,  ///< For the path: to be sent, perhaps once more.
    sent,
    ended,
  };

  State state = State::waiting;
  contract::FileOperation operation{};
  contract::Error error = contract::Error::none;
  std::uint32_t tag = 0;      ///< The program's.
  std::uint32_t sync_id = 0;  ///< The same however often it is sent.
  std::uint32_t bytes = 0;    ///< Of data, when it has ended.
  std::uint64_t ended = 0;    ///< Its place in the order of what has ended in this process.
  LinkId link;
  ProcessHandle sent_to;
  std::vector<std::byte> message;  ///< Header and data, until it has ended.
  std::span<std::byte> in;         ///< The program's, for the reply.
};

/// The way to the server of a file.
struct FilePath {
  enum class State : std::uint8_t {
    ready,      ///< Requests are sent to `server`.
    opening,    ///< An open is on its way there, and requests wait.
    searching,  ///< It did not answer; who has its name is asked again.
  };

  State state = State::ready;
  ProcessHandle server;
  ProcessHandle pair;      ///< DctEntry::first of the pair; none: opened by handle.
  std::uint32_t turn = 0;  ///< DctEntry::turn when `server` was looked up.
  bool opened = false;     ///< Some member of the pair has had this open.
  bool known = false;      ///< `server` has it, for certain.
  contract::Error error = contract::Error::none;  ///< Why it is searched; what refused the open.
  std::uint64_t deadline = hal::never;  ///< Until when it is searched, or tried again.
  std::uint64_t retry_at = hal::never;  ///< When to try the same server again.
  LinkId link;                          ///< Of the open.
  std::vector<std::byte> message;
  std::vector<std::byte> reply;
};

struct OpenFile {
  FileNumber number = no_file;
  OpenId open;
  ProcessName name;  ///< None: opened by handle.
  std::string part;  ///< What is behind the name.
  FileKind kind = FileKind::process;
  unsigned nowait_depth = 0;
  unsigned sync_depth = 0;
  bool any_order = false;
  std::uint32_t next_sync_id = 1;
  std::uint64_t position = 0;
  FilePath path;

  /// The requests outstanding, in the order of their calls. Those behind `count` are kept for
  /// their memory.
  std::span<PendingRequest> outstanding() { return std::span(requests).first(count); }
  std::span<const PendingRequest> outstanding() const { return std::span(requests).first(count); }
  /// Room for one more, at the end. Its message is empty.
  PendingRequest& add();
  void remove(const PendingRequest& request);
  /// Whether so many are outstanding as may be.
  bool full() const { return count >= (nowait_depth == 0 ? 1 : nowait_depth); }

  std::vector<PendingRequest> requests;
  std::size_t count = 0;
};

}  // namespace xybus
