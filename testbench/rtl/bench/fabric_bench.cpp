#include "rtl/bench/fabric_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace xybus::bench {

using contract::EventEntry;
using contract::EventType;
using contract::Register;
using contract::TrafficClass;
using Engine = WireMonitor::Engine;

FabricBench::FabricBench(FabricPins& pins, const CpuSetup& setup, const FaultOdds& odds,
                         std::uint64_t seed)
    : pins_(pins), faults_(odds, pins.data_width(), seed),
      monitor_(pins.nodes(), pins.data_width(), pins.max_beats()) {
  pins_.reset();
  cpus_.reserve(pins.nodes());
  for (unsigned node = 0; node < pins.nodes(); ++node) {
    const auto seen = [this, node](const EventEntry& entry, const Bytes& payload) {
      event(node, entry, payload);
    };
    cpus_.emplace_back(node, pins.ram(node), setup, seen, seed);
  }
  now_ = pins_.look(inputs_);
}

void FabricBench::event(unsigned node, const EventEntry& entry, const Bytes& payload) {
  if (on_event) on_event(node, entry);
  if (entry.event_type() == EventType::received) {
    contract::PacketHeader header;
    header.words = {entry.header_0(), entry.header_1()};
    board_.received(node, header, payload);
  } else if (entry.event_type() == EventType::sent &&
             (entry.cookie() & Scoreboard::message_bit) != 0) {
    board_.sent(node, entry);
  } else if (transfers_ != nullptr) {
    transfers_->event(node, entry);
  } else if (!on_event) {
    throw std::runtime_error(fmt::format("node {}: event {}", node, name(entry.event_type())));
  }
}

void FabricBench::start() {
  for (unsigned node = 0; node < nodes(); ++node) {
    cpus_[node].start();
    coming_up_ |= 1U << node;
  }
  run_until([this] { return coming_up_ == 0; }, 1000, "nodes are not set up");
}

void FabricBench::step() {
  monitor_.see(cycle(), now_, inputs_);
  for (unsigned b = 0; b < 2; ++b) ++offences_[b][static_cast<unsigned>(now_.bus[b].offence)];
  bool asked = false;
  for (unsigned node = 0; node < nodes(); ++node) {
    inputs_.cpu[node] = cpus_[node].drive();
    asked = asked || inputs_.cpu[node].valid;
  }
  faults_.apply(now_, inputs_);
  ++cycle_;
  if (skip_idle_ && now_.idle && !asked) {
    ++skipped_;
  } else {
    now_ = pins_.tick(inputs_);
  }
  for (unsigned node = 0; node < nodes(); ++node) {
    cpus_[node].see(now_.ready[node], now_.data[node], (now_.irq >> node & 1) != 0);
  }
  if (on_cycle) on_cycle();
  if (coming_up_ != 0) bring_up();
}

void FabricBench::bring_up() {
  for (unsigned node = 0; node < nodes(); ++node) {
    if ((coming_up_ >> node & 1) == 0) continue;
    if ((inputs_.halt >> node & 1) != 0 && cycle() >= halted_until_[node]) {
      inputs_.halt &= ~(1U << node);
      cpus_[node].restart();
    }
    if (!cpus_[node].started()) continue;
    coming_up_ &= ~(1U << node);
    monitor_.set(node, Engine::on, cycle());
  }
}

void FabricBench::run_until(const std::function<bool()>& condition, std::uint64_t limit,
                            const char* what) {
  const std::uint64_t end = cycle() + limit;
  while (!condition()) {
    if (cycle() >= end) {
      throw std::runtime_error(fmt::format("{}: not within {} cycles", what, limit));
    }
    step();
  }
}

void FabricBench::finish(std::uint64_t limit) {
  run_until([this] { return board_.open() == 0; }, limit, "a message is open");
  run_until(
      [this] {
        return std::all_of(cpus_.begin(), cpus_.end(),
                           [](const BenchCpu& cpu) { return cpu.quiet(); });
      },
      2000, "a CPU is busy");
  board_.finish();
}

void FabricBench::require_rest() {
  run_until([this] { return now_.idle; }, 5000, "the fabric is not idle");
  check_ram();
}

void FabricBench::check_ram() {
  for (BenchCpu& cpu : cpus_) cpu.shadow().check();
}

std::uint32_t FabricBench::post(unsigned source, Nodes destinations, TrafficClass traffic_class,
                                Bytes payload, contract::Route route) {
  if (!cpus_[source].can_post(traffic_class)) throw std::logic_error("the ring is full");
  const std::uint32_t cookie = board_.posted(source, destinations, traffic_class, payload);
  cpus_[source].post(destinations, traffic_class, payload, cookie, route);
  return cookie;
}

void FabricBench::post_window(unsigned node, unsigned index, const Window& window) {
  bool done = false;
  cpus_[node].post_window(index, window, [&] { done = true; });
  run_until([&] { return done; }, 2000, "a window is not posted");
}

std::uint32_t FabricBench::read_address(unsigned node, std::uint32_t address) {
  std::optional<std::uint32_t> value;
  cpus_[node].access(false, address, 0, [&](std::uint32_t data) { value = data; });
  run_until([&] { return value.has_value(); }, 2000, "an access is not answered");
  return *value;
}

void FabricBench::write_address(unsigned node, std::uint32_t address, std::uint32_t value) {
  bool done = false;
  cpus_[node].access(true, address, value, [&](std::uint32_t) { done = true; });
  run_until([&] { return done; }, 2000, "an access is not answered");
}

std::uint32_t FabricBench::read(unsigned node, Register reg) {
  return read_address(node, static_cast<std::uint32_t>(reg));
}

void FabricBench::write(unsigned node, Register reg, std::uint32_t value) {
  write_address(node, static_cast<std::uint32_t>(reg), value);
}

std::uint32_t FabricBench::count(unsigned node, Register of_x) {
  // The counters of Y lie 0x40 behind those of X.
  const auto offset = static_cast<std::uint32_t>(of_x);
  return read_address(node, offset) + read_address(node, offset + 0x40);
}

contract::PathState FabricBench::path(unsigned node, unsigned bus, unsigned destination) {
  const std::uint32_t states =
      read(node, bus == 0 ? Register::path_state_x : Register::path_state_y);
  return static_cast<contract::PathState>(states >> 2 * destination & 3);
}

void FabricBench::forget(unsigned node) {
  board_.restarted(node);
  if (transfers_ != nullptr) transfers_->restarted(node);
  monitor_.set(node, Engine::unknown, cycle());
}

void FabricBench::halt(unsigned node) {
  // Pins, registers and the core: a few cycles until it is silent.
  constexpr std::uint64_t reaction = 8;
  forget(node);
  inputs_.halt |= 1U << node;
  cpus_[node].crash();
  cpus_[node].stop();
  monitor_.set(node, Engine::silent, cycle() + reaction);
}

void FabricBench::restart(unsigned node, unsigned halt_cycles) {
  forget(node);
  coming_up_ |= 1U << node;
  // What was posted to it until it is down may be lost, too.
  cpus_[node].on_disabled = [this, node] { forget(node); };
  if (halt_cycles == 0) {
    cpus_[node].restart();
    return;
  }
  cpus_[node].crash();
  inputs_.halt |= 1U << node;
  halted_until_[node] = cycle() + halt_cycles;
}

Traffic::Traffic(FabricBench& bench, const TrafficSetup& setup, std::uint64_t seed)
    : bench_(bench), setup_(setup), random_(seed), left_(bench.nodes(), setup.packets),
      transfers_(bench, setup.transfers, seed) {}

void Traffic::step() {
  for (unsigned node = 0; node < bench_.nodes(); ++node) {
    if (left_[node] == 0 || !random_.once_in(setup_.post_odds)) continue;
    const auto traffic_class = static_cast<TrafficClass>(random_.below(2));
    if (!bench_.cpu(node).can_post(traffic_class)) continue;
    Nodes destinations = 1U << random_.below(bench_.nodes());
    if (random_.once_in(setup_.multicast_odds)) {
      destinations |= random_.word() & bench_.pins().all_nodes();
    }
    const unsigned bytes =
        setup_.least_bytes + random_.below(setup_.most_bytes - setup_.least_bytes + 1);
    bench_.post(node, destinations, traffic_class, random_bytes(random_, bytes));
    --left_[node];
  }
  transfers_.step();
  bench_.step();
}

bool Traffic::all_posted() const {
  return transfers_.all_begun() &&
         std::all_of(left_.begin(), left_.end(), [](unsigned left) { return left == 0; });
}

void Traffic::stop_all() {
  for (unsigned node = 0; node < bench_.nodes(); ++node) stop(node);
}

void Traffic::run(std::uint64_t patience) {
  std::uint64_t last_change = bench_.cycle();
  std::size_t before = 0;
  while (!all_posted() || bench_.board().open() != 0 || transfers_.open() != 0) {
    // Looking at every message in every cycle would cost more than the simulation.
    for (int i = 0; i < 100; ++i) step();
    const std::size_t progress = bench_.board().posted_count() +
                                 bench_.board().delivered_count() - bench_.board().open() +
                                 transfers_.done_count() + transfers_.failed_count();
    if (progress != before) last_change = bench_.cycle();
    before = progress;
    if (bench_.cycle() - last_change > patience) {
      throw std::runtime_error(fmt::format("nothing moves: {} of {} messages and {} transfers open",
                                           bench_.board().open(), bench_.board().posted_count(),
                                           transfers_.open()));
    }
  }
  bench_.board().finish();
}

Bytes random_bytes(Random& random, unsigned count) {
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.word());
  return bytes;
}

}  // namespace xybus::bench
