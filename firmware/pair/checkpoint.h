/// What a primary tells its backup in one message: data, restart point, sync blocks and openers
/// together, so that the backup has all of a checkpoint or nothing of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firmware/filesystem/opener_table.h"
#include "firmware/filesystem/sync_block.h"

namespace xybus {

/// Where the backup is to go on if it takes over. The numbers are the program's own.
using RestartPoint = std::uint32_t;

/// Data for one item of the backup, see Pair::item.
struct CheckpointData {
  std::uint16_t item = 0;
  std::span<const std::byte> data;
  std::uint32_t offset = 0;  ///< Where in the item, in bytes.
};

struct Checkpoint {
  /// Most pieces of data and sync blocks together.
  static constexpr std::size_t most_parts = 13;

  std::optional<RestartPoint> restart;
  std::vector<CheckpointData> data;    ///< Spans into the message when it was loaded.
  std::vector<SyncBlock> files;
  std::optional<std::vector<Opener>> openers;  ///< All of the primary, if they have changed.

  /// Appends it to `to`.
  void save(std::vector<std::byte>& to) const;
  /// False if those are no checkpoint; what is in this then is not to be used.
  bool load(std::span<const std::byte> from);
};

}  // namespace xybus
