/// The values that processes and the message system exchange.
#pragma once

#include <cassert>
#include <compare>
#include <cstdint>

#include "contract/contract.h"
#include "firmware/dispatcher/process.h"

namespace xybus {

/// Where a process is: CPU 0 to 15, and its pin there.
struct ProcessAddress {
  std::uint8_t cpu = 0;
  Pin pin = 0;
  auto operator<=>(const ProcessAddress&) const = default;
};

/// Names a link control block: its index in the low half, in the high half a generation by which
/// the name of a freed link is recognised. 0 names none.
struct LinkId {
  std::uint32_t value = 0;
  constexpr explicit operator bool() const { return value != 0; }
  auto operator<=>(const LinkId&) const = default;
};

/// What a message of the kernel's own says; the numbers are Guardian's.
enum class SystemCode : std::int16_t {
  none = 0,       ///< It is a process's request.
  cpu_down = -2,  ///< That CPU has failed.
  cpu_up = -3,    ///< It is back.
};

/// A message of the kernel's own to a process. Its data are two words, least significant byte
/// first: the code as a signed number, and what it is about.
struct SystemMessage {
  SystemCode code = SystemCode::none;
  std::uint32_t subject = 0;  ///< The CPU's number.
  auto operator<=>(const SystemMessage&) const = default;
};
inline constexpr std::uint32_t system_message_bytes = 8;

/// The order in which a server gets its requests.
enum class QueueOrder : std::uint8_t {
  arrival,   ///< First in, first out.
  priority,  ///< That of the requestor first; first in, first out among equals.
};

/// Most link control blocks that one process may hold.
struct LinkLimits {
  unsigned receive = 255;  ///< Requests to it, from their arrival to the end of its reply.
  unsigned send = 1023;    ///< Links it made, up to breaklink.
};
inline constexpr unsigned most_links = 4095;  ///< The highest limit; the lowest is 1.

/// What listen tells a server of a request.
struct Request {
  LinkId link;
  ProcessAddress from;  ///< Pin 0 of this CPU for a message of the kernel's own.
  std::uint32_t tag = 0;         ///< The requestor's word for the server.
  std::uint32_t length = 0;      ///< Request bytes, to be had by readlink.
  std::uint32_t reply_room = 0;  ///< Most reply bytes that writelink may give.
  SystemCode system = SystemCode::none;  ///< Whether the kernel sent it, and what it says.
};

/// What done tells a requestor of a link that has ended.
struct Completion {
  LinkId link;
  contract::Error error = contract::Error::none;
  std::uint32_t reply_length = 0;  ///< Bytes now in the reply buffer.
};

/// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(value) {}
  constexpr Result(contract::Error error) : error_(error) {
    assert(error != contract::Error::none);
  }
  constexpr explicit operator bool() const { return error_ == contract::Error::none; }
  /// Only when there is one.
  constexpr T value() const {
    assert(*this);
    return value_;
  }
  constexpr T operator*() const { return value(); }
  constexpr contract::Error error() const { return error_; }

 private:
  T value_{};
  contract::Error error_ = contract::Error::none;
};

}  // namespace xybus
