#include "firmware/process/new_process.h"

#include <algorithm>

#include "firmware/message/wire.h"
#include "firmware/process/process_message.h"
#include "firmware/process/program_library.h"

namespace xybus {

namespace {

// One word: flags, priority and the length of the program's name; then the process's name.
constexpr std::size_t name_at = contract::word_bytes;
constexpr std::size_t program_at = name_at + ProcessName::max_chars;
constexpr std::uint32_t backup_flag = 1, named_flag = 2;

}  // namespace

std::vector<std::byte> NewProcessRequest::save() const {
  std::vector<std::byte> into(program_at + program.size() + startup.size());
  const std::span<std::byte> to(into);
  store_word((backup ? backup_flag : 0) | (named ? named_flag : 0) | std::uint32_t{priority} << 8 |
                 static_cast<std::uint32_t>(program.size()) << 16,
             to);
  store_name(name, to.subspan(name_at));
  std::ranges::copy(std::as_bytes(std::span(program)), to.subspan(program_at).begin());
  std::ranges::copy(startup, to.subspan(program_at + program.size()).begin());
  return into;
}

std::optional<NewProcessRequest> NewProcessRequest::load(std::span<const std::byte> data) {
  if (data.size() < program_at) return std::nullopt;
  const std::uint32_t head = load_word(data);
  const std::size_t program_bytes = head >> 16;
  if (program_bytes > ProgramLibrary::max_name || data.size() < program_at + program_bytes) {
    return std::nullopt;
  }
  NewProcessRequest result;
  for (const std::byte c : data.subspan(program_at, program_bytes)) {
    result.program.push_back(static_cast<char>(c));
  }
  result.named = (head & named_flag) != 0;
  result.name = load_name(data.subspan(name_at));
  result.priority = static_cast<std::uint8_t>(head >> 8);
  result.backup = (head & backup_flag) != 0;
  const auto rest = data.subspan(program_at + program_bytes);
  result.startup.assign(rest.begin(), rest.end());
  return result;
}

}  // namespace xybus
