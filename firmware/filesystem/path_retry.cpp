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
  go_to(file, *entry);
  return true;
}

/// Another is primary, or the same one again, that has been the backup meanwhile.
bool PathRetry::moved(const OpenFile& file, const DctEntry& entry) {
  return entry.primary != file.path.server || entry.turn != file.path.turn;
}

void PathRetry::go_to(OpenFile& file, const DctEntry& entry) {
  file.path.server = entry.primary;
  file.path.pair = entry.first;
  file.path.turn = entry.turn;
  file.path.known = false;
  file.path.deadline = hal::never;
}

void PathRetry::look(OpenFile& file) {
  if (!file.name) return;
  const DctEntry* entry = guardian_.dct().lookup(file.name);
  if (entry == nullptr || entry->first != file.path.pair) return;
  if (moved(file, *entry)) go_to(file, *entry);
}

PathRetry::Error PathRetry::gone(const OpenFile& file) const {
  const DctEntry* entry = file.name ? guardian_.dct().lookup(file.name) : nullptr;
  if (entry == nullptr) return Error::path_down;
  return entry->first == file.path.pair ? Error::path_down : Error::other_process;
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
  path.retry_at = guardian_.now() + guardian_.alive_interval() / 8;
  if (path.deadline == hal::never) path.deadline = guardian_.now() + 8 * guardian_.alive_interval();
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
  return path.state == FilePath::State::searching ? search(file) : Error::none;
}

PathRetry::Error PathRetry::opened(OpenFile& file, const Completion& completion) {
  FilePath& path = file.path;
  path.link = {};
  if (completion.error == Error::none) {
    if (completion.reply_length == open_reply_bytes) {
      file.kind = static_cast<FileKind>(load_word(path.reply));
    }
    path.opened = true;
    // What it is shows only now.
    const bool fits = file.kind != FileKind::disk || file.nowait_depth <= 1;
    if (!fits) return fail(file, Error::too_many);
    path.state = FilePath::State::ready;
    good(file);
    return Error::none;
  }
  if (!file.name || !concerns_path(completion.error)) return fail(file, completion.error);
  path.state = FilePath::State::searching;
  path.error = completion.error;
  path.retry_at = guardian_.now() + guardian_.alive_interval() / 8;
  if (path.deadline == hal::never) path.deadline = guardian_.now() + 8 * guardian_.alive_interval();
  return Error::none;
}

PathRetry::Error PathRetry::search(OpenFile& file) {
  FilePath& path = file.path;
  const DctEntry* entry = guardian_.dct().lookup(file.name);
  if (entry == nullptr) return fail(file, path.opened ? Error::path_down : Error::no_process);
  if (path.opened && entry->first != path.pair) return fail(file, Error::other_process);
  if (moved(file, *entry)) {
    go_to(file, *entry);
  } else if (guardian_.now() >= path.deadline) {
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
  file.path.deadline = hal::never;
}

std::uint64_t PathRetry::wake_at(const OpenFile& file) {
  if (file.path.state != FilePath::State::searching) return hal::never;
  return std::min(file.path.deadline, file.path.retry_at);
}

}  // namespace xybus
