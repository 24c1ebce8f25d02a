#include "check/disk_image.h"

namespace xybus {
namespace {

constexpr std::size_t places = 64, place_bytes = 64, name_at = 20, name_bytes = 28;

std::uint64_t number(std::span<const std::byte> bytes, std::size_t at, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

std::string text(std::span<const std::byte> bytes) {
  std::string name;
  for (const std::byte byte : bytes) {
    if (byte == std::byte{0}) break;
    name += static_cast<char>(byte);
  }
  return name;
}

}  // namespace

DiskImage::DiskImage(std::span<const std::byte> contents) : contents_(contents) {
  constexpr std::uint32_t mark = 'X' | 'U' << 8 | 'Y' << 16 | 'V' << 24;
  if (contents.size() < first_file_byte || number(contents, 0, 4) != mark) return;
  if (number(contents, 8, 4) != 0) return;
  generation_ = static_cast<std::uint32_t>(number(contents, 4, 4));
  for (std::size_t place = 0; place < places; ++place) {
    const std::size_t entry_at = block_bytes + place * place_bytes;
    const auto entry = contents.subspan(entry_at, place_bytes);
    if (number(entry, 0, 4) == 0) continue;
    File file{.begin = number(entry, 4, 4) * block_bytes,
              .room = number(entry, 8, 4) * block_bytes,
              .entry = entry_at,
              .bytes = {}};
    const std::uint64_t bytes = number(entry, 12, 8);
    const bool there = file.begin <= contents.size() &&
                       file.room <= contents.size() - file.begin && bytes <= file.room;
    if (there) file.bytes = contents.subspan(file.begin, bytes);
    files_.emplace(text(entry.subspan(name_at, name_bytes)), file);
  }
}

}  // namespace xybus
