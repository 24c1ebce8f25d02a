/// A directory for a while.
#pragma once

#include <filesystem>

namespace xybus {

/// A fresh one among the temporary files, which goes with all that is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace xybus
