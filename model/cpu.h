/// A CPU: firmware in a SystemC thread, and the HAL it runs on.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include "firmware/hal/hal.h"

namespace xybus {

/// What a CPU runs: it ends by returning, by hal::Halted, or by failing with another exception.
using Firmware = std::function<void(hal::Hal&)>;

/// A register access that the fabric refused; thrown into the firmware.
class AccessError : public std::runtime_error {
 public:
  AccessError(std::uint64_t address, ::tlm::tlm_response_status status);
  std::uint64_t address() const { return address_; }
  ::tlm::tlm_response_status status() const { return status_; }

 private:
  std::uint64_t address_;
  ::tlm::tlm_response_status status_;
};

/// consume(n) takes n cycles, a register access as many as the port takes; all else takes none.
/// Firmware acts at the start of a cycle, and so sees what the edge before it brought about.
class Cpu : public sc_core::sc_module, public hal::Hal {
 public:
  tlm_utils::simple_initiator_socket<Cpu, 32> socket;
  sc_core::sc_in<bool> interrupt_in;

  Cpu(const sc_core::sc_module_name& name, sc_core::sc_time period);

  /// Before the simulation starts. Without firmware the CPU does nothing.
  void set_firmware(Firmware firmware) { firmware_ = std::move(firmware); }

  /// Before the simulation starts: a port of a device, which must live as long.
  void connect(hal::DiskPort& port) { disks_.push_back(&port); }
  void connect(hal::TerminalPort& port) { terminals_.push_back(&port); }

  /// One of them interrupts from the next cycle on, or from this one if it has only begun.
  void device_interrupts() { on_interrupt(); }

  /// Called once if the firmware fails.
  void set_on_failure(std::function<void()> on_failure) { on_failure_ = std::move(on_failure); }

  /// Stops the CPU: the HAL call it is in, or the next one, throws hal::Halted, and so do all that
  /// follow until the firmware has ended. A restart that is due is off.
  /// The fabric has to end an access that is under way (Fabric::halt).
  void halt();

  /// A halted CPU calls its firmware again at the start of this cycle, which is yet to come, or as
  /// soon as what ran before has unwound. It is no longer slow. Does nothing unless it is halted.
  void restart(std::uint64_t cycle);

  /// Ends idle() as if time had come, once: somebody has changed what the firmware waits for. Not
  /// from firmware.
  void nudge();

  /// From now on consume() takes so many times as long, at least 1.
  void set_slowness(unsigned factor) { slowness_ = factor; }

  /// Halted, and not restarted.
  bool halted() const { return halted_; }

  /// Whether the firmware has returned, failed or unwound, and has not been called again.
  bool done() const { return done_; }

  /// What the firmware failed with.
  std::exception_ptr failure() const { return failure_; }

  std::uint32_t read(contract::Register reg) override;
  void write(contract::Register reg, std::uint32_t value) override;
  std::span<std::byte> ram() override;
  std::uint64_t now() const override;
  void consume(std::uint32_t cycles) override;
  bool interrupt() const override;
  void idle(std::uint64_t until) override;
  std::span<hal::DiskPort* const> disks() override { return disks_; }
  std::span<hal::TerminalPort* const> terminals() override { return terminals_; }
  bool device_interrupt() const override;

 private:
  bool device_up() const;
  void start_of_simulation() override;
  void run();
  void run_firmware();
  void on_interrupt();
  void access(::tlm::tlm_command command, contract::Register reg, std::uint32_t& data);
  void check() const;
  void count_call() const;
  std::uint64_t cycle() const;
  /// The last one that kernel time can tell.
  std::uint64_t last_cycle() const { return (~std::uint64_t{0} >> 1) / ticks_; }
  void wait_until(std::uint64_t cycle);
  void sleep_until(std::uint64_t cycle);
  void set_alarm(std::uint64_t cycle);
  void on_alarm();

  std::uint64_t ticks_;
  Firmware firmware_;
  std::function<void()> on_failure_;
  std::exception_ptr failure_;
  std::span<std::byte> ram_;
  std::vector<hal::DiskPort*> disks_;
  std::vector<hal::TerminalPort*> terminals_;
  ::tlm::tlm_generic_payload payload_;
  sc_core::sc_event resume_;  // the time waited for, an interrupt while asleep, or halt
  sc_core::sc_event alarm_;   // wakes it by itself
  std::uint64_t alarm_cycle_ = hal::never;  // what that is set to
  std::uint64_t wake_cycle_ = 0;  // of the sleep at hand
  bool asleep_ = false;
  bool nudged_ = false;
  std::uint64_t slowness_ = 1;
  sc_core::sc_event boot_;    // the firmware is to be called again
  std::uint64_t boot_cycle_ = 0;
  bool halted_ = false;
  bool ending_ = false;  // what runs now has to end, whether or not the CPU is on again
  bool done_ = false;
  mutable std::uint32_t calls_without_time_ = 0;
};

}  // namespace xybus
