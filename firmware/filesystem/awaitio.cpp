// Requests without waiting: how they end, or are called off.

#include <algorithm>

#include "firmware/filesystem/file_system.h"

namespace xybus {

bool FileSystem::outstanding(FileNumber number) const {
  if (number == receive_file) return receive_.has_value();
  if (number != any_file) return files_.find(number)->count != 0;
  const auto busy = [](const std::unique_ptr<OpenFile>& file) { return file->count != 0; };
  return receive_ || std::ranges::any_of(files_.files(), busy);
}

Task<FileCompletion> FileSystem::awaitio(FileNumber number, std::uint64_t time_limit) {
  charge();
  const bool open = number == any_file || files_.find(number) != nullptr ||
                    (number == receive_file && receiver_.is_open());
  if (!open) co_return FileCompletion{number, Error::not_open};
  if (!outstanding(number)) co_return FileCompletion{number, Error::nothing_outstanding};
  const std::uint64_t now = guardian_.now();
  const std::uint64_t deadline = time_limit < hal::never - now ? now + time_limit : hal::never;
  for (;;) {
    if (const auto completion = co_await first_ended(number)) co_return *completion;
    if (guardian_.now() >= deadline) break;
    co_await wait(std::min(deadline, wake_at(number)));
  }
  FileCompletion late{number, Error::timeout};
  if (number != any_file && time_limit != 0) late.tag = cancel_oldest(number);
  co_return late;
}

/// When something may happen though nobody tells.
std::uint64_t FileSystem::wake_at(FileNumber number) const {
  std::uint64_t first = hal::never;
  for (const auto& file : files_.files()) {
    if (number == any_file || number == file->number) {
      first = std::min(first, PathRetry::wake_at(*file));
    }
  }
  const bool receiving = receive_ && (number == any_file || number == receive_file);
  return receiving ? std::min(first, receiver_.queue().next_timer()) : first;
}

/// The request that awaitio of this file would give; nullptr while there is none.
const PendingRequest* FileSystem::ended(const OpenFile& file) {
  const PendingRequest* first = nullptr;
  for (const PendingRequest& request : file.outstanding()) {
    const bool over = request.state == PendingRequest::State::ended;
    if (over && (first == nullptr || request.ended < first->ended)) first = &request;
    if (!file.any_order) break;
  }
  return first;
}

Task<std::optional<FileCompletion>> FileSystem::first_ended(FileNumber number) {
  OpenFile* first = nullptr;
  for (const auto& file : files_.files()) {
    if (number != any_file && number != file->number) continue;
    requestor_.advance(*file);
    const PendingRequest* request = ended(*file);
    if (request == nullptr) continue;
    if (first == nullptr || request->ended < ended(*first)->ended) first = file.get();
  }
  const bool receives = receive_ && (number == any_file || number == receive_file);
  if (receives && (first == nullptr || receive_first_)) {
    receive_first_ = false;
    if (const auto result = co_await receiver_.next(receive_->in)) {
      const FileCompletion completion{receive_file, result->error, result->bytes, receive_->tag};
      receive_.reset();
      co_return completion;
    }
  }
  if (first == nullptr) co_return std::nullopt;
  receive_first_ = true;
  co_return completed(*first, *ended(*first));
}

/// Takes it out; with an open that has failed, the file.
FileCompletion FileSystem::completed(OpenFile& file, const PendingRequest& request) {
  const FileCompletion completion{file.number, request.error, request.bytes, request.tag};
  const bool opens = request.operation == contract::FileOperation::open;
  file.remove(request);
  if (opens && completion.error != Error::none) forget(file);
  return completion;
}

/// With an open that has not ended, the file.
void FileSystem::cancel(OpenFile& file, PendingRequest& request) {
  const bool opens = request.operation == contract::FileOperation::open;
  const bool good = request.state == PendingRequest::State::ended && request.error == Error::none;
  requestor_.cancel(file, request);
  if (opens && !good) forget(file);
}

/// Gives the tag of its call. Something is outstanding on that file.
std::uint32_t FileSystem::cancel_oldest(FileNumber number) {
  if (number == receive_file) {
    const std::uint32_t tag = receive_->tag;
    receive_.reset();
    return tag;
  }
  OpenFile& file = *files_.find(number);
  PendingRequest& oldest = file.outstanding().front();
  const std::uint32_t tag = oldest.tag;
  cancel(file, oldest);
  return tag;
}

FileSystem::Error FileSystem::cancel(FileNumber number) {
  charge();
  const bool receives = number == receive_file && receiver_.is_open();
  if (!receives && files_.find(number) == nullptr) return Error::not_open;
  if (!outstanding(number)) return Error::nothing_outstanding;
  cancel_oldest(number);
  return Error::none;
}

FileSystem::Error FileSystem::cancelreq(FileNumber number, std::uint32_t tag) {
  charge();
  if (number == receive_file && receiver_.is_open()) {
    if (!receive_ || receive_->tag != tag) return Error::nothing_outstanding;
    receive_.reset();
    return Error::none;
  }
  OpenFile* file = files_.find(number);
  if (file == nullptr) return Error::not_open;
  const auto found = std::ranges::find(file->outstanding(), tag, &PendingRequest::tag);
  if (found == file->outstanding().end()) return Error::nothing_outstanding;
  cancel(*file, *found);
  return Error::none;
}

}  // namespace xybus
