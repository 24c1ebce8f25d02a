#include "firmware/program/volume.h"

#include <algorithm>
#include <array>

#include "firmware/message/wire.h"

namespace xybus {

using hal::disk_block_bytes;
using hal::DiskStatus;

namespace {

constexpr std::uint32_t label_mark = 0x5659'5558;  // "XUYV", least significant byte first
constexpr std::uint32_t label_block = 0;
constexpr std::uint32_t copy_blocks = 16;  // at a time

bool lost(DiskStatus status) {
  return status == DiskStatus::not_owner || status == DiskStatus::ownership_lost;
}

}  // namespace

std::uint32_t volume_generation(std::span<const std::byte> drive) {
  if (drive.size() < disk_block_bytes || load_word(drive) != label_mark) return 0;
  return load_word(drive.subspan(4));
}

Volume::Volume(Devices& devices, Process& process, std::string_view name)
    : buffer_(copy_blocks * disk_block_bytes) {
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
  return std::ranges::any_of(drives_,
                             [](const Drive& d) { return d.state == DriveState::copying; });
}

// ---- Labels -------------------------------------------------------------------------------------

/// False if the drive does not answer. The generation of a drive without a label is 0.
Task<bool> Volume::read_label(Drive& drive, std::uint32_t& generation) {
  std::array<std::byte, disk_block_bytes> label;
  const DiskStatus status = co_await drive.driver->read(label_block, label);
  if (lost(status)) lost_ = true;
  if (status != DiskStatus::ok) co_return false;
  generation = volume_generation(label);
  co_return true;
}

Task<Volume::Error> Volume::write_labels() {
  std::array<std::byte, disk_block_bytes> label{};
  store_word(label_mark, label);
  store_word(generation_, std::span(label).subspan(4));
  co_return co_await write_all(label_block, label);
}

Task<Volume::Error> Volume::open() {
  lost_ = false;
  std::vector<std::uint32_t> generations(drives_.size());
  std::vector<bool> answers(drives_.size());
  generation_ = 0;
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    drives_[i].state = DriveState::down;
    if (!co_await drives_[i].driver->take()) continue;
    answers[i] = co_await read_label(drives_[i], generations[i]);
    if (answers[i]) generation_ = std::max(generation_, generations[i]);
  }
  if (lost_) co_return Error::ownership_changed;
  bool all = true;
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    if (answers[i] && generations[i] == generation_) {
      drives_[i].state = DriveState::up;
    } else {
      all = false;
    }
  }
  if (!any_up()) co_return Error::device_down;
  if (all && generation_ != 0) co_return Error::none;
  ++generation_;  // those that are not up are behind from now on
  co_return co_await write_labels();
}

/// It is down, and the others know better from now on.
Task<Volume::Error> Volume::drop(Drive& drive, DiskStatus status) {
  if (lost(status)) {
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

Task<Volume::Error> Volume::read(std::uint32_t block, std::span<std::byte> data) {
  if (lost_) co_return Error::ownership_changed;
  Drive* unreadable = nullptr;
  for (Drive& drive : drives_) {
    if (drive.state != DriveState::up) continue;
    const DiskStatus status = co_await drive.driver->read(block, data);
    if (status == DiskStatus::ok) {
      if (unreadable == nullptr) co_return Error::none;
      const DiskStatus mended = co_await unreadable->driver->write(block, data);
      if (mended != DiskStatus::ok) co_return co_await drop(*unreadable, mended);
      co_return Error::none;
    }
    if (status == DiskStatus::read_error) {
      unreadable = &drive;
      continue;
    }
    const Error error = co_await drop(drive, status);
    if (error != Error::none) co_return error;
  }
  co_return unreadable != nullptr ? Error::bad_data : Error::device_down;
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
  }
  std::array<DiskStatus, 8> ends{};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i]) ends[i] = co_await drives_[i].driver->end_of(*tokens[i]);
  }
  Error error = any_up() ? Error::none : Error::device_down;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] && ends[i] != DiskStatus::ok) error = co_await drop(drives_[i], ends[i]);
  }
  co_return lost_ ? Error::ownership_changed : error;
}

// ---- Becoming whole -----------------------------------------------------------------------------

Task<> Volume::tend() {
  for (Drive& drive : drives_) {
    if (lost_ || !any_up() || drive.state == DriveState::up) continue;
    if (drive.state == DriveState::down) {
      if (!co_await drive.driver->take()) continue;
      drive.state = DriveState::copying;
      drive.next = first_block;
    }
    co_await copy_some(drive);
    co_return;
  }
}

Task<Volume::Error> Volume::copy_some(Drive& drive) {
  const std::uint32_t count = std::min(copy_blocks, blocks() - drive.next);
  const auto data = std::span(buffer_).first(std::size_t{count} * disk_block_bytes);
  const Error read_error = co_await read(drive.next, data);
  if (read_error != Error::none) co_return read_error;
  if (drive.state != DriveState::copying) co_return Error::none;
  const DiskStatus status = co_await drive.driver->write(drive.next, data);
  if (status != DiskStatus::ok) co_return co_await drop(drive, status);
  drive.next += count;
  if (drive.next < blocks()) co_return Error::none;
  drive.state = DriveState::up;
  co_return co_await write_labels();
}

}  // namespace xybus
