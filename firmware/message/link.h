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

/// What listen tells a server of a request.
struct Request {
  LinkId link;
  ProcessAddress from;
  std::uint32_t tag = 0;         ///< The requestor's word for the server.
  std::uint32_t length = 0;      ///< Request bytes, to be had by readlink.
  std::uint32_t reply_room = 0;  ///< Most reply bytes that writelink may give.
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
