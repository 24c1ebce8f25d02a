#include "model/cpu.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "model/kernel_time.h"

namespace xybus {

namespace {

constexpr std::size_t stack_bytes = 1 << 20;

// Firmware that makes so many calls in one cycle waits for something that time must bring.
constexpr std::uint32_t most_calls_without_time = 100'000'000;

std::string describe(std::uint64_t address, tlm::tlm_response_status status) {
  tlm::tlm_generic_payload payload;
  payload.set_response_status(status);
  std::ostringstream text;
  text << "access to address 0x" << std::hex << address
       << " refused: " << payload.get_response_string();
  return text.str();
}

}  // namespace

AccessError::AccessError(std::uint64_t address, tlm::tlm_response_status status)
    : std::runtime_error(describe(address, status)), address_(address), status_(status) {}

Cpu::Cpu(const sc_core::sc_module_name& name, sc_core::sc_time period)
    : sc_module(name), socket("socket"), interrupt_in("interrupt_in"), ticks_(period.value()) {
  payload_.set_data_length(contract::word_bytes);
  payload_.set_streaming_width(contract::word_bytes);
  SC_HAS_PROCESS(Cpu);
  SC_THREAD(run);
  set_stack_size(stack_bytes);
  SC_METHOD(on_interrupt);
  sensitive << interrupt_in.pos();
  dont_initialize();
  SC_METHOD(on_alarm);
  sensitive << alarm_;
  dont_initialize();
}

void Cpu::start_of_simulation() {
  tlm::tlm_dmi dmi;
  payload_.set_address(std::uint64_t{1} << contract::ram_address_bit);
  if (socket->get_direct_mem_ptr(payload_, dmi)) {
    ram_ = {reinterpret_cast<std::byte*>(dmi.get_dmi_ptr()),
            static_cast<std::size_t>(dmi.get_end_address() - dmi.get_start_address() + 1)};
  }
}

// Firmware that has failed ends the run, and is not called again.
void Cpu::run() {
  run_firmware();
  while (!failure_) {
    while (!ending_ || halted_ || cycle() < boot_cycle_) sc_core::wait(boot_);
    ending_ = false;
    done_ = false;
    calls_without_time_ = 0;
    resume_.cancel();
    run_firmware();
  }
}

void Cpu::run_firmware() {
  try {
    if (firmware_) firmware_(*this);
  } catch (const hal::Halted&) {
  } catch (const sc_core::sc_unwind_exception&) {
    throw;  // the kernel's own
  } catch (...) {
    failure_ = std::current_exception();
  }
  done_ = true;
  set_alarm(hal::never);
  if (failure_ && on_failure_) on_failure_();
}

void Cpu::halt() {
  halted_ = true;
  ending_ = true;
  boot_.cancel();
  resume_.notify(sc_core::SC_ZERO_TIME);
}

void Cpu::restart(std::uint64_t cycle) {
  if (!halted_) return;
  halted_ = false;
  slowness_ = 1;
  boot_cycle_ = cycle;
  boot_.notify(until_time(cycle * ticks_));
}

void Cpu::nudge() {
  nudged_ = true;
  on_interrupt();
}

// An edge within cycle k wakes the CPU at the start of cycle k+1.
void Cpu::on_interrupt() {
  if (!asleep_ || ending_) return;
  const std::uint64_t late = kernel_time() % ticks_;
  resume_.notify(sc_core::sc_time::from_value(late == 0 ? 0 : ticks_ - late));
}

void Cpu::check() const {
  if (ending_) throw hal::Halted{};
  count_call();
}

void Cpu::count_call() const {
  if (++calls_without_time_ >= most_calls_without_time) {
    throw std::logic_error("the firmware does not let time pass");
  }
}

void Cpu::access(tlm::tlm_command command, contract::Register reg, std::uint32_t& data) {
  check();
  payload_.set_command(command);
  payload_.set_address(static_cast<std::uint64_t>(reg));
  payload_.set_data_ptr(reinterpret_cast<unsigned char*>(&data));
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload_, delay);
  calls_without_time_ = 0;
  if (ending_) throw hal::Halted{};
  if (!payload_.is_response_ok()) {
    throw AccessError(payload_.get_address(), payload_.get_response_status());
  }
}

std::uint32_t Cpu::read(contract::Register reg) {
  std::uint32_t data = 0;
  access(tlm::TLM_READ_COMMAND, reg, data);
  return data;
}

void Cpu::write(contract::Register reg, std::uint32_t value) {
  access(tlm::TLM_WRITE_COMMAND, reg, value);
}

std::span<std::byte> Cpu::ram() {
  return ram_;
}

// Does not throw hal::Halted: destructors may ask for the time while the firmware is unwound.
std::uint64_t Cpu::now() const {
  count_call();
  return cycle();
}

std::uint64_t Cpu::cycle() const {
  return kernel_time() / ticks_;
}

// Who wakes the CPU earlier notifies the same event, which has but one time: the earliest.
void Cpu::wait_until(std::uint64_t cycle) {
  if (cycle <= last_cycle()) resume_.notify(until_time(cycle * ticks_));
  sc_core::wait(resume_);
  calls_without_time_ = 0;
}

// Most sleeps are ended by an interrupt, and the next one is to the same far time. The kernel keeps
// a time that was called off until it comes, so the alarm stays set; too early, it is set anew.
void Cpu::sleep_until(std::uint64_t cycle) {
  wake_cycle_ = cycle;
  if (cycle > last_cycle()) {
    set_alarm(hal::never);
  } else if (cycle < alarm_cycle_) {
    set_alarm(cycle);
  }
  sc_core::wait(resume_);
  calls_without_time_ = 0;
}

void Cpu::set_alarm(std::uint64_t cycle) {
  if (cycle == alarm_cycle_) return;
  alarm_.cancel();
  alarm_cycle_ = cycle;
  if (cycle != hal::never) alarm_.notify(until_time(cycle * ticks_));
}

void Cpu::on_alarm() {
  alarm_cycle_ = hal::never;
  if (!asleep_ || ending_) return;
  if (cycle() < wake_cycle_) {
    set_alarm(wake_cycle_);
  } else {
    resume_.notify();
  }
}

void Cpu::consume(std::uint32_t cycles) {
  check();
  const std::uint64_t until = cycle() + cycles * slowness_;
  while (!ending_ && cycle() < until) wait_until(until);
  if (ending_) throw hal::Halted{};
}

bool Cpu::interrupt() const {
  check();
  return interrupt_in.read();
}

bool Cpu::device_up() const {
  const auto up = [](const hal::DevicePort* port) { return port->interrupt(); };
  return std::ranges::any_of(disks_, up) || std::ranges::any_of(terminals_, up);
}

bool Cpu::device_interrupt() const {
  check();
  return device_up();
}

void Cpu::idle(std::uint64_t until) {
  check();
  asleep_ = true;
  while (!ending_ && !interrupt_in.read() && !device_up() && !nudged_ && cycle() < until) {
    sleep_until(until);
  }
  asleep_ = nudged_ = false;
  if (ending_) throw hal::Halted{};
}

}  // namespace xybus
