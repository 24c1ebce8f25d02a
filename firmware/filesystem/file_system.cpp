#include "firmware/filesystem/file_system.h"

#include <algorithm>

#include "firmware/filesystem/request_header.h"
#include "firmware/process/process_control.h"

namespace xybus {

using contract::EventBit;
using contract::FileOperation;

FileSystem::FileSystem(Guardian& guardian)
    : guardian_(guardian), requestor_(guardian), receiver_(guardian) {}

void FileSystem::charge() const {
  const Environment& environment = guardian_.environment();
  environment.charge(environment.costs.file_call);
}

// ---- Open and close -----------------------------------------------------------------------------

Task<Opened> FileSystem::open(std::string_view name, const OpenOptions& options) {
  charge();
  if (name == "$RECEIVE") {
    const Error error = receiver_.open(options);
    co_return error == Error::none ? Opened{error, receive_file} : Opened{error, no_file};
  }
  const auto parsed = parse_file_name(name);
  if (!parsed) co_return Opened{Error::bad_name, no_file};
  OpenFile* file = files_.add();
  if (file == nullptr) co_return Opened{Error::too_many, no_file};
  file->name = parsed->process;
  file->part = parsed->part;
  if (!requestor_.paths().find(*file)) {
    files_.remove(file->number);
    co_return Opened{Error::no_process, no_file};
  }
  co_return co_await open(*file, options);
}

Task<Opened> FileSystem::open(ProcessHandle process, const OpenOptions& options) {
  charge();
  if (!process) co_return Opened{Error::no_process, no_file};
  OpenFile* file = files_.add();
  if (file == nullptr) co_return Opened{Error::too_many, no_file};
  file->path.server = process;
  co_return co_await open(*file, options);
}

Task<Opened> FileSystem::open(OpenFile& file, const OpenOptions& options) {
  constexpr unsigned most_sync_depth = 255;
  file.open = {guardian_.handle(), static_cast<std::uint16_t>(file.number)};
  file.nowait_depth = options.nowait_depth;
  file.sync_depth = options.sync_depth;
  file.any_order = options.any_order;
  Error error = Error::none;
  if (options.nowait_depth > most_nowait) error = Error::too_many;
  if (options.sync_depth > most_sync_depth) error = Error::bounds;
  if (options.nowait_open && options.nowait_depth == 0) error = Error::bounds;
  if (error != Error::none) {
    files_.remove(file.number);
    co_return Opened{error, no_file};
  }
  if (options.nowait_open) {
    requestor_.open(file, options.open_tag);
    co_return Opened{Error::none, file.number};
  }
  error = co_await make_known(file);
  if (error == Error::none) co_return Opened{Error::none, file.number};
  forget(file);
  co_return Opened{error, no_file};
}

/// What is on its way is called off, and the server is told, also of an open that has failed: a
/// primary that has died since may have told its backup of it. A close of what is not open does no
/// harm.
void FileSystem::forget(OpenFile& file) {
  requestor_.abandon(file);
  tell_closed(file);
  files_.remove(file.number);
}

/// Sends the open, and waits for what becomes of it.
Task<FileSystem::Error> FileSystem::make_known(OpenFile& file) {
  requestor_.paths().open(file);
  for (;;) {
    const Error error = requestor_.paths().advance(file);
    if (error != Error::none) co_return error;
    if (file.path.state == FilePath::State::ready) co_return Error::none;
    co_await wait(PathRetry::wake_at(file));
  }
}

Task<FileSystem::Error> FileSystem::close(FileNumber number) {
  charge();
  if (number == receive_file && receiver_.is_open()) {
    receive_.reset();
    co_await receiver_.close();
    co_return Error::none;
  }
  OpenFile* file = files_.find(number);
  if (file == nullptr) co_return Error::not_open;
  forget(*file);
  co_return Error::none;
}

void FileSystem::tell_closed(OpenFile& file) {
  requestor_.paths().look(file);
  const ProcessHandle& server = file.path.server;
  auto header = file_header(FileOperation::close, file.open);
  header.set_server_created(static_cast<std::uint32_t>(server.created));
  std::vector<std::byte> message(file_header_bytes + open_data_bytes);
  store(header, message);
  store_handle(guardian_.handle(), std::span(message).subspan(file_header_bytes));
  guardian_.control().send(server, static_cast<std::uint32_t>(FileOperation::close),
                           std::move(message));
}

void FileSystem::stopped() {
  for (const auto& file : files_.files()) tell_closed(*file);
}

// ---- Requests -----------------------------------------------------------------------------------

Task<IoResult> FileSystem::read(FileNumber file, std::span<std::byte> in, std::uint32_t tag) {
  if (file == receive_file) co_return co_await read_receive(in);
  co_return co_await request(file, {.operation = FileOperation::read, .in = in, .tag = tag});
}

Task<IoResult> FileSystem::write(FileNumber file, std::span<const std::byte> out,
                                 std::uint32_t tag) {
  co_return co_await request(file, {.operation = FileOperation::write, .out = out, .tag = tag});
}

Task<IoResult> FileSystem::writeread(FileNumber file, std::span<const std::byte> out,
                                     std::span<std::byte> in, std::uint32_t tag) {
  co_return co_await request(
      file, {.operation = FileOperation::writeread, .out = out, .in = in, .tag = tag});
}

Task<IoResult> FileSystem::control(FileNumber file, std::uint32_t what,
                                   std::span<const std::byte> out, std::span<std::byte> in,
                                   std::uint32_t tag) {
  co_return co_await request(file, {.operation = FileOperation::control,
                                    .out = out,
                                    .in = in,
                                    .position = what,
                                    .tag = tag});
}

Task<IoResult> FileSystem::request(FileNumber number, Requestor::Call call) {
  charge();
  if (number == receive_file && receiver_.is_open()) co_return IoResult{Error::invalid_operation};
  OpenFile* file = files_.find(number);
  if (file == nullptr) co_return IoResult{Error::not_open};
  if (call.operation == FileOperation::read && file->kind == FileKind::process) {
    co_return IoResult{Error::invalid_operation};
  }
  if (file->full()) co_return IoResult{Error::too_many};
  if (call.operation != FileOperation::control) call.position = file->position;
  const Error error = requestor_.begin(*file, call);
  if (error != Error::none) co_return IoResult{error};
  if (file->nowait_depth != 0) co_return IoResult{};
  co_return co_await finish(*file);
}

/// Waits for the one request of a file.
Task<IoResult> FileSystem::finish(OpenFile& file) {
  for (;;) {
    requestor_.advance(file);
    const PendingRequest& request = file.outstanding().front();
    if (request.state == PendingRequest::State::ended) {
      const IoResult result{request.error, request.bytes};
      file.remove(request);
      co_return result;
    }
    co_await wait(PathRetry::wake_at(file));
  }
}

FileSystem::Error FileSystem::position(FileNumber number, std::uint64_t at) {
  charge();
  OpenFile* file = files_.find(number);
  if (file == nullptr) return Error::not_open;
  if (file->kind != FileKind::disk) return Error::invalid_operation;
  if (file->count != 0) return Error::invalid_state;
  file->position = at;
  return Error::none;
}

Task<FileSystem::Error> FileSystem::create(std::string_view name,
                                           const FileProperties& properties) {
  std::array<std::byte, properties_bytes> data;
  store_properties(properties, data);
  co_return co_await of_disk(FileOperation::create, name, data);
}

Task<FileSystem::Error> FileSystem::purge(std::string_view name) {
  co_return co_await of_disk(FileOperation::purge, name, {});
}

/// A request without an open, but with a path that is searched like others.
Task<FileSystem::Error> FileSystem::of_disk(FileOperation operation, std::string_view name,
                                            std::span<const std::byte> data) {
  charge();
  const auto parsed = parse_file_name(name);
  if (!parsed || parsed->part.empty()) co_return Error::bad_name;
  OpenFile file;
  file.open = {guardian_.handle(), nameless_file};
  file.name = parsed->process;
  file.sync_depth = 1;
  file.next_sync_id = ++disk_sync_id_;
  if (!requestor_.paths().find(file)) co_return Error::no_process;
  file.path.opened = file.path.known = true;
  std::vector<std::byte> out(data.begin(), data.end());
  const auto part = std::as_bytes(std::span(parsed->part));
  out.insert(out.end(), part.begin(), part.end());
  const Error error = requestor_.begin(file, {.operation = operation, .out = out});
  if (error != Error::none) co_return error;
  const IoResult result = co_await finish(file);
  co_return result.error;
}

// ---- Waiting ------------------------------------------------------------------------------------

/// Waits for whatever may let something go on; opens of this process are answered meanwhile, so
/// that two that open each other do not wait for ever.
Task<> FileSystem::wait(std::uint64_t until) {
  EventBit others = EventBit::pon;
  const bool serving = receiver_.is_open() && !receiver_.options().system_messages;
  if (serving || receive_) others = others | EventBit::lreq | EventBit::lcan;
  if (serving) co_await receiver_.serve();
  const std::uint64_t now = guardian_.now();
  co_await guardian_.conversations().wait(others, until > now ? until - now : 0);
}

}  // namespace xybus
