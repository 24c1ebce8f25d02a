#include "firmware/pair/checkpoint.h"

#include <algorithm>

#include "firmware/pair/bytes.h"

namespace xybus {

namespace {
// Word 0: bit 0 a restart point, bit 1 openers, from bit 8 on the number of pieces of data, from
// bit 16 on that of files. Then what there is of restart point, files, openers with their number,
// and pieces: item, offset, bytes.
constexpr std::uint32_t has_restart = 1, has_openers = 2;
}  // namespace

void Checkpoint::save(std::vector<std::byte>& to) const {
  ByteWriter writer(to);
  writer.put((restart ? has_restart : 0) | (openers ? has_openers : 0) |
             static_cast<std::uint32_t>(data.size() << 8 | files.size() << 16));
  if (restart) writer.put(*restart);
  for (const SyncBlock& file : files) {
    std::ranges::copy(file.save(), writer.room(SyncBlock::bytes).begin());
  }
  if (openers) {
    writer.put(static_cast<std::uint32_t>(openers->size()));
    for (const Opener& opener : *openers) {
      writer.put(opener.open);
      writer.put(opener.primary);
      writer.put(opener.backup);
    }
  }
  for (const CheckpointData& piece : data) {
    writer.put(std::uint32_t{piece.item});
    writer.put(piece.offset);
    writer.put(piece.data);
  }
}

bool Checkpoint::load(std::span<const std::byte> from) {
  *this = {};
  ByteReader reader(from);
  const std::uint32_t head = reader.number();
  const std::size_t pieces = head >> 8 & 0xff, file_count = head >> 16;
  if (!reader.whole() || pieces + file_count > most_parts) return false;
  if ((head & has_restart) != 0) restart = reader.number();
  for (std::size_t i = 0; i < file_count; ++i) {
    const auto block = SyncBlock::load(reader.take(SyncBlock::bytes));
    if (!block) return false;
    files.push_back(*block);
  }
  if ((head & has_openers) != 0) {
    const std::uint32_t count = reader.number();
    if (count > OpenerTable::most_openers) return false;
    openers.emplace();
    for (std::uint32_t i = 0; i < count && reader.whole(); ++i) {
      Opener& opener = openers->emplace_back();
      opener.open = reader.open();
      opener.primary = reader.handle();
      opener.backup = reader.handle();
    }
  }
  for (std::size_t i = 0; i < pieces; ++i) {
    CheckpointData& piece = data.emplace_back();
    piece.item = static_cast<std::uint16_t>(reader.number());
    piece.offset = reader.number();
    piece.data = reader.bytes();
  }
  return reader.done();
}

}  // namespace xybus
