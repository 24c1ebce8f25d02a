/// Blocks of a volume in memory, so that a write of a part of one need not read it first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "firmware/hal/disk.h"

namespace xybus {

/// What was put last of each block; one of the older ones makes room, in turn, however often it was
/// put or found. Never newer or older than the volume, if whoever writes there puts, or drops, what
/// it writes.
class BlockCache {
 public:
  static constexpr std::size_t capacity = 64;  ///< Blocks.

  /// The block's contents, until the next call; empty if it is not here.
  std::span<const std::byte> find(std::uint32_t block) const;
  /// Where its contents are to go, all hal::disk_block_bytes, before the next call.
  std::span<std::byte> put(std::uint32_t block);
  /// Blocks from `first` on, so many.
  void drop(std::uint32_t first, std::uint32_t count);
  void clear() {
    entries_.clear();
    next_ = 0;
  }

 private:
  struct Entry {
    std::uint32_t block = 0;
    std::array<std::byte, hal::disk_block_bytes> contents;
  };
  std::vector<Entry> entries_;
  std::size_t next_ = 0;  // to be replaced, when it is full
};

}  // namespace xybus
