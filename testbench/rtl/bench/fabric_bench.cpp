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

FabricBench::FabricBench(FabricPins& pins, const CpuSetup& setup, const FaultOdds& odds,
                         std::uint64_t seed)
    : pins_(pins), faults_(odds, seed) {
  pins_.reset();
  for (unsigned node = 0; node < pins.nodes(); ++node) {
    const auto seen = [this, node](const EventEntry& event, const Bytes& payload) {
      if (on_event) on_event(node, event);
      if (event.event_type() == EventType::sent) {
        board_.sent(node, event);
      } else {
        contract::PacketHeader header;
        header.words = {event.header_0(), event.header_1()};
        board_.received(node, header, payload);
      }
    };
    cpus_.emplace_back(node, pins.ram(node), setup, seen, seed);
  }
  now_ = pins_.look(inputs_);
}

bool FabricBench::quiet() const {
  return std::all_of(cpus_.begin(), cpus_.end(), [](const BenchCpu& cpu) { return cpu.quiet(); });
}

void FabricBench::start() {
  for (BenchCpu& cpu : cpus_) cpu.start();
  run_until([this] { return quiet(); }, 1000, "nodes are not set up");
}

void FabricBench::step() {
  bool asked = false;
  for (unsigned node = 0; node < nodes(); ++node) {
    inputs_.cpu[node] = cpus_[node].drive();
    asked = asked || inputs_.cpu[node].valid;
  }
  monitor_.see(cycle(), now_, {faults_.touched(0), faults_.touched(1)});
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

std::uint32_t FabricBench::post(unsigned source, unsigned destination, TrafficClass traffic_class,
                                Bytes payload) {
  if (!cpus_[source].can_post(traffic_class)) throw std::logic_error("the ring is full");
  const std::uint32_t cookie = board_.posted(source, destination, traffic_class, payload);
  cpus_[source].post(destination, traffic_class, payload, cookie);
  return cookie;
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

void FabricBench::halt(unsigned node) {
  inputs_.halt |= 1U << node;
  cpus_[node].stop();
  board_.halted(node);
  monitor_.forgive(node);
}

Traffic::Traffic(FabricBench& bench, const TrafficSetup& setup, std::uint64_t seed)
    : bench_(bench), setup_(setup), random_(seed), left_(bench.nodes(), setup.packets) {}

void Traffic::step() {
  for (unsigned node = 0; node < bench_.nodes(); ++node) {
    if (left_[node] == 0 || !random_.once_in(setup_.post_odds)) continue;
    const auto traffic_class = static_cast<TrafficClass>(random_.below(2));
    if (!bench_.cpu(node).can_post(traffic_class)) continue;
    const unsigned destination = random_.below(bench_.nodes());
    const unsigned bytes =
        setup_.least_bytes + random_.below(setup_.most_bytes - setup_.least_bytes + 1);
    bench_.post(node, destination, traffic_class, random_bytes(random_, bytes));
    --left_[node];
  }
  bench_.step();
}

bool Traffic::all_posted() const {
  return std::all_of(left_.begin(), left_.end(), [](unsigned left) { return left == 0; });
}

void Traffic::run(std::uint64_t patience) {
  std::uint64_t last_change = bench_.cycle();
  std::size_t before = 0;
  while (!all_posted() || bench_.board().open() != 0) {
    // Looking at every packet in every cycle would cost more than the simulation.
    for (int i = 0; i < 100; ++i) step();
    const std::size_t progress =
        bench_.board().posted_count() + bench_.board().delivered_count() - bench_.board().open();
    if (progress != before) last_change = bench_.cycle();
    before = progress;
    if (bench_.cycle() - last_change > patience) {
      throw std::runtime_error(fmt::format("nothing moves: {} of {} packets open",
                                           bench_.board().open(), bench_.board().posted_count()));
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
