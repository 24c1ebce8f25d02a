#include "firmware/filesystem/sync_block.h"

#include <algorithm>

#include "firmware/message/wire.h"
#include "firmware/process/process_message.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

namespace {

// Where what lies, in words.
enum Place : std::size_t {
  at_file,    // number, nowait depth, sync depth
  at_kind,    // kind, any_order; the opener's number
  at_opener,
  at_name = at_opener + 3,
  at_part = at_name + 2,
  at_server = at_part + 6,
  at_pair = at_server + 3,
  at_sync_id = at_pair + 3,
  at_position,
  words = at_position + 2,
};
static_assert(words * contract::word_bytes == SyncBlock::bytes);

template <class Byte>
std::span<Byte> at(std::span<Byte> block, std::size_t word) {
  return block.subspan(word * contract::word_bytes);
}

}  // namespace

std::array<std::byte, SyncBlock::bytes> SyncBlock::save() const {
  std::array<std::byte, bytes> block{};
  const std::span<std::byte> to(block);
  store_word(static_cast<std::uint16_t>(file) | std::uint32_t{nowait_depth} << 16 |
                 std::uint32_t{sync_depth} << 24,
             at(to, at_file));
  store_word(static_cast<std::uint32_t>(kind) | std::uint32_t{any_order} << 8 |
                 std::uint32_t{open.file} << 16,
             at(to, at_kind));
  store_handle(open.opener, at(to, at_opener));
  store_name(name, at(to, at_name));
  std::ranges::copy(std::as_bytes(std::span(part)), at(to, at_part).begin());
  store_handle(server, at(to, at_server));
  store_handle(pair, at(to, at_pair));
  store_word(next_sync_id, at(to, at_sync_id));
  store_word(static_cast<std::uint32_t>(position), at(to, at_position));
  store_word(static_cast<std::uint32_t>(position >> 32), at(to, at_position + 1));
  return block;
}

std::optional<SyncBlock> SyncBlock::load(std::span<const std::byte> from) {
  if (from.size() < bytes) return std::nullopt;
  const std::uint32_t first = load_word(from);
  const std::uint32_t second = load_word(at(from, at_kind));
  if ((second & 0xff) > static_cast<std::uint32_t>(FileKind::disk)) return std::nullopt;
  SyncBlock block;
  block.file = static_cast<FileNumber>(first & 0xffff);
  block.nowait_depth = static_cast<std::uint8_t>(first >> 16);
  block.sync_depth = static_cast<std::uint8_t>(first >> 24);
  block.kind = static_cast<FileKind>(second & 0xff);
  block.any_order = (second >> 8 & 1) != 0;
  block.open = {load_handle(at(from, at_opener)), static_cast<std::uint16_t>(second >> 16)};
  block.name = load_name(at(from, at_name));
  std::ranges::copy(at(from, at_part).first(block.part.size()),
                    std::as_writable_bytes(std::span(block.part)).begin());
  block.server = load_handle(at(from, at_server));
  block.pair = load_handle(at(from, at_pair));
  block.next_sync_id = load_word(at(from, at_sync_id));
  block.position = load_word(at(from, at_position)) |
                   std::uint64_t{load_word(at(from, at_position + 1))} << 32;
  return block;
}

}  // namespace xybus
