/// The open files of one process, by number.
#pragma once

#include <memory>
#include <vector>

#include "firmware/filesystem/open_file.h"

namespace xybus {

class FileTable {
 public:
  static constexpr FileNumber last_number = 0x7fff;

  /// A file with the next number; nullptr if all are in use.
  OpenFile* add();
  /// One under a number that was given out elsewhere: by the primary of this backup. nullptr if it
  /// is in use here, or is no file's number.
  OpenFile* add(FileNumber number);
  OpenFile* find(FileNumber number);
  const OpenFile* find(FileNumber number) const;
  void remove(FileNumber number);

  /// In the order of numbers.
  std::span<const std::unique_ptr<OpenFile>> files() const { return files_; }

 private:
  using Files = std::vector<std::unique_ptr<OpenFile>>;

  Files::const_iterator place(FileNumber number) const;

  Files files_;
  FileNumber last_ = 0;
};

}  // namespace xybus
