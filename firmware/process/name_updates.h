/// The changes that process control makes to the destination control table, one after the other.
///
/// Those that were asked for, and on the lowest CPU of the view also what becomes of names whose
/// process's CPU has left it. If that CPU dies too, the next one sees the same and does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/process/dct.h"
#include "firmware/update/updater.h"

namespace xybus {

class NameUpdates {
 public:
  NameUpdates(Environment& environment, MessageSystem& messages, const Membership& membership,
              const Dct& dct)
      : environment_(environment), messages_(messages), membership_(membership), dct_(dct) {}

  /// Takes one, and gives it a number.
  std::uint32_t add(const DctUpdate& update);

  /// Starts the next one if none is under way, in the name of `self`.
  void start(Process& self);

  /// A link has ended. False if it is none of these.
  bool ended(const Completion& completion);
  /// The number of the update that has ended since this was last asked, everywhere applied.
  std::optional<std::uint32_t> take_ended();

  /// Something waits that nobody wakes process control for: start is to be called again soon.
  bool waits() const { return waits_; }
  std::size_t size() const { return queue_.size() + (request_ ? 1 : 0); }
  void clear();

 private:
  struct Queued {
    std::uint32_t number;
    DctUpdate update;
  };

  std::optional<DctUpdate> orphan() const;
  bool lost(const ProcessHandle& handle) const;

  Environment& environment_;
  MessageSystem& messages_;
  const Membership& membership_;
  const Dct& dct_;
  std::deque<Queued> queue_;
  std::optional<UpdateRequest> request_;  // under way
  std::uint32_t number_ = 0;              // of that; 0: it is nobody's
  LinkId link_{};
  std::optional<std::uint32_t> ended_;
  std::uint32_t last_number_ = 0;
  bool waits_ = false;
};

}  // namespace xybus
