#include "firmware/filesystem/requestor.h"

#include <optional>

#include "firmware/filesystem/request_header.h"

namespace xybus {

using contract::FileOperation;

namespace {

/// Tells whoever watches of a request that changes a disk.
void tell(const Environment& environment, const OpenFile& file, const PendingRequest& request,
          std::optional<contract::Error> answer = {}) {
  DiskRequest told{.done = answer.has_value(),
                   .error = answer.value_or(contract::Error::none),
                   .operation = request.operation};
  const auto message = std::span<const std::byte>(request.message);
  const auto data = message.subspan(file_header_bytes);
  switch (request.operation) {
    case FileOperation::write:
      if (file.kind != FileKind::disk || !file.name) return;
      told.file = file.part;
      told.position = position_of(load<contract::FileRequest>(message));
      told.data = data;
      break;
    case FileOperation::create: told.file = text_in(data.subspan(properties_bytes)); break;
    case FileOperation::purge: told.file = text_in(data); break;
    default: return;
  }
  const ProcessHandle& opener = file.open.opener;
  told.name = {{opener.created, std::uint64_t{opener.at.cpu} << 32 | opener.at.pin, file.open.file},
               request.sync_id};
  told.volume = file.name.text();
  environment.observe(told);
}

}  // namespace

Requestor::Error Requestor::begin(OpenFile& file, const Call& call) {
  if (call.out.size() > most_file_data || call.in.size() > most_file_data) return Error::bounds;
  if (const Error failed = failed_open(file); failed != Error::none) return failed;
  PendingRequest& request = file.add();
  request.operation = call.operation;
  request.tag = call.tag;
  request.sync_id = file.next_sync_id++;
  request.in = call.in;
  auto header = file_header(call.operation, file.open);
  header.set_sync_id(request.sync_id);
  set_position(header, call.position);
  request.message.resize(file_header_bytes + call.out.size());
  const std::span<std::byte> message(request.message);
  store(header, message);
  guardian_.environment().copy(call.out, message.subspan(file_header_bytes));
  advance(file);
  PendingRequest& last = file.outstanding().back();
  if (last.state != PendingRequest::State::ended || last.sent_to) return Error::none;
  const Error error = last.error;
  file.remove(last);
  return error;
}

/// The error of an open that has ended with one, and that awaitio has not given yet.
Requestor::Error Requestor::failed_open(const OpenFile& file) {
  if (file.count == 0) return Error::none;
  const PendingRequest& first = file.outstanding().front();
  const bool over = first.operation == FileOperation::open &&
                    first.state == PendingRequest::State::ended;
  return over ? first.error : Error::none;
}

void Requestor::open(OpenFile& file, std::uint32_t tag) {
  PendingRequest& request = file.add();
  request.operation = FileOperation::open;
  request.tag = tag;
  paths_.open(file);
}

void Requestor::advance(OpenFile& file) {
  for (PendingRequest& request : file.outstanding()) {
    if (request.state != PendingRequest::State::sent) continue;
    std::uint64_t number = 0;
    if (const auto completion = guardian_.conversations().take(request.link, &number)) {
      judge(file, request, *completion, number);
    }
  }
  if (const Error error = paths_.advance(file); error != Error::none) fail_waiting(file, error);
  for (PendingRequest& request : file.outstanding()) {
    if (file.path.state != FilePath::State::ready) break;
    if (request.state != PendingRequest::State::waiting) continue;
    if (request.operation == FileOperation::open) {
      end(request, Error::none, 0, guardian_.conversations().ended());
    } else {
      send(file, request);
    }
  }
}

void Requestor::send(OpenFile& file, PendingRequest& request) {
  paths_.look(file);
  const FilePath& path = file.path;
  auto header = load<contract::FileRequest>(request.message);
  header.set_server_created(static_cast<std::uint32_t>(path.server.created));
  store(header, request.message);
  // Not before: what the file is may not be known when the request is made.
  if (!request.sent_to) tell(guardian_.environment(), file, request);
  const auto link = guardian_.conversations().start(
      path.server.at, request.message, request.in, static_cast<std::uint32_t>(request.operation));
  if (link) {
    request.state = PendingRequest::State::sent;
    request.sent_to = path.server;
    request.link = *link;
    return;
  }
  if (PathRetry::concerns_path(link.error())) {
    request.sent_to = path.server;
    judge(file, request, {{}, link.error(), 0}, guardian_.conversations().ended());
  } else {
    end(request, link.error(), 0, guardian_.conversations().ended());
  }
}

void Requestor::judge(OpenFile& file, PendingRequest& request, const Completion& completion,
                      std::uint64_t number) {
  FilePath& path = file.path;
  request.link = {};
  if (PathRetry::concerns_path(completion.error)) {
    if (paths_.lost(file, request.sent_to, completion.error)) {
      request.state = PendingRequest::State::waiting;
      return;
    }
    // A request that found no process may have been read before by one that has stopped since.
    const bool gone = completion.error == Error::no_process;
    end(request, gone ? paths_.gone(file) : completion.error, 0, number);
    return;
  }
  const bool here = request.sent_to == path.server && path.state == FilePath::State::ready;
  if (completion.error == Error::not_open && file.name && !(here && path.known)) {
    request.state = PendingRequest::State::waiting;
    if (here) paths_.open(file);
    return;
  }
  if (here) PathRetry::good(file);
  const bool writes = request.operation == FileOperation::write;
  const auto written = static_cast<std::uint32_t>(request.message.size() - file_header_bytes);
  const bool done = completion.error == Error::none;
  tell(guardian_.environment(), file, request, completion.error);
  end(request, completion.error, writes ? (done ? written : 0) : completion.reply_length, number);
  const bool moves = writes || request.operation == FileOperation::read;
  if (file.kind == FileKind::disk && moves && file.position != end_of_file) {
    file.position += request.bytes;
  }
}

void Requestor::fail_waiting(OpenFile& file, Error error) {
  for (PendingRequest& request : file.outstanding()) {
    if (request.state != PendingRequest::State::waiting) continue;
    end(request, error, 0, guardian_.conversations().ended());
  }
  file.path.error = error;
}

void Requestor::end(PendingRequest& request, Error error, std::uint32_t bytes,
                    std::uint64_t number) {
  request.state = PendingRequest::State::ended;
  request.error = error;
  request.bytes = bytes;
  request.ended = number;
}

void Requestor::cancel(OpenFile& file, PendingRequest& request) {
  if (request.link) guardian_.conversations().drop(request.link);
  file.remove(request);
}

void Requestor::abandon(OpenFile& file) {
  while (file.count != 0) cancel(file, file.outstanding().back());
  if (file.path.link) guardian_.conversations().drop(file.path.link);
  file.path.link = {};
}

}  // namespace xybus
