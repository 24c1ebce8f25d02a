/// Global update: an atomic, ordered change of the tables that every CPU has a copy of.
///
/// Process 1 of each CPU. The one on the lowest member of the view is the locker. A process links
/// its update to the updater of its own CPU, which passes it to the locker, and again to the next
/// one if that dies. The locker numbers updates one at a time, applies each to its own copy, sends
/// it to the monitors of all other members in the order of CPUs, and only then replies. A new
/// locker first brings all members to the last update that any of them has. So:
///
///     an update that any survivor has applied is applied by all of them, in one order, once;
///     an update whose link is done without an error is applied everywhere;
///     one whose sender dies is applied everywhere or nowhere.
///
/// The protocol of Carr's patent US 4,718,002 in these respects: a locker, the order of CPUs, the
/// next in order takes over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firmware/dispatcher/task.h"
#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/update/replica.h"

namespace xybus {

/// What a process links to the updater of its own CPU. Must stay until the link is done. Errors in
/// the completion: `bounds` (no such table, or not an update).
class UpdateRequest {
 public:
  /// `content` at most contract::update_bytes, else std::length_error.
  UpdateRequest(unsigned table, std::span<const std::byte> content);
  std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, Update::max_bytes> bytes_;
  std::size_t size_;
};

class Updater {
 public:
  static constexpr Pin pin = 1;
  static constexpr std::uint8_t priority = 205;

  Updater(Environment& environment, MessageSystem& messages, Membership& membership,
          Replica& replica)
      : environment_(environment),
        messages_(messages),
        membership_(membership),
        replica_(replica) {}

  /// The code of the process. Wakes on LREQ, and on PON when the view changes or a CPU is to be
  /// loaded.
  Task<> run(Process& self);

  /// That CPU, which is in no view, is to be loaded with the tables before it is taken in.
  void load(unsigned cpu, unsigned epoch) { joiners_[cpu] = epoch; }

 private:
  using Error = contract::Error;

  bool locker() const;
  bool in_charge() const;
  bool waits() const;
  Task<> keep_order(Process& self);
  Task<> reconcile(Process& self);
  Task<> load(Process& self, unsigned joiner, unsigned epoch);
  Task<std::optional<Error>> hand_over(Process& self, unsigned joiner);
  Task<> load_joiners(Process& self);
  Task<> answer(Process& self, const Request& request);
  Task<Error> begin(Process& self);
  Task<Error> forward(Process& self);
  Task<Error> distribute(Process& self);
  Task<Error> send(Process& self, unsigned cpu, const Update& update);

  Environment& environment_;
  MessageSystem& messages_;
  Membership& membership_;
  Replica& replica_;
  Update update_;                   // the one that is being worked on
  std::array<std::byte, Update::max_bytes> in_, out_;
  std::vector<std::byte> image_;
  std::array<std::optional<unsigned>, contract::max_nodes> joiners_;  // epochs of CPUs to load
  std::uint32_t ordered_view_ = 1;  // in which all members are known to have the same last update
};

}  // namespace xybus
