/// What a process reads and writes a drive with.
///
/// It decides nothing: whoever loses the drive, or finds it dead, is told so and has to know what
/// follows. After a write that ended with ownership_lost either all of it is on the drive or none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware/dispatcher/devices.h"
#include "firmware/dispatcher/process.h"
#include "firmware/dispatcher/task.h"
#include "firmware/hal/disk.h"

namespace xybus {

/// One for each drive, of the process that drives it. It uses the process's INTR; several drivers
/// of one process, and whatever else waits for INTR, do not disturb each other as long as each
/// looks before it waits, which this one does.
class DiskDriver {
 public:
  /// All of these must live as long. std::logic_error if the port has a driver.
  DiskDriver(Devices& devices, Process& process, hal::DiskPort& port);
  /// What is under way is given up.
  ~DiskDriver();
  DiskDriver(const DiskDriver&) = delete;
  DiskDriver& operator=(const DiskDriver&) = delete;

  hal::DiskPort& port() { return port_; }
  std::uint32_t blocks() const { return port_.blocks(); }
  bool owned() const { return port_.owner() == hal::DiskPort::Owner::this_port; }

  /// Makes this CPU the owner, and waits until it is, two cycles; false: the drive does not hear
  /// it.
  Task<bool> take();

  /// Reads or writes whole blocks from `block` on, and waits for the end. `data` must stay until
  /// then; a task that is given up gives up its command. Not with hal::disk_queue_depth commands
  /// whose end nobody has asked for: std::logic_error.
  Task<hal::DiskStatus> read(std::uint32_t block, std::span<std::byte> data);
  Task<hal::DiskStatus> write(std::uint32_t block, std::span<const std::byte> data);

  /// For those who do several things at once.
  using Token = std::uint32_t;
  /// Starts one; none when hal::disk_queue_depth are under way whose end nobody has asked for.
  /// `data` must stay until the end.
  std::optional<Token> start_read(std::uint32_t block, std::span<std::byte> data);
  std::optional<Token> start_write(std::uint32_t block, std::span<const std::byte> data);
  /// How it ended, told once; none: it has not.
  std::optional<hal::DiskStatus> ended(Token token);
  /// Waits for that.
  Task<hal::DiskStatus> end_of(Token token);
  /// Gives it up; see DiskPort::forget. No error when its end has been told.
  void forget(Token token) noexcept;

 private:
  struct Command {
    Token token = 0;  // 0: a free place
    std::optional<hal::DiskStatus> status{};
  };

  std::optional<Token> start(hal::DiskCommand command);
  Task<hal::DiskStatus> carry_out(hal::DiskCommand command);
  void collect();
  Command* find(Token token);

  Devices& devices_;
  Process& process_;
  hal::DiskPort& port_;
  std::array<Command, hal::disk_queue_depth> commands_;
  Token last_ = 0;
};

}  // namespace xybus
