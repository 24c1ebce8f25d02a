/// What a backup has to know of a file that its primary has open.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware/filesystem/file_types.h"

namespace xybus {

/// The state of one open file, for the backup of its opener.
struct SyncBlock {
  static constexpr std::size_t bytes = 88;

  FileNumber file = no_file;
  OpenId open;
  ProcessName name;        ///< None when it was opened by handle.
  std::array<char, 24> part{};  ///< What is behind the name; zeros behind it.
  ProcessHandle server;    ///< Who serves it now,
  ProcessHandle pair;      ///< and of which pair that is: DctEntry::first.
  std::uint32_t next_sync_id = 0;
  std::uint64_t position = 0;
  std::uint8_t nowait_depth = 0, sync_depth = 0;
  bool any_order = false;
  FileKind kind = FileKind::process;
  bool operator==(const SyncBlock&) const = default;

  /// As it lies in a message.
  std::array<std::byte, bytes> save() const;
  /// None if those are no sync block.
  static std::optional<SyncBlock> load(std::span<const std::byte> from);
};

}  // namespace xybus
