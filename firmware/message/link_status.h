/// What an operator is told of one end of a link.
#pragma once

#include <cstdint>

#include "firmware/message/lcb.h"

namespace xybus {

struct LinkStatus {
  LinkId id;
  LinkState state = LinkState::free;
  Pin pin = 0;          ///< The process at this end.
  ProcessAddress peer;  ///< The process at the other end.
  LinkId peer_link;     ///< The requestor's name of it, at the server's end.
  SystemCode system = SystemCode::none;  ///< Server: a message of the kernel's own.
  std::uint32_t tag = 0;
  std::uint32_t request_bytes = 0;
  std::uint32_t reply_room = 0;
  std::uint64_t since = 0;  ///< Cycle in which this end was made.
};

}  // namespace xybus
