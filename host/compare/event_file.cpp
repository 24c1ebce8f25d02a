#include "compare/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace xybus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view rung_mark = ",\"at\":\"log\",\"event\":\"digest\",";

std::string_view map_file(const std::string& path) {
  const auto fail = [&](int error) {
    throw std::runtime_error(fmt::format("cannot read {}: {}", path, std::strerror(error)));
  };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(errno);
  struct stat status {};
  const int error = fstat(file, &status) != 0      ? errno
                    : S_ISREG(status.st_mode) == 0 ? EINVAL
                                                   : 0;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* place = nullptr;
  if (error == 0 && size > 0) place = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  const int map_error = place == MAP_FAILED ? errno : error;
  close(file);
  if (map_error != 0) fail(map_error);
  return {static_cast<const char*>(place), size};
}

Rung read_rung(std::string_view line, std::size_t end) {
  const auto json = nlohmann::json::parse(line);
  const std::string_view digest = json.at("digest").get_ref<const std::string&>();
  return {json.at("events"), json.at("cycle"), line.substr(line.find(digest), digest.size()), end};
}

}  // namespace

bool is_rung(std::string_view line) {
  // Behind the cycle, which has at most 20 digits.
  return line.substr(0, 64).find(rung_mark) != std::string_view::npos;
}

EventFile::EventFile(const std::string& path) {
  path_ = fs::is_directory(path) ? (fs::path(path) / "events.jsonl").string() : path;
  text_ = map_file(path_);
  try {
    find_rungs();
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(fmt::format("{}: malformed digest: {}", path_, error.what()));
  }
}

EventFile::~EventFile() {
  if (!text_.empty()) munmap(const_cast<char*>(text_.data()), text_.size());
}

void EventFile::find_rungs() {
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text_.size();) {
    const std::size_t end = std::min(text_.find('\n', at), text_.size());
    const std::string_view line = text_.substr(at, end - at);
    at = end + 1;
    ++number;
    if (is_rung(line)) {
      rungs_.push_back(read_rung(line, at));
    } else if (line.starts_with("{\"cycle\":")) {
      has_events_ = true;
    } else {
      throw std::runtime_error(
          fmt::format("{}: line {} is no event; expected an events.jsonl", path_, number));
    }
  }
}

bool EventLines::next() {
  while (at_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    line_ = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (!is_rung(line_)) return true;
  }
  return false;
}

}  // namespace xybus
