/// The links that one process has made, each to be asked for by its name.
///
/// The message system reports what has ended one after the other; whoever takes a completion that
/// is another's has lost it. So all that makes links for a process - file system, process calls,
/// checkpoints - does it here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firmware/dispatcher/task.h"
#include "firmware/message/message_system.h"

namespace xybus {

class Conversations {
 public:
  Conversations(MessageSystem& messages, Process& self) : messages_(messages), self_(self) {}

  /// Sends a request and returns at once. Buffers and errors as of MessageSystem::link.
  Result<LinkId> start(ProcessAddress server, std::span<const std::byte> request,
                       std::span<std::byte> reply, std::uint32_t tag) {
    return messages_.link(self_, server, request, reply, tag);
  }

  /// What has become of one; none while it is on its way. Ends the link: there is no second answer.
  /// `number`, if wanted, is its place in the order in which links of this process have ended.
  std::optional<Completion> take(LinkId link, std::uint64_t* number = nullptr);

  /// How many have ended, as far as was looked.
  std::uint64_t ended() const { return count_; }

  /// Calls one off, or forgets how it has ended.
  void drop(LinkId link);

  /// From request to completion. What `start` itself refuses becomes the completion's error; after
  /// `timeout` cycles it is called off, with the error `timeout`.
  Task<Completion> converse(ProcessAddress server, std::span<const std::byte> request,
                            std::span<std::byte> reply, std::uint32_t tag,
                            std::uint64_t timeout = hal::never);

  /// Waits for LDONE or an event of `others` (which it gives), at most `timeout` cycles.
  Process::Wait wait(contract::EventBit others = {}, std::uint64_t timeout = hal::never) {
    return self_.wait(contract::EventBit::ldone | others, timeout);
  }

 private:
  void collect();

  MessageSystem& messages_;
  Process& self_;
  struct Ended {
    Completion completion;
    std::uint64_t number;
  };
  std::vector<Ended> ended_;  // in the order in which they ended
  std::uint64_t count_ = 0;
};

}  // namespace xybus
