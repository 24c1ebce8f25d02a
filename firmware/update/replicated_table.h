/// A table that every CPU has a copy of, and that only global updates change.
#pragma once

#include <cstddef>
#include <span>

namespace xybus {

class ReplicatedTable {
 public:
  virtual ~ReplicatedTable() = default;

  /// Applies one update. The same updates in the same order must give the same table on every
  /// CPU: nothing but table and update may decide what becomes of it. What makes no sense is to
  /// be ignored, the same everywhere.
  virtual void apply(std::span<const std::byte> update) = 0;

  /// The whole table as bytes, for a CPU that starts; at most 60 KiB.
  virtual std::size_t image_bytes() const = 0;
  /// Writes it to `into`, which has image_bytes().
  virtual void save(std::span<std::byte> into) const = 0;
  /// Becomes what another copy has saved. False if that is no image of this table.
  virtual bool load(std::span<const std::byte> image) = 0;
};

}  // namespace xybus
