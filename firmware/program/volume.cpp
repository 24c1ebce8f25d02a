#include "firmware/program/volume.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "firmware/message/wire.h"

namespace xybus {

using hal::disk_block_bytes;
using hal::DiskStatus;

namespace {

// The label: the mark, the generation, 1 if nobody is to believe it, which drives were up, and 1 if
// these may differ in what was being written.
constexpr std::uint32_t label_mark = 0x5659'5558;  // "XUYV", least significant byte first
constexpr std::uint32_t label_block = 0;
constexpr std::uint32_t all_equal = ~std::uint32_t{0};

using LabelBytes = std::array<std::byte, disk_block_bytes>;

LabelBytes label_of(std::uint32_t generation, bool whole, std::uint32_t up, bool equal) {
  LabelBytes label{};
  store_word(label_mark, label);
  store_word(generation, std::span(label).subspan(4));
  store_word(whole ? 0 : 1, std::span(label).subspan(8));
  store_word(up, std::span(label).subspan(12));
  store_word(equal ? 0 : 1, std::span(label).subspan(16));
  return label;
}

}  // namespace

std::uint32_t volume_generation(std::span<const std::byte> drive) {
  if (drive.size() < disk_block_bytes || load_word(drive) != label_mark) return 0;
  return load_word(drive.subspan(4));
}

Volume::Volume(Devices& devices, Process& process, std::string_view name)
    : buffer_(piece_blocks * disk_block_bytes) {
  for (unsigned drive = 0;; ++drive) {
    hal::DiskPort* const port = devices.find(name, drive);
    if (port == nullptr) break;
    drives_.push_back({std::make_unique<DiskDriver>(devices, process, *port)});
  }
}

std::uint32_t Volume::blocks() const {
  std::uint32_t least = drives_.empty() ? 0 : ~std::uint32_t{0};
  for (const Drive& drive : drives_) least = std::min(least, drive.driver->blocks());
  return least;
}

bool Volume::any_up() const {
  return std::ranges::any_of(drives_, [](const Drive& d) { return d.state == DriveState::up; });
}

bool Volume::work_left() const {
  if (lost_ || stuck_ || !any_up()) return false;
  return equal_up_to_ < blocks() || std::ranges::any_of(drives_, [](const Drive& d) {
    return d.state == DriveState::copying;
  });
}

/// A drive that was dead for a while is nobody's; one that is another's is lost.
bool Volume::is_lost(const Drive& drive, DiskStatus status) const {
  using Owner = hal::DiskPort::Owner;
  if (status == DiskStatus::ownership_lost) return true;
  return status == DiskStatus::not_owner && drive.driver->port().owner() == Owner::other_port;
}

// ---- Labels -------------------------------------------------------------------------------------

Task<Volume::Label> Volume::read_label(Drive& drive) {
  LabelBytes bytes;
  const DiskStatus status = co_await drive.driver->read(label_block, bytes);
  if (is_lost(drive, status)) lost_ = true;
  if (status != DiskStatus::ok) co_return Label{};
  if (load_word(bytes) != label_mark) co_return Label{.answers = true, .whole = true};
  co_return Label{.answers = true,
                  .whole = load_word(std::span(bytes).subspan(8)) == 0,
                  .generation = load_word(std::span(bytes).subspan(4)),
                  .up = load_word(std::span(bytes).subspan(12)),
                  .equal = load_word(std::span(bytes).subspan(16)) == 0};
}

/// What it had is overwritten from now on by what is newer, in an order of its own.
Task<DiskStatus> Volume::disown_label(Drive& drive) {
  const LabelBytes label = label_of(0, false, 0, false);
  co_return co_await drive.driver->write(label_block, label);
}

Task<Volume::Error> Volume::write_labels() {
  std::uint32_t up = 0;
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    if (drives_[i].state == DriveState::up) up |= 1U << i;
  }
  const LabelBytes label = label_of(generation_, true, up, equal_up_to_ == all_equal);
  const Error error = co_await write_all(label_block, label);
  if (error == Error::none) acknowledged_in_ = std::max(acknowledged_in_, generation_);
  co_return error;
}

/// Whether a drive does not answer that was up when the last that do had all of the volume.
bool Volume::one_missing(std::span<const Label> labels, std::uint32_t generation) {
  for (const Label& label : labels) {
    if (!label.answers || !label.whole || label.generation != generation) continue;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if ((label.up >> i & 1U) != 0 && !labels[i].answers) return true;
    }
  }
  return false;
}

Task<Volume::Error> Volume::open(Opener opener) {
  lost_ = stuck_ = false;
  equal_up_to_ = all_equal;
  all_read_ = true;
  std::vector<Label> labels(drives_.size());
  std::optional<std::uint32_t> latest;
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    drives_[i].state = DriveState::down;
    if (!co_await drives_[i].driver->take()) continue;
    labels[i] = co_await read_label(drives_[i]);
    if (labels[i].answers && labels[i].whole) {
      latest = std::max(latest.value_or(0), labels[i].generation);
    }
  }
  if (lost_) co_return Error::ownership_changed;
  if (!latest || *latest < acknowledged_in_) co_return Error::device_down;
  if (opener == Opener::first && one_missing(labels, *latest)) co_return Error::device_down;
  unsigned up = 0;
  bool equal = opener == Opener::successor;
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    const bool has_all = labels[i].answers && labels[i].whole && labels[i].generation == *latest;
    if (!has_all) continue;
    drives_[i].state = DriveState::up;
    equal = equal && labels[i].equal;
    ++up;
  }
  const bool used = *latest != 0;
  if (used && up > 1 && !equal) equal_up_to_ = first_block;
  generation_ = std::max(generation_, *latest);
  acknowledged_in_ = *latest;
  // Those that are not up are behind from now on.
  if (up != drives_.size() || !used) ++generation_;
  if (up == drives_.size() && used && equal) co_return Error::none;
  co_return co_await write_labels();
}

/// It is down, and the others know better from now on.
Task<Volume::Error> Volume::drop(Drive& drive, DiskStatus status) {
  if (is_lost(drive, status)) {
    lost_ = true;
    co_return Error::ownership_changed;
  }
  const bool was_up = drive.state == DriveState::up;
  drive.state = DriveState::down;
  if (!any_up()) co_return Error::device_down;
  if (!was_up) co_return Error::none;
  ++generation_;
  co_return co_await write_labels();
}

// ---- Blocks -------------------------------------------------------------------------------------

/// Blocks that one drive cannot read are mended; if each drive has some of its own, one by one.
Task<Volume::Error> Volume::read(std::uint32_t block, std::span<std::byte> data) {
  Error error = co_await read_together(block, data);
  if (error != Error::bad_data || data.size() == disk_block_bytes) co_return error;
  for (std::size_t at = 0; at < data.size(); at += disk_block_bytes, ++block) {
    error = co_await read_together(block, data.subspan(at, disk_block_bytes));
    if (error != Error::none) co_return error;
  }
  co_return Error::none;
}

Task<Volume::Error> Volume::read_together(std::uint32_t block, std::span<std::byte> data) {
  if (lost_) co_return Error::ownership_changed;
  std::array<Drive*, 8> unreadable{};
  std::size_t bad = 0;
  for (Drive& drive : drives_) {
    if (drive.state != DriveState::up) continue;
    const DiskStatus status = co_await drive.driver->read(block, data);
    if (status == DiskStatus::ok) {
      for (Drive* other : std::span(unreadable).first(bad)) {
        const DiskStatus mended = co_await other->driver->write(block, data);
        if (mended == DiskStatus::ok) continue;
        const Error error = co_await drop(*other, mended);
        if (error != Error::none) co_return error;
      }
      co_return Error::none;
    }
    if (status == DiskStatus::read_error) {
      unreadable.at(bad++) = &drive;
      continue;
    }
    const Error error = co_await drop(drive, status);
    if (error != Error::none) co_return error;
  }
  co_return bad != 0 ? Error::bad_data : Error::device_down;
}

Task<Volume::Error> Volume::write(std::uint32_t block, std::span<const std::byte> data) {
  if (lost_) co_return Error::ownership_changed;
  co_return co_await write_all(block, data);
}

/// At the same time; then sees which have failed.
Task<Volume::Error> Volume::write_all(std::uint32_t block, std::span<const std::byte> data) {
  std::array<std::optional<DiskDriver::Token>, 8> tokens;
  for (std::size_t i = 0; i < drives_.size() && i < tokens.size(); ++i) {
    if (drives_[i].state == DriveState::down) continue;
    // Labels are written where the contents are whole, and nowhere else.
    if (block == label_block && drives_[i].state != DriveState::up) continue;
    tokens[i] = drives_[i].driver->start_write(block, data);
    if (!tokens[i]) throw std::logic_error("too many commands of a disk are under way");
  }
  std::array<DiskStatus, 8> ends{};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i]) ends[i] = co_await drives_[i].driver->end_of(*tokens[i]);
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] && ends[i] != DiskStatus::ok) co_await drop(drives_[i], ends[i]);
  }
  if (lost_) co_return Error::ownership_changed;
  co_return any_up() ? Error::none : Error::device_down;  // one that is up has it
}

// ---- Becoming whole -----------------------------------------------------------------------------

Task<> Volume::tend() {
  if (lost_) co_return;
  if (!any_up()) {
    co_await open();
    co_return;
  }
  for (Drive& drive : drives_) {
    if (drive.state == DriveState::up) continue;
    if (drive.state == DriveState::down) {
      if (!co_await drive.driver->take()) continue;
      const DiskStatus status = co_await disown_label(drive);
      if (status != DiskStatus::ok) {
        co_await drop(drive, status);
        continue;
      }
      drive.state = DriveState::copying;
      drive.next = first_block;
    }
    co_await copy_some(drive);
    co_return;
  }
  if (equal_up_to_ < blocks()) co_await equalize_some();
}

std::span<std::byte> Volume::piece(std::uint32_t block) {
  const std::uint32_t count = std::min(piece_blocks, blocks() - block);
  return std::span(buffer_).first(std::size_t{count} * disk_block_bytes);
}

Task<> Volume::copy_some(Drive& drive) {
  const auto data = piece(drive.next);
  const Error error = co_await read(drive.next, data);
  stuck_ = error == Error::bad_data;
  if (error != Error::none || drive.state != DriveState::copying) co_return;
  const DiskStatus status = co_await drive.driver->write(drive.next, data);
  if (status != DiskStatus::ok) {
    co_await drop(drive, status);
    co_return;
  }
  drive.next += static_cast<std::uint32_t>(data.size() / disk_block_bytes);
  if (drive.next < blocks()) co_return;
  drive.state = DriveState::up;
  co_await write_labels();
}

/// What the first drive has holds. Blocks that no drive can read are left as they are, and the
/// labels then say what they did.
Task<> Volume::equalize_some() {
  const std::uint32_t block = equal_up_to_;
  const auto data = piece(block);
  Error error = co_await equalize(block, data);
  if (error == Error::bad_data) {
    for (std::size_t at = 0; at < data.size(); at += disk_block_bytes) {
      error = co_await equalize(block + static_cast<std::uint32_t>(at / disk_block_bytes),
                                data.subspan(at, disk_block_bytes));
      if (error == Error::bad_data) {
        all_read_ = false;
      } else if (error != Error::none) {
        co_return;
      }
    }
  } else if (error != Error::none) {
    co_return;
  }
  equal_up_to_ = block + static_cast<std::uint32_t>(data.size() / disk_block_bytes);
  if (equal_up_to_ < blocks() || !all_read_) co_return;
  equal_up_to_ = all_equal;
  co_await write_labels();
}

Task<Volume::Error> Volume::equalize(std::uint32_t block, std::span<std::byte> data) {
  const Error error = co_await read(block, data);
  if (error != Error::none) co_return error;
  co_return co_await write_all(block, data);
}

}  // namespace xybus
