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
  Requestor(Process& process, Site& site, WorkloadContext& context, unsigned window,
            std::uint64_t pause = 0);

  /// Sends a message of `bytes` to a server that is to reply with `reply_bytes`; returns when it
  /// is on its way or has failed. Waits first for its time, and while the window is full. A message that was
  /// refused for want of room, here or over there, is sent again later, as a new one.
  Task<> send(ProcessAddress server, std::uint32_t bytes, std::uint32_t reply_bytes);

  /// Waits until everything sent has ended.
  Task<> finish();

 private:
  /// A message to send.
  struct Order {
    ProcessAddress server;
    std::uint32_t bytes = 0;
    std::uint32_t reply_bytes = 0;
  };
  /// One message that may be outstanding. The buffers stay put until its link is done.
  struct Slot {
    LinkId link;  // none: free
    MessageId id;
    Order order;
    std::vector<std::byte> request, reply;
  };

  Task<> send(Order order);
  Task<> send_again();
  Task<> wait_for_time();
  Slot* free_slot();
  bool outstanding() const;
  /// Whether the message is on its way, or has failed; not if there was no room.
  bool start(Slot& slot, const Order& order);
  void collect();
  void end(Slot& slot, const Completion& completion);

  Process& process_;
  Site& site_;
  MessageSystem& messages_;
  WorkloadContext& context_;
  std::vector<Slot> slots_;
  std::vector<Order> again_;  // refused
  std::uint32_t next_number_ = 0;
  std::uint64_t pause_;
  RandomStream random_;         // for pauses
  std::uint64_t next_send_ = 0;  // not before that cycle
};

}  // namespace xybus
