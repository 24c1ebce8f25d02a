/// The devices of a CPU: which process drives which, and is told when it interrupts.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "firmware/dispatcher/process.h"
#include "firmware/environment.h"
#include "firmware/hal/disk.h"
#include "firmware/hal/terminal.h"

namespace xybus {

class Dispatcher;

class Devices {
 public:
  /// Neither is used before the first call of another function than disks() and terminals().
  Devices(const Environment& environment, Dispatcher& dispatcher);
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  std::span<hal::DiskPort* const> disks() const { return environment_.hal().disks(); }

  std::span<hal::TerminalPort* const> terminals() const {
    return environment_.hal().terminals();
  }

  /// A drive of a volume; nullptr when this CPU is not connected to it.
  hal::DiskPort* find(std::string_view volume, unsigned drive) const;
  /// The same of a terminal.
  hal::TerminalPort* find_terminal(std::string_view name) const;

  /// From now on `process` gets INTR when the port interrupts. A port has one driver:
  /// std::logic_error. It has to be detached before the process is gone.
  void attach(hal::DevicePort& port, Process& process);
  void detach(hal::DevicePort& port);

  /// Ports that have a driver.
  unsigned drivers() const { return static_cast<unsigned>(drivers_.size()); }

  /// DiskPort::start, and the time that it takes the CPU.
  bool start(hal::DiskPort& port, const hal::DiskCommand& command);
  /// TerminalPort::show, the same way.
  bool show(hal::TerminalPort& port, const hal::TerminalRecord& record);

  /// A device interrupts: acknowledges that, and awakes its driver, if it has one.
  void service();

 private:
  void service(hal::DevicePort& port);

  struct Driver {
    hal::DevicePort* port;
    Process* process;
  };

  const Environment& environment_;
  Dispatcher& dispatcher_;
  std::vector<Driver> drivers_;
};

}  // namespace xybus
