/// Messages that the kernel itself sends to processes of its CPU.
///
/// Each is a link with a server's end only: it is queued, listened to, read and ended by writelink
/// as any request is, but nobody waits for the reply. Its LCB comes from a reserve and counts
/// against no limit, so that who is short of LCBs can still be told why.
#pragma once

#include <cstdint>
#include <vector>

#include "firmware/dispatcher/dispatcher.h"
#include "firmware/environment.h"
#include "firmware/message/link_table.h"

namespace xybus {

class SystemMessages {
 public:
  /// `expiry`: cycles until a `cpu_down` that nobody has listened to is taken off its queue.
  SystemMessages(Environment& environment, Dispatcher& dispatcher, LinkTable& table,
                 std::uint64_t expiry)
      : environment_(environment), dispatcher_(dispatcher), table_(table), expiry_(expiry) {}

  /// Queues a message. False, and nothing done, when all of the reserve is in use.
  bool queue(Process& process, SystemMessage message);

  /// Tells a process from now on of the CPUs in `mask` when they go down or come up; 0 ends that.
  /// What is on its queue stays.
  void monitor_cpus(Process& process, std::uint32_t mask);

  /// Tells those who asked. A message that finds no LCB waits for one. Of one CPU a process has at
  /// most one `cpu_down` on its queue, and a `cpu_up` behind it: another death takes the `cpu_up`
  /// that nobody has listened to off again.
  void cpu_down(unsigned cpu);
  void cpu_up(unsigned cpu);

  /// Ends a message: its process has replied, or is gone.
  void end(Lcb& lcb);

  void process_stopped(Pin pin);

  /// Messages that wait for an LCB.
  unsigned owed() const;

 private:
  /// One process that asked.
  struct Monitor {
    Pin pin = 0;
    std::uint32_t mask = 0;
    std::uint32_t owed_down = 0;  // bit c: is to be told of CPU c, and no LCB was free
    std::uint32_t owed_up = 0;
  };

  Lcb* find_queued(Pin pin, SystemMessage message);
  void expire();
  void arm(std::uint64_t at);
  void pay();
  bool pay(const Monitor& monitor, std::uint32_t& owed, SystemCode code);

  Environment& environment_;
  Dispatcher& dispatcher_;
  LinkTable& table_;
  const std::uint64_t expiry_;
  TimerId timer_{};  // while a cpu_down may be unread
  std::vector<Monitor> monitors_;  // by pin
};

}  // namespace xybus
