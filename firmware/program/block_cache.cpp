#include "firmware/program/block_cache.h"

#include <algorithm>

namespace xybus {

std::span<const std::byte> BlockCache::find(std::uint32_t block) const {
  const auto entry = std::ranges::find(entries_, block, &Entry::block);
  if (entry == entries_.end()) return {};
  return entry->contents;
}

std::span<std::byte> BlockCache::put(std::uint32_t block) {
  auto entry = std::ranges::find(entries_, block, &Entry::block);
  if (entry == entries_.end() && entries_.size() < capacity) {
    entry = entries_.insert(entries_.end(), Entry{});
  } else if (entry == entries_.end()) {
    entry = entries_.begin() + static_cast<std::ptrdiff_t>(next_);
    next_ = (next_ + 1) % capacity;
  }
  entry->block = block;
  return entry->contents;
}

void BlockCache::drop(std::uint32_t first, std::uint32_t count) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.block >= first && entry.block - first < count;
  });
  if (entries_.size() < capacity) next_ = 0;
}

}  // namespace xybus
