/// The requestor's half of a workload: messages with known contents, a window of them outstanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "firmware/message/message_system.h"
#include "workload/workload.h"

namespace xybus {

class Requestor {
 public:
  /// For one client process. `window`: links outstanding at once, at least 1. `pause`: mean time
  /// between two sends in cycles, each drawn evenly from 0 to twice that.
  /// `number`: which of several on its CPU, 0 where there is one.
  Requestor(Process& process, Site& site, WorkloadContext& context, unsigned window,
            std::uint64_t pause = 0, unsigned number = 0);
  Requestor(const Requestor&) = delete;
  Requestor& operator=(const Requestor&) = delete;

  /// Sends a message of `bytes` to a server that is to reply with `reply_bytes`; returns when it
  /// is on its way or has failed. Waits first for its time, and while the window is full. A message
  /// that was refused for want of room, here or over there, is sent again later, as a new one.
  Task<> send(ProcessAddress server, std::uint32_t bytes, std::uint32_t reply_bytes);

  /// Sends a message of which all is drawn by the rules of a links workload, which must outlive
  /// this; its link may be broken before it ends.
  Task<> send_drawn(ProcessAddress server, const LinksSpec& links);

  /// Numbers messages from what `next` says, and keeps it up to date: who outlives this CPU's
  /// incarnation lends it to the next one, whose messages are then told from these.
  void number_by(std::uint32_t& next) { next_number_ = &next; }

  /// Waits until everything sent has ended.
  Task<> finish();

 private:
  /// A message to send.
  struct Order {
    ProcessAddress server;
    std::uint32_t bytes = 0;
    std::uint32_t reply_bytes = 0;
    const LinksSpec* drawn = nullptr;  // then sizes are drawn when it is sent
  };
  /// One message that may be outstanding. The buffers stay put until its link is done.
  struct Slot {
    LinkId link;  // none: free
    MessageId id;
    Order order;
    std::uint64_t break_at = hal::never;  // cycle
    std::vector<std::byte> request, reply;
  };
  /// The reply buffer of a link that was broken: nothing may come into it any more.
  struct Broken {
    LinkId link;
    MessageId id;
    std::vector<std::byte> reply;
  };

  Task<> send_in_time(Order order);
  Task<> send(Order order);
  Task<> send_again();
  Task<> wait_for_time();
  Slot* free_slot();
  bool outstanding() const;
  /// Whether the message is on its way, or has failed; not if there was no room.
  bool start(Slot& slot, const Order& order);
  /// Waits until a link has ended or has to be broken, or until that cycle; sees to either.
  Task<> wait_for_end(std::uint64_t until = hal::never);
  void collect();
  void break_due();
  void break_off(Slot& slot);
  void check_untouched(const Broken& broken);
  void end(Slot& slot, const Completion& completion);

  Process& process_;
  Site& site_;
  MessageSystem& messages_;
  WorkloadContext& context_;
  std::vector<Slot> slots_;
  std::vector<Order> again_;  // refused
  std::vector<Broken> broken_;  // the latest, a ring once it is full
  std::size_t next_broken_ = 0;
  unsigned number_;
  std::uint32_t own_number_ = 0;
  std::uint32_t* next_number_ = &own_number_;  // of the message that is sent next
  std::uint64_t pause_;
  RandomStream random_;         // for pauses
  std::uint64_t next_send_ = 0;  // not before that cycle
};

}  // namespace xybus
