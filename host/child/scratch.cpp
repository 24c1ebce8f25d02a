#include "child/scratch.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace xybus {

Scratch::Scratch() {
  std::string pattern = (std::filesystem::temp_directory_path() / "xybus-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace xybus
