/// `[[disk]]`: a volume, and the drives that it is on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/source.h"

namespace xybus {

struct DiskSpec {
  Source at;
  std::string name;                ///< "$DATA1"
  std::array<unsigned, 2> cpus{};  ///< That each drive is connected to, ascending.
  std::uint32_t blocks = 4096;     ///< Of each drive, of 512 bytes; 1 to most_blocks.
  unsigned drives = 2;             ///< 1, or 2: mirrors of each other.
  // Cycles, each at least 1: until the first block is under the head, and for each block.
  std::uint64_t read_cycles = 0, write_cycles = 0, block_cycles = 0;
  std::string image;  ///< What is on the drives at first: this with "-0.img" and "-1.img" behind
                      ///< it; empty: zeros.
  bool operator==(const DiskSpec&) const = default;

  static constexpr std::uint32_t most_blocks = 1U << 18;
  static constexpr unsigned most_drives = 2;
};

inline constexpr std::size_t most_disks = 8;

/// The number of a drive among all of the machine; none when there is no such drive.
std::optional<unsigned> drive_number(const std::vector<DiskSpec>& disks, std::string_view name,
                                     unsigned drive);

/// The file of a drive's contents: `stem` is its path as in DiskSpec::image.
std::string image_file(const std::string& stem, unsigned drive);

/// What the file of a volume's drive is called, before image_file: "DATA1".
std::string_view image_name(const DiskSpec& disk);

}  // namespace xybus
