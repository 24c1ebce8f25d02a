/// A process handle as it lies in messages: three words, as in contract::FileRequest.
#pragma once

#include <cstddef>
#include <span>

#include "firmware/message/wire.h"
#include "firmware/process/handle.h"

namespace xybus {

inline constexpr std::size_t handle_bytes = 3 * contract::word_bytes;

/// `to` and `from` have handle_bytes at least.
inline void store_handle(const ProcessHandle& handle, std::span<std::byte> to) {
  store_word(handle.at.cpu | std::uint32_t{handle.epoch} << 4 | std::uint32_t{handle.at.pin} << 16,
             to);
  store_word(static_cast<std::uint32_t>(handle.created), to.subspan(4));
  store_word(static_cast<std::uint32_t>(handle.created >> 32), to.subspan(8));
}

inline ProcessHandle load_handle(std::span<const std::byte> from) {
  const std::uint32_t place = load_word(from);
  return {.at = {static_cast<std::uint8_t>(place & 0xf), static_cast<Pin>(place >> 16)},
          .epoch = static_cast<std::uint8_t>(place >> 4 & 0xf),
          .created = load_word(from.subspan(4)) |
                     std::uint64_t{load_word(from.subspan(8))} << 32};
}

/// The opener of a request of the file system.
inline void set_opener(contract::FileRequest& request, const ProcessHandle& handle) {
  request.set_opener_cpu(handle.at.cpu)
      .set_opener_epoch(handle.epoch)
      .set_opener_pin(handle.at.pin)
      .set_opener_created_low(static_cast<std::uint32_t>(handle.created))
      .set_opener_created_high(static_cast<std::uint32_t>(handle.created >> 32));
}

inline ProcessHandle opener_of(const contract::FileRequest& request) {
  return {.at = {static_cast<std::uint8_t>(request.opener_cpu()),
                 static_cast<Pin>(request.opener_pin())},
          .epoch = static_cast<std::uint8_t>(request.opener_epoch()),
          .created = request.opener_created_low() |
                     std::uint64_t{request.opener_created_high()} << 32};
}

}  // namespace xybus
