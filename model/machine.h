/// A whole machine: CPUs, the fabric between them, disk drives, terminals, and time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "model/cpu.h"
#include "model/disk.h"
#include "model/fabric.h"
#include "model/terminal.h"

namespace xybus {

template <class Device>
class DeviceArray;

/// The firmware of a CPU has failed. What it failed with is nested (std::rethrow_if_nested).
class FirmwareError : public std::runtime_error, public std::nested_exception {
 public:
  FirmwareError(unsigned cpu, const std::string& what);
  unsigned cpu() const { return cpu_; }

 private:
  unsigned cpu_;
};

/// One for each process: SystemC elaborates once.
///
/// Cycles, CPUs and callbacks: what at(c, ...) does comes after all that happens before cycle c,
/// and holds from cycle c on. Firmware runs in run() and is unwound in finish().
class Machine {
 public:
  /// With the fabric that the configuration names.
  explicit Machine(const FabricConfig& config);
  explicit Machine(std::unique_ptr<Fabric> fabric);

  /// Finishes.
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Before the first run().
  void set_firmware(unsigned cpu, Firmware firmware);

  /// Adds a drive, before the first run(): a port for each of its two CPUs, behind those that they
  /// have. Gives its number, from 0. Throws std::invalid_argument if a value is out of range.
  unsigned add_drive(const DriveConfig& config);
  Drive& drive(unsigned number);
  unsigned drives() const;

  /// The same for a terminal.
  unsigned add_terminal(const TerminalConfig& config);
  Terminal& terminal(unsigned number);
  unsigned terminals() const;

  /// Simulates up to the start of cycle `until`, or to stop(). hal::never: until stop(), or until
  /// nothing can happen any more. Throws FirmwareError, what the fabric fails with (a broken rule
  /// of the RTL), or what an observer or a callback has thrown.
  void run(std::uint64_t until);

  /// Ends run(), after the present cycle. From firmware, an observer or a callback.
  void stop();

  /// Calls back at the end of cycle `cycle` - 1, or as soon as possible if that has passed:
  /// for faults, halts and limits at a cycle. A cycle beyond 2^63 ps never comes.
  void at(std::uint64_t cycle, std::function<void()> callback);

  /// Stops a CPU and silences its node, from the next cycle on. Its devices drop what it has
  /// started; see Drive and Terminal.
  void halt(unsigned cpu);

  /// Starts a halted CPU again: from the next cycle on its node can be used, with node RAM,
  /// settings and counters as they were and the engine disabled; then its firmware is called anew.
  /// Does nothing to a CPU that is not halted. Of a halt and a restart in the same cycle the last
  /// one says whether the CPU is on; a halt ends the firmware and clears the engine in any case.
  void restart(unsigned cpu);

  /// Unwinds all firmware, without time. Nothing runs after it.
  void finish();

  /// The cycle that is now.
  std::uint64_t cycle() const { return fabric_->cycle(); }

  Fabric& fabric() { return *fabric_; }
  Cpu& cpu(unsigned number) { return *cpus_.at(number); }
  unsigned cpus() const { return static_cast<unsigned>(cpus_.size()); }

 private:
  class Clockwork;

  void check_ports(const std::array<unsigned, 2>& cpus) const;
  void rethrow_failures();

  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<Clockwork> clockwork_;
  std::unique_ptr<DeviceArray<Drive>> disks_;
  std::unique_ptr<DeviceArray<Terminal>> terminals_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  std::vector<std::unique_ptr<sc_core::sc_signal<bool>>> interrupts_;
  bool started_ = false;
  bool finished_ = false;
};

}  // namespace xybus
