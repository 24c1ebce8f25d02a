#include "firmware/filesystem/file_table.h"

#include <algorithm>

namespace xybus {

FileTable::Files::const_iterator FileTable::place(FileNumber number) const {
  return std::lower_bound(
      files_.begin(), files_.end(), number,
      [](const std::unique_ptr<OpenFile>& file, FileNumber n) { return file->number < n; });
}

/// A number is not used again soon: a close that is still on its way must not meet another open.
OpenFile* FileTable::add() {
  for (FileNumber tries = 0; tries < last_number; ++tries) {
    last_ = last_ % last_number + 1;
    if (OpenFile* file = add(last_)) return file;
  }
  return nullptr;
}

OpenFile* FileTable::add(FileNumber number) {
  if (number < 1 || number > last_number) return nullptr;
  const auto at = place(number);
  if (at != files_.end() && (*at)->number == number) return nullptr;
  auto file = std::make_unique<OpenFile>();
  file->number = number;
  last_ = std::max(last_, number);
  return files_.insert(at, std::move(file))->get();
}

const OpenFile* FileTable::find(FileNumber number) const {
  const auto at = place(number);
  return at != files_.end() && (*at)->number == number ? at->get() : nullptr;
}

OpenFile* FileTable::find(FileNumber number) {
  return const_cast<OpenFile*>(std::as_const(*this).find(number));
}

void FileTable::remove(FileNumber number) {
  const auto at = place(number);
  if (at != files_.end() && (*at)->number == number) files_.erase(at);
}

}  // namespace xybus
