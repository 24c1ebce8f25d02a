/// Messages that process control sends without waiting, each kept until its link is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/process/handle.h"

namespace xybus {

class Notices {
 public:
  /// Links that are under way at a time; what is more waits its turn.
  static constexpr unsigned most_links = 64;

  Notices(MessageSystem& messages, const Membership& membership)
      : messages_(messages), membership_(membership) {}

  /// Takes one. It is dropped if that process's CPU is not in the view in that incarnation.
  void add(const ProcessHandle& to, std::uint32_t tag, std::vector<std::byte> message);

  /// Sends what can be sent, in the name of `self`.
  void send(Process& self);

  /// A link has ended. False if it is none of these.
  bool ended(const Completion& completion);

  /// Something waits that nobody wakes process control for: send is to be called again soon.
  bool waits() const { return waits_; }
  std::size_t size() const { return notices_.size(); }
  void clear() { notices_.clear(); }

 private:
  struct Notice {
    ProcessHandle to;
    std::uint32_t tag;
    std::vector<std::byte> message;
    LinkId link{};
  };

  MessageSystem& messages_;
  const Membership& membership_;
  std::deque<Notice> notices_;
  bool waits_ = false;
};

}  // namespace xybus
