/// What the ports of all devices have: one CPU's connection to a device that two CPUs share.
///
/// A device obeys the port that owns it. What a port does holds from the next cycle on.
#pragma once

#include <cstdint>

namespace xybus::hal {

class DevicePort {
 public:
  virtual ~DevicePort() = default;

  enum class Owner : std::uint8_t { nobody, this_port, other_port };
  /// Nobody owns a device after power-on, and after it was dead.
  virtual Owner owner() const = 0;

  /// Makes this port the owner. What the other one has under way ends with ownership_lost. A dead
  /// device does not hear it.
  virtual void take() = 0;

  /// Whether something has come about since the last acknowledge() that its CPU has to look at.
  virtual bool interrupt() const = 0;
  virtual void acknowledge() = 0;
};

}  // namespace xybus::hal
