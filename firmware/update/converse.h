/// One link from beginning to end, for a system process that has no other outstanding.
#pragma once

#include <cstddef>
#include <span>

#include "firmware/dispatcher/task.h"
#include "firmware/message/message_system.h"

namespace xybus {

/// Links, waits for LDONE, and breaks the link. What link itself refuses becomes the completion's
/// error. Both buffers must stay until it is over.
Task<Completion> converse(MessageSystem& messages, Process& self, ProcessAddress server,
                          std::span<const std::byte> request, std::span<std::byte> reply);

}  // namespace xybus
