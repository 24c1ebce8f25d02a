#include "scenario/project.h"

#include <cstdlib>
#include <filesystem>

namespace xybus {

namespace fs = std::filesystem;

std::string project_root() {
  if (const char* root = std::getenv("XYBUS_ROOT")) return root;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path root = program.parent_path().parent_path();  // of build/xybus
  return fs::is_directory(root / "scenarios", error) ? root.string() : "";
}

}  // namespace xybus
