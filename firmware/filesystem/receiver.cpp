#include "firmware/filesystem/receiver.h"

#include <algorithm>

#include "firmware/filesystem/request_header.h"
#include "firmware/process/process_message.h"

namespace xybus {

using contract::FileOperation;

namespace {

/// Number of the system message that an operation is to its server; 0: it is a request.
std::int16_t number_of(FileOperation operation) {
  switch (operation) {
    case FileOperation::open: return system_number::open;
    case FileOperation::close: return system_number::close;
    case FileOperation::control: return system_number::control;
    default: return system_code(operation);
  }
}

/// A startup message is read like a request.
contract::Error warning(std::int16_t number) {
  const bool request = number == 0 || number == system_number::startup;
  return request ? contract::Error::none : contract::Error::system_message;
}

bool needs_open(FileOperation operation) {
  return operation == FileOperation::write || operation == FileOperation::read ||
         operation == FileOperation::writeread || operation == FileOperation::control;
}

bool makes_files(FileOperation operation) {
  return operation == FileOperation::create || operation == FileOperation::purge;
}

}  // namespace

Receiver::Error Receiver::open(const OpenOptions& options) {
  if (open_) return Error::invalid_state;
  if (options.nowait_depth > 1) return Error::too_many;
  if (options.receive_depth < 1 || options.receive_depth > most_receive_depth) {
    return Error::bounds;
  }
  options_ = options;
  tags_.set_depth(options.receive_depth);
  open_ = true;
  return Error::none;
}

Task<> Receiver::close() {
  open_ = false;
  for (unsigned tag = 0; tag < tags_.depth(); ++tag) {
    if (tags_.find(tag) != nullptr) co_await reply({}, Error::path_down, tag);
  }
}

void Receiver::look_at_view() {
  const Membership& membership = guardian_.membership();
  if (membership.view().number == view_) return;
  view_ = membership.view().number;
  openers_.remove_lost(membership);
}

/// Replies that cancelled requests are owed, and cancels that the program is to hear of.
Task<> Receiver::settle() {
  queue_.gather();
  look_at_view();
  while (const auto link = queue_.take_dropped()) {
    co_await guardian_.messages().writelink(guardian_.process(), *link, {});
  }
  while (const auto link = queue_.take_cancelled()) {
    const auto tag = tags_.find(*link);
    if (tag && options_.cancel_messages) queue_.add(system_number::cancel, *tag);
  }
  if (!open_ || monitors_) co_return;
  while (const auto request = queue_.take_pair()) {
    co_await refuse(request->link, Error::wrong_owner);
  }
}

Task<> Receiver::serve() {
  co_await settle();
  if (!open_ || options_.system_messages) co_return;
  while (const auto open = queue_.take_open()) co_await take(*open, {});
}

Task<> Receiver::refuse_all(Error error) {
  co_await settle();
  while (const auto request = queue_.take_request()) co_await refuse(request->link, error);
}

Task<std::optional<IoResult>> Receiver::next(std::span<std::byte> in) {
  for (;;) {
    co_await settle();
    const auto arrival = queue_.take();
    if (!arrival) co_return std::nullopt;
    if (const auto result = co_await take(*arrival, in)) co_return result;
  }
}

// ---- Taking one ---------------------------------------------------------------------------------

Task<std::optional<IoResult>> Receiver::take(const Arrival& arrival, std::span<std::byte> in) {
  header_ = {};
  member_ = {};
  if (!arrival.request.link) co_return take_own(arrival, in);
  if (arrival.request.system != SystemCode::none) co_return co_await take_kernels(arrival, in);
  co_return co_await take_request(arrival.request, in);
}

IoResult Receiver::take_own(const Arrival& arrival, std::span<std::byte> in) {
  std::array<std::byte, system_message_bytes> data{};
  store_word(static_cast<std::uint32_t>(arrival.system), data);
  store_word(arrival.subject, std::span(data).subspan(4));
  const std::size_t bytes = std::min(in.size(), data.size());
  std::copy_n(data.begin(), bytes, in.begin());
  info_ = {.from = guardian_.handle(),
           .tag = tags_.add({}),
           .system = arrival.system,
           .bytes = system_message_bytes};
  return {Error::system_message, static_cast<std::uint32_t>(bytes)};
}

Task<std::optional<IoResult>> Receiver::take_kernels(const Arrival& arrival,
                                                     std::span<std::byte> in) {
  const Request& request = arrival.request;
  co_await guardian_.messages().readlink(guardian_.process(), request.link, in);
  info_ = {.from = {request.from, 0, 0},
           .tag = tags_.add({.link = request.link}),
           .system = static_cast<std::int16_t>(request.system),
           .bytes = request.length};
  co_return IoResult{Error::system_message,
                     std::min(request.length, static_cast<std::uint32_t>(in.size()))};
}

Task<std::optional<IoResult>> Receiver::take_request(const Request& request,
                                                     std::span<std::byte> in) {
  std::array<std::byte, file_header_bytes> bytes{};
  if (request.length < bytes.size()) co_return co_await refuse(request.link, Error::bounds);
  const Error read =
      co_await guardian_.messages().readlink(guardian_.process(), request.link, bytes);
  if (read != Error::none) co_return co_await refuse(request.link, read);
  header_ = load<contract::FileRequest>(bytes);
  if (const auto error = refusal(request)) co_return co_await refuse(request.link, *error);
  switch (header_.operation()) {
    case FileOperation::open: co_return co_await take_open(request, in);
    case FileOperation::close: co_return co_await take_close(request, in);
    default: co_return co_await deliver(request, in, file_header_bytes);
  }
}

/// Why this process does not take it.
std::optional<Receiver::Error> Receiver::refusal(const Request& request) const {
  const FileOperation operation = header_.operation();
  const auto own = static_cast<std::uint32_t>(guardian_.handle().created);
  if (header_.server_created() != 0 && header_.server_created() != own) {
    return Error::other_process;
  }
  if (operation == FileOperation::open || operation == FileOperation::close) {
    const bool whole = request.length >= file_header_bytes + open_data_bytes;
    return whole ? std::nullopt : std::optional(Error::bounds);
  }
  if (needs_open(operation)) {
    if (openers_.find(open_of(header_)) == nullptr) return Error::not_open;
    const bool unwanted = operation == FileOperation::control && !options_.system_messages;
    return unwanted ? std::optional(Error::invalid_operation) : std::nullopt;
  }
  if (makes_files(operation) && options_.kind == FileKind::disk) return std::nullopt;
  if (from_process_control(operation)) return std::nullopt;
  return Error::invalid_operation;
}

/// Who opens or closes.
Task<Receiver::Error> Receiver::read_member(LinkId link) {
  std::array<std::byte, open_data_bytes> data;
  const Error read = co_await guardian_.messages().readlink(guardian_.process(), link, data,
                                                            file_header_bytes);
  if (read == Error::none) member_ = load_handle(data);
  co_return read;
}

Task<std::optional<IoResult>> Receiver::take_open(const Request& request,
                                                  std::span<std::byte> in) {
  const Error read = co_await read_member(request.link);
  if (read != Error::none) co_return co_await refuse(request.link, read);
  if (!openers_.add(open_of(header_), member_)) {
    co_return co_await refuse(request.link, Error::table_full);
  }
  if (options_.system_messages) {
    co_return co_await deliver(request, in, file_header_bytes + open_data_bytes);
  }
  const Error accepted = co_await accept_open(request.link);
  if (accepted != Error::none) openers_.remove(open_of(header_), member_);
  co_return std::nullopt;
}

Task<std::optional<IoResult>> Receiver::take_close(const Request& request,
                                                   std::span<std::byte> in) {
  const Error read = co_await read_member(request.link);
  if (read != Error::none) co_return co_await refuse(request.link, read);
  const bool was_open = openers_.remove(open_of(header_), member_);
  if (!was_open || !options_.system_messages) {
    co_return co_await refuse(request.link, Error::none);
  }
  co_return co_await deliver(request, in, file_header_bytes + open_data_bytes);
}

/// Reads the data, and hands the message to the program.
Task<std::optional<IoResult>> Receiver::deliver(const Request& request, std::span<std::byte> in,
                                                std::size_t offset) {
  const auto length = static_cast<std::uint32_t>(request.length - offset);
  const OpenId open = open_of(header_);
  const Opener* opener = openers_.find(open);
  ProcessHandle from{request.from, 0, 0};
  if (member_) {
    from = member_;
  } else if (from_process_control(header_.operation())) {
    from = open.opener;
  } else if (opener != nullptr) {
    from = sender(*opener, request.from);
  }
  if (length != 0 && !in.empty()) {
    const Error read = co_await guardian_.messages().readlink(
        guardian_.process(), request.link, in, static_cast<std::uint32_t>(offset));
    if (read != Error::none) {
      if (header_.operation() == FileOperation::open) openers_.remove(open, member_);
      co_return co_await refuse(request.link, read);
    }
  }
  const std::int16_t number = number_of(header_.operation());
  const unsigned tag = tags_.add({.link = request.link,
                                  .operation = header_.operation(),
                                  .open = open,
                                  .from = from,
                                  .read_count = request.reply_room});
  info_ = {.from = from,
           .tag = tag,
           .sync_id = header_.sync_id(),
           .file = open.file,
           .read_count = request.reply_room,
           .operation = header_.operation(),
           .system = number,
           .opener = open,
           .position = position_of(header_),
           .bytes = length};
  co_return IoResult{warning(number), std::min(length, static_cast<std::uint32_t>(in.size()))};
}

// ---- Replies ------------------------------------------------------------------------------------

/// Ends a message that the program does not see.
Task<std::optional<IoResult>> Receiver::refuse(LinkId link, Error error) {
  co_await guardian_.messages().writelink(guardian_.process(), link, {}, error);
  co_return std::nullopt;
}

Task<Receiver::Error> Receiver::accept_open(LinkId link) {
  std::array<std::byte, open_reply_bytes> kind;
  store_word(static_cast<std::uint32_t>(options_.kind), kind);
  co_return co_await guardian_.messages().writelink(guardian_.process(), link, kind);
}

Task<Receiver::Error> Receiver::reply(std::span<const std::byte> out, Error error,
                                      std::optional<unsigned> tag) {
  const unsigned number = tag.value_or(tags_.last());
  const Unanswered* found = tags_.find(number);
  if (found == nullptr) co_return Error::bad_tag;
  const Unanswered message = *found;
  const bool open = message.operation == FileOperation::open;
  if (out.size() > (open ? 0 : message.read_count)) co_return Error::bounds;
  tags_.remove(number);
  queue_.withdraw(system_number::cancel, number);
  if (!message.link) co_return Error::none;
  if (open && error == Error::none) {
    const Error accepted = co_await accept_open(message.link);
    if (accepted != Error::none) openers_.remove(message.open, message.from);
    co_return Error::none;
  }
  if (open) openers_.remove(message.open, message.from);
  co_await guardian_.messages().writelink(guardian_.process(), message.link, out, error);
  co_return Error::none;
}

}  // namespace xybus
