/// The system monitor, process 0 of each CPU: serves the locker, and who loads a CPU that joins.
///
/// It never waits for another CPU, so whoever waits for it is answered.
#pragma once

#include <vector>

#include "firmware/dispatcher/task.h"
#include "firmware/membership/membership.h"
#include "firmware/message/message_system.h"
#include "firmware/update/replica.h"

namespace xybus {

class Monitor {
 public:
  static constexpr Pin pin = 0;
  static constexpr std::uint8_t priority = 210;

  Monitor(MessageSystem& messages, Membership& membership, Replica& replica)
      : messages_(messages), membership_(membership), replica_(replica) {}

  /// The code of the process.
  Task<> run(Process& self);

 private:
  Task<> answer(Process& self, const Request& request);
  contract::Error perform(const Request& request);
  contract::Error apply();

  MessageSystem& messages_;
  Membership& membership_;
  Replica& replica_;
  std::vector<std::byte> request_, reply_;
};

}  // namespace xybus
