#include "firmware/dispatcher/devices.h"

#include <algorithm>
#include <stdexcept>

#include "firmware/dispatcher/dispatcher.h"

namespace xybus {

Devices::Devices(const Environment& environment, Dispatcher& dispatcher)
    : environment_(environment), dispatcher_(dispatcher) {}

hal::DiskPort* Devices::find(std::string_view volume, unsigned drive) const {
  for (hal::DiskPort* const port : disks())
    if (port->drive() == drive && port->volume() == volume) return port;
  return nullptr;
}

hal::TerminalPort* Devices::find_terminal(std::string_view name) const {
  for (hal::TerminalPort* const port : terminals())
    if (port->name() == name) return port;
  return nullptr;
}

void Devices::attach(hal::DevicePort& port, Process& process) {
  if (std::ranges::find(drivers_, &port, &Driver::port) != drivers_.end())
    throw std::logic_error("the device has a driver");
  drivers_.push_back({&port, &process});
}

void Devices::detach(hal::DevicePort& port) {
  std::erase_if(drivers_, [&port](const Driver& driver) { return driver.port == &port; });
}

bool Devices::start(hal::DiskPort& port, const hal::DiskCommand& command) {
  environment_.charge(environment_.costs.start_io);
  return port.start(command);
}

bool Devices::show(hal::TerminalPort& port, const hal::TerminalRecord& record) {
  environment_.charge(environment_.costs.start_io);
  return port.show(record);
}

void Devices::service() {
  for (hal::DiskPort* const port : disks()) service(*port);
  for (hal::TerminalPort* const port : terminals()) service(*port);
}

void Devices::service(hal::DevicePort& port) {
  if (!port.interrupt()) return;
  port.acknowledge();
  const auto driver = std::ranges::find(drivers_, &port, &Driver::port);
  if (driver != drivers_.end()) dispatcher_.awake(*driver->process, contract::EventBit::intr);
}

}  // namespace xybus
