#include "model/machine.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "model/device_array.h"
#include "model/kernel_time.h"

namespace xybus {

FirmwareError::FirmwareError(unsigned cpu, const std::string& what)
    : std::runtime_error("firmware of cpu " + std::to_string(cpu) + " failed: " + what),
      cpu_(cpu) {}

/// Callbacks at a cycle, and the heartbeat. Both act a quarter into a cycle: after the CPUs, before
/// the clock edge, so that their order among the CPUs of the same cycle cannot matter.
class Machine::Clockwork : public sc_core::sc_module {
 public:
  Clockwork(const sc_core::sc_module_name& name, Fabric& fabric)
      : sc_module(name), fabric_(fabric) {
    SC_HAS_PROCESS(Clockwork);
    SC_METHOD(ring);
    sensitive << alarm_;
    dont_initialize();
    SC_METHOD(beat);
    sensitive << heartbeat_;
    dont_initialize();
  }

  void at(std::uint64_t cycle, std::function<void()> callback) {
    if (cycle > end_of_time()) return;  // never
    callbacks_.emplace(slot(cycle), std::move(callback));
    arm();
  }

  /// Callbacks for the very start, and the heartbeat.
  void start() {
    ring();
    heartbeat_.notify(until_time(slot(fabric_.cycle() + heartbeat_cycles)));
  }

  /// Something the kernel has to do at the start of that cycle, so that the fabric does not
  /// run past it.
  void set_end(std::uint64_t cycle) { end_.notify(until_time(cycle * fabric_.ticks())); }
  void clear_end() { end_.cancel(); }

  /// What a callback has thrown.
  std::exception_ptr failure() const { return failure_; }

 private:
  static constexpr std::uint64_t heartbeat_cycles = 1 << 14;

  // Half of what the kernel can count, so that no sum of two times wraps.
  std::uint64_t end_of_time() const { return (~std::uint64_t{0} >> 1) / fabric_.ticks(); }

  // What takes effect in a cycle is done in the one before; in cycle 0, before time starts.
  std::uint64_t slot(std::uint64_t cycle) const {
    if (cycle == 0) return 0;
    return (cycle - 1) * fabric_.ticks() + fabric_.ticks() / 4;
  }

  // Inside a burst the fabric is ahead of the kernel, and cannot be called back in its past.
  std::uint64_t earliest() const {
    const std::uint64_t now = kernel_time();
    const std::uint64_t next = slot(fabric_.cycle() + 1);
    return next >= now ? next : next + fabric_.ticks();
  }

  void arm() {
    if (callbacks_.empty()) return;
    alarm_.notify(until_time(std::max(callbacks_.begin()->first, earliest())));
  }

  void ring() {
    const std::uint64_t now = kernel_time();
    while (!callbacks_.empty() && callbacks_.begin()->first <= now) {
      const auto callback = std::move(callbacks_.begin()->second);
      callbacks_.erase(callbacks_.begin());
      call(callback);
    }
    arm();
  }

  void beat() {
    if (fabric_.observer() != nullptr) {
      call([this] { fabric_.observer()->burst(fabric_.cycle()); });
    }
    if (!sc_core::sc_pending_activity()) return;  // nothing will ever happen
    heartbeat_.notify(sc_core::sc_time::from_value(heartbeat_cycles * fabric_.ticks()));
  }

  // Nothing may be thrown through the kernel.
  void call(const std::function<void()>& callback) {
    try {
      callback();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      if (sc_core::sc_is_running()) sc_core::sc_pause();
    }
  }

  Fabric& fabric_;
  std::exception_ptr failure_;
  std::multimap<std::uint64_t, std::function<void()>> callbacks_;  // by time
  sc_core::sc_event alarm_;
  sc_core::sc_event heartbeat_;
  sc_core::sc_event end_;
};

Machine::Machine(const FabricConfig& config) : Machine(make_fabric(config)) {}

Machine::Machine(std::unique_ptr<Fabric> fabric)
    : fabric_(std::move(fabric)),
      clockwork_(std::make_unique<Clockwork>("clockwork", *fabric_)),
      disks_(std::make_unique<DeviceArray<Drive>>("disks", fabric_->ticks())),
      terminals_(std::make_unique<DeviceArray<Terminal>>("terminals", fabric_->ticks())) {
  for (unsigned i = 0; i < fabric_->nodes(); ++i) {
    const std::string name = "cpu" + std::to_string(i);
    Cpu& cpu = *cpus_.emplace_back(std::make_unique<Cpu>(name.c_str(), fabric_->period()));
    auto& signal = *interrupts_.emplace_back(
        std::make_unique<sc_core::sc_signal<bool>>((name + "_interrupt").c_str()));
    cpu.socket.bind(fabric_->cpu_port[i]);
    cpu.interrupt_in.bind(signal);
    fabric_->interrupt[i].bind(signal);
    cpu.set_on_failure([this] { stop(); });
  }
}

Machine::~Machine() {
  try {
    finish();
  } catch (...) {  // the kernel has failed, and run() has said so
  }
}

void Machine::set_firmware(unsigned cpu, Firmware firmware) {
  cpus_.at(cpu)->set_firmware(std::move(firmware));
}

void Machine::check_ports(const std::array<unsigned, 2>& cpus) const {
  const auto [first, second] = cpus;
  if (started_) throw std::logic_error("the machine has started");
  if (first == second || first >= this->cpus() || second >= this->cpus())
    throw std::invalid_argument("a device has two different CPUs of the machine");
}

unsigned Machine::add_drive(const DriveConfig& config) {
  check_ports(config.cpus);
  if (config.blocks == 0) throw std::invalid_argument("a drive has at least one block");
  if (config.read_cycles == 0 || config.write_cycles == 0 || config.block_cycles == 0)
    throw std::invalid_argument("a drive takes at least a cycle");
  disks_->add(config, *cpus_[config.cpus[0]], *cpus_[config.cpus[1]]);
  return disks_->size() - 1;
}

Drive& Machine::drive(unsigned number) { return disks_->device(number); }

unsigned Machine::drives() const { return disks_->size(); }

unsigned Machine::add_terminal(const TerminalConfig& config) {
  check_ports(config.cpus);
  if (config.character_cycles == 0)
    throw std::invalid_argument("a character takes at least a cycle");
  terminals_->add(config, *cpus_[config.cpus[0]], *cpus_[config.cpus[1]]);
  return terminals_->size() - 1;
}

Terminal& Machine::terminal(unsigned number) { return terminals_->device(number); }

unsigned Machine::terminals() const { return terminals_->size(); }

void Machine::run(std::uint64_t until) {
  if (finished_) throw std::logic_error("the machine has finished");
  if (!std::exchange(started_, true)) clockwork_->start();
  rethrow_failures();
  if (until > (~std::uint64_t{0} >> 1) / fabric_->ticks()) {
    sc_core::sc_start();
  } else if (until * fabric_->ticks() > kernel_time()) {
    clockwork_->set_end(until);
    sc_core::sc_start(until_time(until * fabric_->ticks()));
    clockwork_->clear_end();
  }
  rethrow_failures();
}

void Machine::stop() {
  fabric_->end_burst();
  if (sc_core::sc_is_running()) sc_core::sc_pause();
}

void Machine::at(std::uint64_t cycle, std::function<void()> callback) {
  clockwork_->at(cycle, std::move(callback));
}

void Machine::halt(unsigned cpu) {
  fabric_->halt(cpu);
  disks_->halted(cpu);
  terminals_->halted(cpu);
  cpus_.at(cpu)->halt();
}

void Machine::restart(unsigned cpu) {
  if (!cpus_.at(cpu)->halted()) return;
  const std::uint64_t next = fabric_->cycle() + 1;
  fabric_->restart(cpu);
  cpus_[cpu]->restart(next);
}

void Machine::finish() {
  if (std::exchange(finished_, true) || !started_) return;
  for (unsigned i = 0; i < cpus(); ++i) halt(i);
  while (sc_core::sc_pending_activity_at_current_time()) sc_core::sc_start(sc_core::SC_ZERO_TIME);
}

void Machine::rethrow_failures() {
  if (fabric_->failure()) std::rethrow_exception(fabric_->failure());
  if (clockwork_->failure()) std::rethrow_exception(clockwork_->failure());
  if (disks_->failure()) std::rethrow_exception(disks_->failure());
  if (terminals_->failure()) std::rethrow_exception(terminals_->failure());
  for (unsigned i = 0; i < cpus(); ++i) {
    if (!cpus_[i]->failure()) continue;
    try {
      std::rethrow_exception(cpus_[i]->failure());
    } catch (const std::exception& e) {
      throw FirmwareError(i, e.what());
    } catch (...) {
      throw FirmwareError(i, "not a std::exception");
    }
  }
}

}  // namespace xybus
