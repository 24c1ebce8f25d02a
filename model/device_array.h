/// All devices of one kind of a machine, such as its drives, and their time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "model/cpu.h"
#include "model/kernel_time.h"

namespace xybus {

/// Devices act three eighths into a cycle: after CPUs and callbacks, so that what these do in one
/// cycle counts whatever their order, and before the clock edge. A Device is what Drive is: it has
/// a Config, two ports, and step().
template <class Device>
class DeviceArray : public sc_core::sc_module {
 public:
  DeviceArray(const sc_core::sc_module_name& name, std::uint64_t ticks)
      : sc_module(name), ticks_(ticks) {
    SC_HAS_PROCESS(DeviceArray);
    SC_METHOD(step);
    sensitive << wake_;
    dont_initialize();
  }

  Device& add(const typename Device::Config& config, Cpu& first, Cpu& second) {
    const auto interrupts = [cpus = std::array{&first, &second}](unsigned port) {
      cpus[port]->device_interrupts();
    };
    const auto index = static_cast<unsigned>(devices_.size());
    Device& device = *devices_.emplace_back(
        std::make_unique<Device>(config, index, interrupts, [this] { call(); }));
    first.connect(device.port(0));
    second.connect(device.port(1));
    if (device.due() != hal::never) call();
    return device;
  }

  void halted(unsigned cpu) {
    for (const auto& device : devices_)
      if (const auto port = device->port_of(cpu)) device->halted(*port);
  }

  Device& device(unsigned number) { return *devices_.at(number); }
  unsigned size() const { return static_cast<unsigned>(devices_.size()); }
  /// What an observer has thrown.
  std::exception_ptr failure() const { return failure_; }

 private:
  // The moment in the cycle before from which on `cycle` is decided.
  std::uint64_t moment(std::uint64_t cycle) const {
    return (cycle - 1) * ticks_ + ticks_ / 4 + ticks_ / 8;
  }

  void call() {
    const std::uint64_t next = kernel_time() / ticks_ + 1;
    wake_.notify(until_time(moment(kernel_time() <= moment(next) ? next : next + 1)));
  }

  void step() {
    const std::uint64_t cycle = kernel_time() / ticks_ + 1;
    std::uint64_t due = hal::never;
    for (const auto& device : devices_) {
      try {
        device->step(cycle);
      } catch (...) {  // nothing may be thrown through the kernel
        if (!failure_) failure_ = std::current_exception();
        if (sc_core::sc_is_running()) sc_core::sc_pause();
      }
      due = std::min(due, device->due());
    }
    if (due <= (~std::uint64_t{0} >> 1) / ticks_) wake_.notify(until_time(moment(due)));
  }

  const std::uint64_t ticks_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::exception_ptr failure_;
  sc_core::sc_event wake_;
};

}  // namespace xybus
