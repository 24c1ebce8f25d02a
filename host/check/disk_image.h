/// What is on a drive of a volume, read from outside by a reader that shares no code with the disk
/// process. Numbers are 32 bits, least significant byte first.
///
///     block 0        "XUYV", the generation, and 1 if nobody is to believe the drive
///     blocks 1 to 8  the directory: 64 places of 64 bytes
///     behind         files, each in blocks in a row
///
///     place          number of the file (0: none), its first block, its blocks, the bytes in it
///                    (64 bits), its name (28 characters, zeros behind it)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace xybus {

class DiskImage {
 public:
  static constexpr std::size_t block_bytes = 512;
  static constexpr std::size_t first_file_byte = 9 * block_bytes;

  struct File {
    std::uint64_t begin = 0;  ///< Byte of the drive at which its blocks begin.
    std::uint64_t room = 0;   ///< Bytes of its blocks.
    std::uint64_t entry = 0;  ///< Byte at which its place in the directory begins.
    std::span<const std::byte> bytes;  ///< In it.
  };

  /// The contents must stay as long.
  explicit DiskImage(std::span<const std::byte> contents);

  /// Whether it has a label that says that all is there.
  bool believable() const { return generation_ != 0; }
  /// Of such a label; the higher one knows better.
  std::uint32_t generation() const { return generation_; }
  /// By name. Those beyond the end of the drive, as no disk process makes them, have no bytes.
  const std::map<std::string, File>& files() const { return files_; }
  std::span<const std::byte> contents() const { return contents_; }

 private:
  std::span<const std::byte> contents_;
  std::uint32_t generation_ = 0;
  std::map<std::string, File> files_;
};

}  // namespace xybus
