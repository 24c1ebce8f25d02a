#include "firmware/program/disk_server.h"

#include <algorithm>

#include "firmware/filesystem/request_header.h"
#include "firmware/pair/bytes.h"

namespace xybus {

using contract::FileOperation;
using hal::disk_block_bytes;

namespace {

enum Change : std::uint32_t { change_open = 1, change_close, change_file, change_write };

constexpr std::uint32_t tend_tag = 0x5445'4e44;
constexpr std::uint64_t tend_cycles = 100'000, tend_soon_cycles = 2'000;

// The directory: entries of 64 bytes, as many as there may be files.
constexpr std::uint32_t entry_bytes = 64;
constexpr std::uint32_t entries_per_block = disk_block_bytes / entry_bytes;
constexpr std::uint32_t directory_blocks = DiskServer::most_files / entries_per_block;
constexpr std::uint32_t first_data_block = Volume::first_block + directory_blocks;

std::uint64_t blocks_for(std::uint64_t bytes) {
  return bytes / disk_block_bytes + (bytes % disk_block_bytes != 0 ? 1 : 0);
}

}  // namespace

DiskServer::DiskServer(Guardian& guardian, std::string program, std::uint32_t cpus)
    : PairedServer(guardian, {.program = std::move(program),
                              .backup_cpus = cpus,
                              .most_request_bytes = most_io_bytes,
                              .kind = FileKind::disk,
                              .opens = true}),
      volume_(guardian.devices(), guardian.process(), guardian.name().text()) {}

// ---- The directory ------------------------------------------------------------------------------

void DiskServer::put(const File& file, std::span<std::byte> to) {
  store_word(file.id, to);
  store_word(file.first_block, to.subspan(4));
  store_word(file.blocks, to.subspan(8));
  store_word(static_cast<std::uint32_t>(file.end), to.subspan(12));
  store_word(static_cast<std::uint32_t>(file.end >> 32), to.subspan(16));
  for (std::size_t i = 0; i < file.name.size(); ++i) to[20 + i] = std::byte(file.name[i]);
}

DiskServer::File DiskServer::get(std::span<const std::byte> from) {
  File file;
  file.id = load_word(from);
  file.first_block = load_word(from.subspan(4));
  file.blocks = load_word(from.subspan(8));
  file.end = load_word(from.subspan(12)) | std::uint64_t{load_word(from.subspan(16))} << 32;
  for (std::size_t i = 0; i < file.name.size(); ++i) file.name[i] = static_cast<char>(from[20 + i]);
  return file;
}

const DiskServer::File* DiskServer::find(std::string_view name) const {
  const auto found = std::ranges::find_if(directory_, [name](const File& file) {
    return file.id != no_file && std::string_view(file.name.data()) == name;
  });
  return found == directory_.end() ? nullptr : &*found;
}

const DiskServer::File* DiskServer::find(std::uint32_t id) const {
  const auto found = std::ranges::find(directory_, id, &File::id);
  return id == no_file || found == directory_.end() ? nullptr : &*found;
}

const DiskServer::File* DiskServer::opened(const OpenId& open) const {
  const auto at = std::ranges::lower_bound(opened_, open, {}, &OpenedFile::open);
  return at == opened_.end() || at->open != open ? nullptr : find(at->id);
}

/// First fit; 0 when there is no room.
std::uint32_t DiskServer::free_blocks_at(std::uint32_t blocks) const {
  std::vector<const File*> files;
  for (const File& file : directory_) {
    if (file.id != no_file) files.push_back(&file);
  }
  std::ranges::sort(files, {}, &File::first_block);
  std::uint32_t at = first_data_block;
  for (const File* file : files) {
    if (file->first_block - at >= blocks) return at;
    at = file->first_block + file->blocks;
  }
  return volume_.blocks() >= at && volume_.blocks() - at >= blocks ? at : 0;
}

std::span<const std::byte> file_on_drive(std::span<const std::byte> drive, std::string_view name) {
  for (std::uint32_t place = 0; place < DiskServer::most_files; ++place) {
    const std::size_t at = std::size_t{Volume::first_block} * disk_block_bytes +
                           std::size_t{place} * entry_bytes;
    if (at + entry_bytes > drive.size()) return {};
    const auto file = DiskServer::get(drive.subspan(at, entry_bytes));
    if (file.id == DiskServer::no_file || name != file.name.data()) continue;
    const std::uint64_t begin = std::uint64_t{file.first_block} * disk_block_bytes;
    if (begin > drive.size() || file.end > drive.size() - begin) return {};
    return drive.subspan(begin, file.end);
  }
  return {};
}

// ---- Requests -----------------------------------------------------------------------------------

Task<Decision> DiskServer::decide(const ServerRequest& request) {
  change_.clear();
  switch (request.info.operation) {
    case FileOperation::open: co_return decide_open(request);
    case FileOperation::close: co_return decide_close(request);
    case FileOperation::create: co_return decide_create(request);
    case FileOperation::purge: co_return decide_purge(request);
    case FileOperation::read: co_return co_await decide_read(request);
    case FileOperation::write: co_return co_await decide_write(request);
    default: co_return Decision{.error = Error::invalid_operation};
  }
}

Decision DiskServer::decide_open(const ServerRequest& request) {
  const File* file = find(text_in(request.data));
  if (file == nullptr) return {.error = Error::not_found};
  ByteWriter writer(change_);
  writer.put(change_open);
  writer.put(request.info.opener);
  writer.put(file->id);
  return {.change = change_};
}

/// The other member of a pair may have it open still.
Decision DiskServer::decide_close(const ServerRequest& request) {
  if (has_opener(request.info.opener)) return {};
  ByteWriter writer(change_);
  writer.put(change_close);
  writer.put(request.info.opener);
  return {.change = change_};
}

/// Whose CPU has failed has nothing open, though no close has come.
bool DiskServer::has_opener(const OpenId& open) {
  const auto openers = files().openers();
  return std::ranges::find(openers, open, &Opener::open) != openers.end();
}

Decision DiskServer::change_of(std::uint32_t place, const File& file) {
  ByteWriter writer(change_);
  writer.put(change_file);
  writer.put(place);
  put(file, writer.room(entry_bytes));
  return {.change = change_};
}

Decision DiskServer::decide_create(const ServerRequest& request) {
  if (request.data.size() < properties_bytes) return {.error = Error::bounds};
  const FileProperties properties = load_properties(request.data);
  const std::string_view name = text_in(request.data.subspan(properties_bytes));
  File file;
  if (name.empty() || name.size() >= file.name.size()) return {.error = Error::bad_name};
  if (find(name) != nullptr) return {.error = Error::exists};
  const auto place = std::ranges::find(directory_, no_file, &File::id);
  if (place == directory_.end()) return {.error = Error::table_full};
  const std::uint64_t bytes =
      properties.max_bytes == 0 ? default_max_bytes : properties.max_bytes;
  if (bytes > std::uint64_t{volume_.blocks()} * disk_block_bytes) {
    return {.error = Error::disk_full};
  }
  file.id = last_id_ + 1;
  std::ranges::copy(name, file.name.begin());
  file.blocks = static_cast<std::uint32_t>(blocks_for(bytes));
  file.first_block = free_blocks_at(file.blocks);
  if (file.first_block == 0) return {.error = Error::disk_full};
  return change_of(static_cast<std::uint32_t>(place - directory_.begin()), file);
}

Decision DiskServer::decide_purge(const ServerRequest& request) {
  const File* file = find(text_in(request.data));
  if (file == nullptr) return {.error = Error::not_found};
  for (const OpenedFile& each : opened_) {
    if (each.id == file->id && has_opener(each.open)) return {.error = Error::invalid_state};
  }
  return change_of(static_cast<std::uint32_t>(file - directory_.data()), {});
}

Task<Decision> DiskServer::decide_read(const ServerRequest& request) {
  const File* file = opened(request.info.opener);
  if (file == nullptr) co_return Decision{.error = Error::not_open};
  const std::uint64_t position = request.info.position;
  if (position >= file->end) co_return Decision{.error = Error::end_of_file};
  const std::uint64_t bytes =
      std::min<std::uint64_t>(request.info.read_count, file->end - position);
  if (bytes > most_io_bytes) co_return Decision{.error = Error::bounds};
  if (bytes == 0) co_return Decision{};
  const auto first = static_cast<std::uint32_t>(position / disk_block_bytes);
  const auto skip = static_cast<std::size_t>(position % disk_block_bytes);
  reply_.resize(blocks_for(skip + bytes) * disk_block_bytes);
  const Error error = co_await volume_.read(file->first_block + first, reply_);
  if (error != Error::none) co_return Decision{.error = error};
  co_return Decision{.reply = std::span(reply_).subspan(skip, bytes)};
}

/// The change is whole blocks, so that what carries it out reads nothing. Blocks behind the end of
/// the file are nobody's: what is on the drives there is not read. So the last block of a file has
/// zeros behind its end, and so have those that a write beyond the end leaves out.
Task<Decision> DiskServer::decide_write(const ServerRequest& request) {
  const File* file = opened(request.info.opener);
  if (file == nullptr) co_return Decision{.error = Error::not_open};
  const std::uint64_t position =
      request.info.position == end_of_file ? file->end : request.info.position;
  const std::uint64_t room = std::uint64_t{file->blocks} * disk_block_bytes;
  if (position > room || request.data.size() > room - position) {
    co_return Decision{.error = Error::disk_full};
  }
  if (request.data.empty()) co_return Decision{};
  const std::uint64_t end = position + request.data.size();
  const auto first = static_cast<std::uint32_t>(position / disk_block_bytes);
  const auto behind = static_cast<std::uint32_t>(blocks_for(end));
  const auto used = static_cast<std::uint32_t>(blocks_for(file->end));
  const auto skip = static_cast<std::size_t>(position % disk_block_bytes);
  blocks_.assign(std::size_t{behind - first} * disk_block_bytes, std::byte{0});
  const auto last = std::span(blocks_).last(disk_block_bytes);
  Error error = Error::none;
  if (skip != 0 && first < used) {
    error = co_await read_block(file->first_block + first,
                                std::span(blocks_).first(disk_block_bytes));
  }
  const bool last_read = skip != 0 && behind - first == 1;
  if (error == Error::none && end < file->end && end % disk_block_bytes != 0 && !last_read) {
    error = co_await read_block(file->first_block + behind - 1, last);
  }
  if (error != Error::none) co_return Decision{.error = error};
  guardian().environment().copy(request.data, std::span(blocks_).subspan(skip));
  ByteWriter writer(change_);
  writer.put(change_write);
  writer.put(file->id);
  writer.put64(end);
  writer.put(std::uint32_t{end > file->end});
  writer.put(std::min(used, first));  // zeros from here on
  writer.put(first);
  writer.put(blocks_);
  co_return Decision{.change = change_};
}

// ---- Changes ------------------------------------------------------------------------------------

void DiskServer::apply(std::span<const std::byte> change) {
  ByteReader reader(change);
  switch (reader.number()) {
    case change_open: {
      const OpenId open = reader.open();
      const std::uint32_t id = reader.number();
      std::erase_if(opened_, [&](const OpenedFile& file) {
        return file.open == open || !has_opener(file.open);
      });
      opened_.insert(std::ranges::lower_bound(opened_, open, {}, &OpenedFile::open), {open, id});
      return;
    }
    case change_close: {
      const OpenId open = reader.open();
      std::erase_if(opened_, [&](const OpenedFile& file) { return file.open == open; });
      return;
    }
    case change_file: {
      const std::uint32_t place = reader.number();
      const File file = get(reader.take(entry_bytes));
      directory_.at(place) = file;
      last_id_ = std::max(last_id_, file.id);
      return;
    }
    case change_write: {
      const std::uint32_t id = reader.number();
      const std::uint64_t end = reader.number64();
      const auto file = std::ranges::find(directory_, id, &File::id);
      if (file == directory_.end()) return;
      file->end = std::max(file->end, end);
      reader.number();
      const std::uint32_t zeros_from = reader.number(), first = reader.number();
      cache_.drop(file->first_block + zeros_from, first - zeros_from);
      cache_blocks(file->first_block + first, reader.bytes());
      return;
    }
    default: return;
  }
}

/// As they are to be on the drives; of many only the last, of which the next write may be a part.
void DiskServer::cache_blocks(std::uint32_t block, std::span<const std::byte> contents) {
  constexpr std::size_t many = 4;
  const std::size_t count = contents.size() / disk_block_bytes;
  const std::size_t kept = count > many ? 1 : count;
  cache_.drop(block, static_cast<std::uint32_t>(count - kept));
  for (std::size_t i = count - kept; i < count; ++i) {
    guardian().environment().copy(contents.subspan(i * disk_block_bytes, disk_block_bytes),
                                  cache_.put(block + static_cast<std::uint32_t>(i)));
  }
}

Task<DiskServer::Error> DiskServer::read_block(std::uint32_t block, std::span<std::byte> into) {
  if (const auto known = cache_.find(block); !known.empty()) {
    guardian().environment().copy(known, into);
    co_return Error::none;
  }
  co_return co_await volume_.read(block, into);
}

/// What the drives may not have is not known by heart either.
Task<DiskServer::Error> DiskServer::carry_out(std::span<const std::byte> change) {
  const Error error = co_await carry_out_on_drives(change);
  if (error != Error::none) cache_.clear();
  co_return error;
}

Task<DiskServer::Error> DiskServer::carry_out_on_drives(std::span<const std::byte> change) {
  ByteReader reader(change);
  switch (reader.number()) {
    case change_file: co_return co_await write_directory(reader.number());
    case change_write: {
      const File* file = find(reader.number());
      if (file == nullptr) co_return Error::none;
      reader.number64();
      const bool longer = reader.number() != 0;
      const std::uint32_t zeros_from = reader.number(), first = reader.number();
      Error error = co_await write_zeros(file->first_block + zeros_from, first - zeros_from);
      if (error == Error::none) {
        error = co_await volume_.write(file->first_block + first, reader.bytes());
      }
      if (error != Error::none || !longer) co_return error;
      co_return co_await write_directory(static_cast<std::uint32_t>(file - directory_.data()));
    }
    default: co_return Error::none;
  }
}

Task<DiskServer::Error> DiskServer::write_zeros(std::uint32_t block, std::uint32_t count) {
  constexpr std::uint32_t at_a_time = most_io_bytes / disk_block_bytes;
  const std::vector<std::byte> zeros(std::size_t{std::min(count, at_a_time)} * disk_block_bytes);
  while (count != 0) {
    const std::uint32_t now = std::min(count, at_a_time);
    const Error error = co_await volume_.write(
        block, std::span(zeros).first(std::size_t{now} * disk_block_bytes));
    if (error != Error::none) co_return error;
    block += now;
    count -= now;
  }
  co_return Error::none;
}

Task<DiskServer::Error> DiskServer::write_directory(std::uint32_t place) {
  const std::uint32_t block = place / entries_per_block;
  std::array<std::byte, disk_block_bytes> bytes{};
  for (std::uint32_t i = 0; i < entries_per_block; ++i) {
    put(directory_[block * entries_per_block + i],
        std::span(bytes).subspan(std::size_t{i} * entry_bytes, entry_bytes));
  }
  co_return co_await volume_.write(Volume::first_block + block, bytes);
}

Task<DiskServer::Error> DiskServer::read_directory() {
  std::vector<std::byte> bytes(directory_blocks * disk_block_bytes);
  const Error error = co_await volume_.read(Volume::first_block, bytes);
  if (error != Error::none) co_return error;
  for (std::uint32_t place = 0; place < most_files; ++place) {
    const std::size_t at = std::size_t{place} * entry_bytes;
    directory_[place] = get(std::span(bytes).subspan(at, entry_bytes));
    last_id_ = std::max(last_id_, directory_[place].id);
  }
  co_return Error::none;
}

// ---- The pair -----------------------------------------------------------------------------------

Task<> DiskServer::begin(bool took_over) {
  Error error = Error::none;
  if (took_over) {
    error = co_await volume_.open();
  } else {
    error = co_await open_at_start();
  }
  if (error == Error::none && !took_over) error = co_await read_directory();
  // Nobody can be served from drives that do not answer, or that are another's.
  if (error != Error::none && !took_over) throw Abend{};
  files().set_timer(tend_cycles, tend_tag);
}

Task<DiskServer::Error> DiskServer::open_at_start() {
  constexpr std::uint64_t intervals = 4, look_again = 5'000;
  const std::uint64_t deadline = guardian().now() + intervals * guardian().alive_interval();
  for (;;) {
    const Error error = co_await volume_.open(Volume::Opener::first);
    if (error != Error::device_down || guardian().now() >= deadline) co_return error;
    co_await guardian().process().wait(contract::EventBit{}, look_again);
  }
}

Task<> DiskServer::tend() {
  for (unsigned pieces = 0; pieces < most_pieces; ++pieces) {
    co_await volume_.tend();
    if (!volume_.work_left() || files().has_arrived()) co_return;
  }
}

bool DiskServer::is_primary() {
  const DctEntry* entry = guardian().dct().find(guardian().handle());
  return entry != nullptr && entry->primary == guardian().handle();
}

Task<> DiskServer::system_message(const ReceiveInfo& info, std::span<const std::byte> data) {
  const bool ours = info.system == system_number::timer && data.size() >= 8 &&
                    load_word(data.subspan(4)) == tend_tag;
  if (!ours) co_return;
  // The table says who is to have the drives.
  if (volume_.lost() && is_primary() && guardian().membership().operational()) {
    co_await volume_.open();
  } else {
    co_await tend();
  }
  files().set_timer(volume_.work_left() ? tend_soon_cycles : tend_cycles, tend_tag);
}

std::vector<std::byte> DiskServer::save() const {
  std::vector<std::byte> state;
  ByteWriter writer(state);
  writer.put(last_id_);
  for (const File& file : directory_) put(file, writer.room(entry_bytes));
  writer.put(static_cast<std::uint32_t>(opened_.size()));
  for (const OpenedFile& file : opened_) {
    writer.put(file.open);
    writer.put(file.id);
  }
  return state;
}

bool DiskServer::load(std::span<const std::byte> state) {
  ByteReader reader(state);
  last_id_ = reader.number();
  for (File& file : directory_) {
    const auto entry = reader.take(entry_bytes);
    if (entry.empty()) return false;
    file = get(entry);
  }
  opened_.clear();
  for (std::uint32_t left = reader.number(); left != 0 && reader.whole(); --left) {
    const OpenId open = reader.open();
    opened_.push_back({open, reader.number()});
  }
  return reader.done();
}

}  // namespace xybus
