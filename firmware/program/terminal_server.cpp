#include "firmware/program/terminal_server.h"

#include <algorithm>

#include "firmware/pair/bytes.h"

namespace xybus {

using contract::EventBit;
using contract::FileOperation;
using hal::TerminalLine;
using hal::TerminalStatus;

namespace {

enum Change : std::uint32_t { change_write = 1, change_read };

}  // namespace

TerminalServer::TerminalServer(Guardian& guardian, std::string program, std::uint32_t cpus)
    : PairedServer(guardian, {.program = std::move(program),
                              .backup_cpus = cpus,
                              .most_request_bytes = most_characters,
                              .kind = FileKind::device}),
      devices_(guardian.devices()) {}

TerminalServer::~TerminalServer() {
  if (port_ == nullptr) return;
  port_->forget();
  devices_.detach(*port_);
}

Task<> TerminalServer::begin(bool took_over) {
  hal::TerminalPort* const port = devices_.find_terminal(guardian().name().text());
  if (port == nullptr) throw Abend{};
  devices_.attach(*port, guardian().process());
  port_ = port;
  co_await own();
  // What another process has shown under this name before is not to be taken for a change of ours.
  if (!took_over) number_ = port_->last_number();
}

// ---- Requests -----------------------------------------------------------------------------------

Task<Decision> TerminalServer::decide(const ServerRequest& request) {
  change_.clear();
  reply_.clear();
  switch (request.info.operation) {
    case FileOperation::write: co_return decide_write(request);
    case FileOperation::read:
    case FileOperation::writeread: co_return co_await decide_read(request);
    default: co_return Decision{.error = Error::invalid_operation};
  }
}

Decision TerminalServer::decide_write(const ServerRequest& request) {
  if (request.data.size() >= most_characters) return {.error = Error::bounds};
  ByteWriter writer(change_);
  writer.put(change_write);
  writer.put64(number_ + 1);
  for (const std::uint32_t word : label_of(request.info)) writer.put(word);
  writer.put(request.data);
  return {.change = change_};
}

Task<Decision> TerminalServer::decide_read(const ServerRequest& request) {
  const bool prompts = request.info.operation == FileOperation::writeread && !request.data.empty();
  if (prompts && !co_await show(number_ + 1, label_of(request.info), text_in(request.data))) {
    co_return Decision{.error = Error::ownership_changed};
  }
  const std::optional<TerminalLine> line = co_await wait_for_line(request.info);
  if (!line) co_return Decision{.error = Error::wrong_owner};
  if (line->end) co_return Decision{.error = Error::end_of_file};
  const std::size_t bytes = std::min<std::size_t>(line->text.size(), request.info.read_count);
  const auto all = std::as_bytes(std::span(line->text));
  reply_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes));
  ByteWriter writer(change_);
  writer.put(change_read);
  writer.put64(number_ + 1);
  writer.put64(line->number);
  co_return Decision{.reply = reply_, .change = change_};
}

/// None: nobody is to get one just now.
Task<std::optional<TerminalLine>> TerminalServer::wait_for_line(const ReceiveInfo& reader) {
  for (bool asked = false;; asked = true) {
    if (!co_await own()) co_return std::nullopt;
    if (const auto line = port_->line()) co_return line;
    if (co_await gone(reader)) co_return std::nullopt;
    if (!asked) port_->ask();
    co_await guardian().process().wait(EventBit::intr | EventBit::lreq | EventBit::pon);
  }
}

/// Whether the reader's CPU has failed, or somebody has closed the terminal, perhaps the reader.
Task<bool> TerminalServer::gone(const ReceiveInfo& reader) {
  // A look at what has come. What is for a backup is refused there: a primary gets none of it.
  co_await files().take_pair_message();
  co_return files().has_arrived(FileOperation::close) ||
      !guardian().membership().up(reader.from.at.cpu);
}

// ---- Changes ------------------------------------------------------------------------------------

void TerminalServer::apply(std::span<const std::byte> change) {
  ByteReader reader(change);
  reader.number();
  number_ = reader.number64();
}

Task<TerminalServer::Error> TerminalServer::carry_out(std::span<const std::byte> change) {
  ByteReader reader(change);
  const std::uint32_t kind = reader.number();
  const std::uint64_t number = reader.number64();
  if (kind == change_read) {
    if (!co_await own()) co_return Error::ownership_changed;
    port_->accept(reader.number64());
    // Until it is away, so that the next reader does not get it too.
    co_await guardian().process().compute(2);
    co_return Error::none;
  }
  Label label;
  for (std::uint32_t& word : label) word = reader.number();
  std::string line(text_in(reader.bytes()));
  line += '\n';
  co_return co_await show(number, label, line) ? Error::none : Error::ownership_changed;
}

TerminalServer::Label TerminalServer::label_of(const ReceiveInfo& info) {
  std::array<std::byte, handle_bytes> handle;
  store_handle(info.opener.opener, handle);
  const std::span<const std::byte> words(handle);
  return {load_word(words), load_word(words.subspan(4)), load_word(words.subspan(8)),
          info.opener.file, info.sync_id};
}

std::vector<std::byte> TerminalServer::save() const {
  std::vector<std::byte> state;
  ByteWriter(state).put64(number_);
  return state;
}

bool TerminalServer::load(std::span<const std::byte> state) {
  ByteReader reader(state);
  number_ = reader.number64();
  return reader.done();
}

// ---- The terminal -------------------------------------------------------------------------------

/// The table says who is to have it. What is said to a terminal holds from the next cycle on.
Task<bool> TerminalServer::own() {
  if (port_->owner() == hal::DevicePort::Owner::this_port) co_return true;
  const DctEntry* entry = guardian().dct().find(guardian().handle());
  const bool primary = entry != nullptr && entry->primary == guardian().handle();
  if (!primary || !guardian().membership().operational()) co_return false;
  port_->take();
  co_await guardian().process().compute(2);
  co_return port_->owner() == hal::DevicePort::Owner::this_port;
}

Task<bool> TerminalServer::show(std::uint64_t number, const Label& label, std::string_view text) {
  while (co_await own()) {
    devices_.show(*port_, {.number = number, .label = label, .text = text});
    std::optional<TerminalStatus> status;
    while (!(status = port_->ended())) co_await guardian().process().wait(EventBit::intr);
    if (*status == TerminalStatus::shown) co_return true;
  }
  co_return false;
}

}  // namespace xybus
