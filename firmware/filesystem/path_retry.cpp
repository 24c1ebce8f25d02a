#include "firmware/filesystem/path_retry.h"

#include <algorithm>

#include "firmware/filesystem/request_header.h"

namespace xybus {

using contract::FileOperation;

bool PathRetry::concerns_path(Error error) {
  switch (error) {
    case Error::no_process:
    case Error::other_process:
    case Error::wrong_owner:
    case Error::path_down:
    case Error::ownership_changed:
    case Error::cpu_failed: return true;
    default: return false;
  }
}

bool PathRetry::find(OpenFile& file) {
  const DctEntry* entry = guardian_.dct().lookup(file.name);
  if (entry == nullptr) return false;
  file.path.ancestor = entry->ancestor;
  go_to(file, *entry);
  return true;
}

void PathRetry::go_to(OpenFile& file, const DctEntry& entry) {
  file.path.server = entry.primary;
  file.path.backup = entry.backup;
  file.path.known = false;
  file.path.deadline = hal::never;
}

void PathRetry::look(OpenFile& file) {
  if (!file.name) return;
  note_backup(file);
  const DctEntry* entry = guardian_.dct().lookup(file.name);
  if (entry == nullptr || entry->ancestor != file.path.ancestor) return;
  if (entry->primary == file.path.backup) go_to(file, *entry);
}

PathRetry::Error PathRetry::gone(const OpenFile& file) const {
  const DctEntry* entry = file.name ? guardian_.dct().lookup(file.name) : nullptr;
  if (entry == nullptr) return Error::path_down;
  const FilePath& path = file.path;
  const bool member = entry->primary == path.server || entry->primary == path.backup;
  const bool same = entry->ancestor == path.ancestor && member;
  return same ? Error::path_down : Error::other_process;
}

/// Who may be the next primary; one that was never seen beside the one before is a stranger.
void PathRetry::note_backup(OpenFile& file) {
  const DctEntry* entry = file.name ? guardian_.dct().lookup(file.name) : nullptr;
  if (entry != nullptr && entry->primary == file.path.server) file.path.backup = entry->backup;
}

void PathRetry::open(OpenFile& file) {
  FilePath& path = file.path;
  auto header = file_header(FileOperation::open, file.open);
  header.set_server_created(static_cast<std::uint32_t>(path.server.created));
  path.message.resize(file_header_bytes + open_data_bytes + file.part.size());
  const std::span<std::byte> message(path.message);
  store(header, message);
  store_handle(guardian_.handle(), message.subspan(file_header_bytes));
  guardian_.environment().copy(std::as_bytes(std::span(file.part)),
                               message.subspan(file_header_bytes + open_data_bytes));
  path.reply.resize(open_reply_bytes);
  path.state = FilePath::State::opening;
  const auto link =
      guardian_.conversations().start(path.server.at, path.message, path.reply,
                                      static_cast<std::uint32_t>(FileOperation::open));
  path.link = link ? *link : LinkId{};
  path.error = link.error();
}

bool PathRetry::lost(OpenFile& file, const ProcessHandle& sent_to, Error error) {
  FilePath& path = file.path;
  if (!file.name || file.sync_depth == 0) return false;
  if (path.state != FilePath::State::ready || sent_to != path.server) return true;
  path.state = FilePath::State::searching;
  path.error = error;
  path.retry_at = guardian_.now() + interval() / 8;
  if (path.deadline == hal::never) path.deadline = guardian_.now() + 8 * interval();
  return true;
}

PathRetry::Error PathRetry::advance(OpenFile& file) {
  FilePath& path = file.path;
  if (path.state == FilePath::State::opening) {
    Completion completion{{}, path.error, 0};
    if (path.link) {
      const auto ended = guardian_.conversations().take(path.link);
      if (!ended) return Error::none;
      completion = *ended;
    }
    if (const Error error = opened(file, completion); error != Error::none) return error;
  }
  if (path.state == FilePath::State::searching) return search(file);
  note_backup(file);
  return Error::none;
}

PathRetry::Error PathRetry::opened(OpenFile& file, const Completion& completion) {
  FilePath& path = file.path;
  path.link = {};
  if (completion.error == Error::none) {
    if (completion.reply_length == open_reply_bytes) {
      file.kind = static_cast<FileKind>(load_word(path.reply));
    }
    path.state = FilePath::State::ready;
    path.opened = true;
    good(file);
    return Error::none;
  }
  if (!file.name || !concerns_path(completion.error)) return fail(file, completion.error);
  path.state = FilePath::State::searching;
  path.error = completion.error;
  path.retry_at = guardian_.now() + interval() / 8;
  if (path.deadline == hal::never) path.deadline = guardian_.now() + 8 * interval();
  return Error::none;
}

PathRetry::Error PathRetry::search(OpenFile& file) {
  FilePath& path = file.path;
  const DctEntry* entry = guardian_.dct().lookup(file.name);
  if (entry == nullptr) return fail(file, path.opened ? Error::path_down : Error::no_process);
  if (path.opened && entry->ancestor != path.ancestor) return fail(file, Error::other_process);
  if (entry->primary != path.server) {
    const bool stranger = path.opened && entry->primary != path.backup;
    go_to(file, *entry);
    path.ancestor = entry->ancestor;
    path.stranger = stranger;
  } else if (note_backup(file); guardian_.now() >= path.deadline) {
    return fail(file, path.error == Error::no_process && !path.opened ? Error::no_process
                                                                      : Error::path_down);
  } else if (guardian_.now() < path.retry_at) {
    return Error::none;
  }
  path.state = FilePath::State::ready;
  if (!path.opened) open(file);
  return Error::none;
}

PathRetry::Error PathRetry::fail(OpenFile& file, Error error) {
  file.path.state = FilePath::State::ready;
  file.path.deadline = hal::never;
  return error;
}

void PathRetry::good(OpenFile& file) {
  file.path.known = true;
  file.path.stranger = false;
  file.path.deadline = hal::never;
}

/// A machine without I'm-alives has some measure too.
std::uint64_t PathRetry::interval() const {
  constexpr std::uint64_t standard = 100'000;
  const std::uint64_t interval = guardian_.membership().alive_interval();
  return interval != 0 ? interval : standard;
}

std::uint64_t PathRetry::wake_at(const OpenFile& file) {
  if (file.path.state != FilePath::State::searching) return hal::never;
  return std::min(file.path.deadline, file.path.retry_at);
}

}  // namespace xybus
