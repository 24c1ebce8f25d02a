#include "firmware/kernel.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "firmware/message/wire.h"

namespace xybus {

namespace {

/// Out of whatever this CPU does, when it has to halt.
struct SelfHalt {};

const KernelConfig& checked(const KernelConfig& config) {
  const auto check = [](const char* what, unsigned value, unsigned least, unsigned most) {
    if (value >= least && value <= most) return;
    throw std::invalid_argument(std::string(what) + " must be " + std::to_string(least) + " to " +
                                std::to_string(most) + ", not " + std::to_string(value));
  };
  check("cpus", config.cpus, 1, contract::max_nodes);
  check("cpu", config.cpu, 0, config.cpus - 1);
  check("epoch", config.epoch, 0, 15);
  check("system_lcbs", config.system_lcbs, 1, 1024);
  return config;
}

/// Cycles until a packet that was not taken is tried again: often enough within an I'm-alive
/// interval that a path that comes back is found before anybody is missed.
std::uint64_t longest_pause(std::uint64_t alive_interval) {
  constexpr std::uint64_t longest = 20'000, shortest = 500;
  if (alive_interval == 0) return longest;
  return std::clamp(alive_interval / 8, shortest, longest);
}

}  // namespace

Kernel::Kernel(hal::Hal& hal, const KernelConfig& config, KernelObserver* observer)
    : config_(checked(config)),
      environment_(hal, config_.costs, config_.cpu, config_.cpus, observer),
      devices_(environment_, dispatcher_),
      dispatcher_(hal, config_.costs),
      port_(environment_, config_.port, *this),
      messages_(environment_, dispatcher_, port_, config_.lcbs, config_.system_lcbs,
                config_.epoch, longest_pause(config_.alive_interval), config_.cpu_down_expiry),
      membership_(environment_, dispatcher_, port_,
                  {config_.alive_interval, config_.epoch, config_.joining},
                  {.down = [this](unsigned cpu) { messages_.cpu_down(cpu); },
                   .up = [this](unsigned cpu,
                                unsigned epoch) { messages_.cpu_up(cpu, epoch); },
                   .load =
                       [this](unsigned cpu, unsigned epoch) {
                         messages_.open(cpu, epoch);
                         updater_.load(cpu, epoch);
                         dispatcher_.awake_all(contract::EventBit::pon);
                       },
                   .halt = [] { throw SelfHalt{}; }}),
      monitor_(messages_, membership_, replica_),
      updater_(environment_, messages_, membership_, replica_),
      control_(environment_, dispatcher_, messages_, membership_, replica_,
               {config_.programs, config_.epoch, config_.processes, &devices_}) {
  dispatcher_.set_interrupt_handler([this] { port_.service(); });
  if (!devices_.disks().empty() || !devices_.terminals().empty()) {
    dispatcher_.set_device_handler([this] { devices_.service(); });
  }
  dispatcher_.set_process_hooks(
      [this](Process& process) {
        messages_.process_created(process);
        environment_.observe({.kind = KernelEvent::process_created, .pin = process.pin()});
      },
      [this](Process& process) {
        environment_.observe({.kind = KernelEvent::process_stopped, .pin = process.pin()});
        control_.process_stopped(process);
        messages_.process_stopped(process);
      },
      [this](Process& process) { control_.process_gone(process); });
  replica_.on_applied([this](const Update& update) {
    environment_.observe({.kind = KernelEvent::update_applied,
                          .peer = {static_cast<std::uint8_t>(update.header.sender()), 0},
                          .link = update.header.number(),
                          .tag = update.header.counter(),
                          .bytes = update.header.length()});
    // Whoever waits for a takeover, or for somebody to talk to, looks again.
    if (update.header.table() == Dct::table) dispatcher_.awake_all(contract::EventBit::pon);
  });
  dispatcher_.create_reserved(Monitor::pin, "monitor", Monitor::priority,
                              [this](Process& self) { return monitor_.run(self); });
  dispatcher_.create_reserved(Updater::pin, "updater", Updater::priority,
                              [this](Process& self) { return updater_.run(self); });
  dispatcher_.create_reserved(ProcessControl::pin, "control", ProcessControl::priority,
                              [this](Process& self) { return control_.run(self); });
}

void Kernel::run() {
  port_.start(config_.epoch);
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    if (cpu != config_.cpu && membership_.up(cpu)) {
      messages_.cpu_up(cpu, membership_.epoch_of(cpu));
    }
  }
  try {
    membership_.start();
    dispatcher_.run();
  } catch (const SelfHalt&) {
    halted_ = true;
    environment_.observe({.kind = KernelEvent::halted});
    environment_.hal().write(contract::Register::control, 0);
  }
}

Held Kernel::held() const {
  Held held{.lcbs = messages_.lcbs_in_use(),
            .windows = port_.transfers().windows().in_use(),
            .processes = 0,
            .timers = dispatcher_.forgotten_timers(),
            .control = control_.held(),
            .drives = devices_.drivers()};
  for (const auto& process : dispatcher_.processes()) {
    if (process != nullptr && process->held_in() != KernelCall::none) ++held.processes;
  }
  return held;
}

void Kernel::received(const ReceivedPacket& packet) {
  if (!membership_.received(packet)) return;
  if (!membership_.member()) note_loader(packet);
  messages_.received(packet);
}

/// Whoever links to the monitor of a CPU that is in no view loads it. Should that one die, the
/// monitor would wait for the rest of its image for ever, if membership did not know of it.
void Kernel::note_loader(const ReceivedPacket& packet) {
  if (packet.payload.size() < link_header_bytes) return;
  const auto header = load<contract::LinkHeader>(packet.payload);
  if (header.operation() != contract::LinkOperation::link || header.server_pin() != Monitor::pin ||
      header.to_epoch() != config_.epoch) {
    return;
  }
  membership_.loaded_by(packet.source, packet.epoch);
}

SentVerdict Kernel::sent(const SentPacket& packet) { return messages_.sent(packet); }

void Kernel::membership_sent(contract::BusId bus, std::uint32_t to, std::uint32_t missed) {
  membership_.sent(bus, to, missed);
}

void Kernel::transfer_sent(WindowNumber number, contract::SendStatus status) {
  messages_.transfer_sent(number, status);
}

void Kernel::stored(WindowName window, std::uint32_t bytes) { messages_.stored(window, bytes); }

void Kernel::read_failed(unsigned reader, WindowName window, contract::SendStatus status) {
  messages_.read_failed(reader, window, status);
}

void Kernel::batch_done() { messages_.pump(); }

}  // namespace xybus
