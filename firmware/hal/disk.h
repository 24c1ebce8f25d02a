/// A disk drive as one CPU sees it: its port of a drive that two CPUs are connected to.
///
/// Commands of one port are carried out in the order in which they were started, one at a time. A
/// port interrupts when a command has ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "firmware/hal/device.h"

namespace xybus::hal {

inline constexpr std::uint32_t disk_block_bytes = 512;
/// Commands of one port that have been started and whose end has not been fetched, at most.
inline constexpr unsigned disk_queue_depth = 8;

enum class DiskStatus : std::uint8_t {
  ok,              ///< Done. Of a write: what was written survives a loss of power.
  read_error,      ///< A block cannot be read. The data is as it was.
  write_error,     ///< Nothing was written.
  dead,            ///< The drive does not answer.
  not_owner,       ///< The port does not own the drive.
  ownership_lost,  ///< It owned the drive, and does no more. A write was done whole, or will be
                   ///< before any command of the new owner, or was not done at all.
};

/// Name of a status, for logs.
constexpr const char* name(DiskStatus status) {
  switch (status) {
    case DiskStatus::ok: return "ok";
    case DiskStatus::read_error: return "read_error";
    case DiskStatus::write_error: return "write_error";
    case DiskStatus::dead: return "dead";
    case DiskStatus::not_owner: return "not_owner";
    case DiskStatus::ownership_lost: return "ownership_lost";
  }
  return "?";
}

/// Reads or writes blocks in a row: as many as fit the one of the two that is not empty.
struct DiskCommand {
  std::uint32_t cookie = 0;  ///< Of the port's commands that have not ended no other has it.
  std::uint32_t block = 0;   ///< The first; from 0.
  std::span<std::byte> read_to{};
  std::span<const std::byte> write_from{};
};

class DiskPort : public DevicePort {
 public:
  /// What the operator has called the volume that the drive belongs to, such as "$DATA1", and
  /// which of its drives it is, from 0.
  virtual std::string_view volume() const = 0;
  virtual unsigned drive() const = 0;

  /// Blocks of the drive, numbered from 0.
  virtual std::uint32_t blocks() const = 0;

  /// Starts a command; its data must stay until it has ended, or is forgotten. False when
  /// disk_queue_depth commands are under way. A command that is not whole blocks of the drive is a
  /// mistake of the firmware: std::invalid_argument.
  virtual bool start(const DiskCommand& command) = 0;

  struct Ended {
    std::uint32_t cookie;
    DiskStatus status;
  };
  /// Fetches the end of a command, the first that ended first; none if there is none.
  virtual std::optional<Ended> ended() = 0;

  /// Gives up a command: its data is not touched any more, and it does not end. A write is done
  /// whole or not at all. No error when there is no such command.
  virtual void forget(std::uint32_t cookie) noexcept = 0;
};

}  // namespace xybus::hal
