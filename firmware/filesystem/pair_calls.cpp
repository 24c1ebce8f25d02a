// Files of a process pair: what one member tells the other of them.

#include <algorithm>

#include "firmware/filesystem/file_system.h"

namespace xybus {

Result<SyncBlock> FileSystem::sync_block(FileNumber number) const {
  const OpenFile* file = files_.find(number);
  if (file == nullptr) return Error::not_open;
  SyncBlock block;
  block.file = file->number;
  block.open = file->open;
  block.name = file->name;
  std::ranges::copy(file->part, block.part.begin());
  block.server = file->path.server;
  block.pair = file->path.pair;
  block.next_sync_id = file->next_sync_id;
  block.position = file->position;
  block.nowait_depth = static_cast<std::uint8_t>(file->nowait_depth);
  block.sync_depth = static_cast<std::uint8_t>(file->sync_depth);
  block.any_order = file->any_order;
  block.kind = file->kind;
  return block;
}

FileSystem::Error FileSystem::adopt(const SyncBlock& block) {
  OpenFile* file = files_.find(block.file);
  if (file == nullptr) file = files_.add(block.file);
  if (file == nullptr) return Error::bounds;
  if (file->count != 0) return Error::invalid_state;
  file->open = block.open;
  file->name = block.name;
  file->part.assign(block.part.begin(), std::ranges::find(block.part, '\0'));
  file->path.server = block.server;
  file->path.pair = block.pair;
  file->path.opened = true;
  file->path.known = false;  // the primary's open may have gone with it
  file->next_sync_id = block.next_sync_id;
  file->position = block.position;
  file->nowait_depth = block.nowait_depth;
  file->sync_depth = block.sync_depth;
  file->any_order = block.any_order;
  file->kind = block.kind;
  return Error::none;
}

Task<FileSystem::Error> FileSystem::open_too(const SyncBlock& block) {
  charge();
  if (const Error error = adopt(block); error != Error::none) co_return error;
  OpenFile& file = *files_.find(block.file);
  const Error error = co_await make_known(file);
  if (error != Error::none) forget(file);
  co_return error;
}

Task<std::optional<Request>> FileSystem::take_pair_message() {
  co_await receiver_.serve();
  co_return receiver_.queue().take_pair();
}

void FileSystem::adopt_opener(const Opener& opener) {
  receiver_.openers().add(opener.open, opener.primary);
  if (opener.backup) receiver_.openers().add(opener.open, opener.backup);
}

void FileSystem::forget_opener(const Opener& opener) {
  receiver_.openers().remove(opener.open, opener.primary);
  if (opener.backup) receiver_.openers().remove(opener.open, opener.backup);
}

}  // namespace xybus
