/// A request that changes what is on a disk, as the file system of its requestor sees it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "contract/contract.h"

namespace xybus {

struct DiskRequest {
  /// Names the open, by three numbers, and counts its requests: the same for a request that the
  /// backup of the requestor makes once more.
  struct Name {
    std::array<std::uint64_t, 3> open{};
    std::uint32_t sync_id = 0;
    auto operator<=>(const Name&) const = default;
  };

  bool done = false;  ///< A disk process has answered; else it begins.
  contract::Error error = contract::Error::none;  ///< What it has answered.
  contract::FileOperation operation{};  ///< Write, create or purge.
  Name name{};
  std::string_view volume{}, file{};  ///< "$DATA1", "ACCOUNT"; until the call returns, as the data
  std::uint64_t position = 0;      ///< Of a write; all ones: at the end of the file.
  std::span<const std::byte> data = {};  ///< Of a write.
};

}  // namespace xybus
