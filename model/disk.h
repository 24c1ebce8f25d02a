/// Disk drives, each connected to two CPUs: what is on them, how long they take, and what becomes
/// of commands when a CPU, the drive or the power goes. No SystemC: Machine gives them time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware/hal/disk.h"
#include "firmware/hal/hal.h"

namespace xybus {

struct DriveConfig {
  std::string volume;              ///< "$DATA1"
  unsigned number = 0;             ///< Of the volume's drives, from 0.
  std::array<unsigned, 2> cpus{};  ///< Two different ones.
  std::uint32_t blocks = 0;        ///< At least 1.
  // Cycles, each at least 1: until the first block of a command is under the head, and for each.
  std::uint64_t read_cycles = 1, write_cycles = 1, block_cycles = 1;
};

/// A command that a drive carries out.
struct DriveAccess {
  unsigned drive = 0;  ///< Of all drives of the machine, in the order in which they were added.
  unsigned cpu = 0;    ///< Whose it was.
  bool write = false;
  std::uint32_t block = 0, count = 0;
  std::uint64_t cycle = 0;  ///< Its outcome holds from this cycle on.
};

/// Whoever watches drives, and says when they fail.
class DriveObserver {
 public:
  virtual ~DriveObserver() = default;
  /// Asked once for each command that comes to its end: whether it fails.
  virtual bool fails(const DriveAccess& access) = 0;
  /// It has come to its end: ok, read_error or write_error. `data` is what was read or written.
  virtual void done(const DriveAccess& access, hal::DiskStatus status,
                    std::span<const std::byte> data) = 0;
};

/// One drive. A command first takes the time to get there, then that of its blocks. At the
/// beginning of its blocks a write's data comes into the drive, and from then on it is done whole,
/// whatever becomes of the CPU or of the ownership; before, it is not done at all if its CPU halts,
/// forgets it or loses the drive. A drive that dies, or has no power, does nothing of what is under
/// way.
///
/// CPUs call its ports at the start of a cycle; step() takes what both have said, port 0 first, so
/// that the order of CPUs in one cycle cannot matter.
class Drive {
 public:
  using Config = DriveConfig;

  /// `wake(port)` is called when a port interrupts; `call` when step() has to be called in this
  /// cycle.
  Drive(const DriveConfig& config, unsigned index, std::function<void(unsigned port)> wake,
        std::function<void()> call);
  ~Drive();
  Drive(const Drive&) = delete;
  Drive& operator=(const Drive&) = delete;

  const DriveConfig& config() const { return config_; }
  hal::DiskPort& port(unsigned number);
  /// The port of a CPU, if it has one.
  std::optional<unsigned> port_of(unsigned cpu) const;

  void set_observer(DriveObserver* observer) { observer_ = observer; }

  /// What was done so far.
  std::span<std::byte> contents() { return contents_; }

  /// Does what is due by cycle `cycle`, and holds from then on. Call it in the cycle before.
  void step(std::uint64_t cycle);
  /// When the next thing is due; never: nothing is under way.
  std::uint64_t due() const { return due_; }

  /// Its CPU is halted: its commands are dropped at once.
  void halted(unsigned port);
  /// It answers no more, or again. It forgets its owner, not what is on it.
  void set_dead(bool dead);
  /// It stops for good.
  void power_off();

 private:
  class Port;
  struct Current;

  void take(unsigned port);
  void accept(unsigned port, const hal::DiskCommand& command);
  void end_all(unsigned port, hal::DiskStatus status);
  void begin(std::uint64_t cycle);
  void advance(std::uint64_t cycle);
  void finish(std::uint64_t cycle);
  void release(unsigned port, std::uint32_t cookie);

  const DriveConfig config_;
  const unsigned index_;
  const std::function<void(unsigned)> wake_;
  const std::function<void()> call_;
  DriveObserver* observer_ = nullptr;
  std::vector<std::byte> contents_;
  std::array<std::unique_ptr<Port>, 2> ports_;
  std::unique_ptr<Current> current_;  // under way; null: idle
  std::uint64_t due_ = hal::never;
  std::optional<unsigned> owner_;
  bool dead_ = false;
  bool off_ = false;
};

}  // namespace xybus
