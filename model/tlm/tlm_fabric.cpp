#include "model/tlm/tlm_fabric.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "model/kernel_time.h"

namespace xybus {

std::unique_ptr<Fabric> make_tlm_fabric(const FabricConfig& config) {
  if (config.nodes == 0 || config.nodes > contract::max_nodes) {
    throw std::invalid_argument("a fabric has 1 to 16 nodes");
  }
  if (!config.trace_file.empty()) {
    throw std::invalid_argument("the tlm fabric has no wires, and makes no waveform");
  }
  return std::make_unique<tlm::TlmFabric>("fabric", config);
}

std::unique_ptr<Fabric> make_fabric(const FabricConfig& config) {
  return config.kind == FabricKind::tlm ? make_tlm_fabric(config) : make_rtl_fabric(config);
}

namespace tlm {

namespace {

/// Most cycles that the fabric runs ahead of the kernel.
constexpr Cycle longest_burst = 1 << 16;

constexpr std::uint32_t ram_start = std::uint32_t{1} << contract::ram_address_bit;

}  // namespace

TlmFabric::TlmFabric(const sc_core::sc_module_name& name, const FabricConfig& config)
    : Fabric(name, config),
      core_(config.nodes),
      bursts_(config.bursts),
      skip_(config.skip),
      ports_(config.nodes) {
  SC_HAS_PROCESS(TlmFabric);
  SC_METHOD(on_due);
  sensitive << due_;
  dont_initialize();
  SC_METHOD(publish);
  sensitive << publish_ << interrupt_fault();
  dont_initialize();
  arm();
}

std::uint64_t TlmFabric::cycle() const {
  return in_burst_ ? cycle_ : std::max(cycle_, kernel_time() / ticks());
}

Cycle TlmFabric::open_cycle() const {
  const Cycle now = (kernel_time() + ticks() / 2 - 1) / ticks() + 1;
  return std::max(now, cycle_ + 1);
}

// Without skipping, every cycle gets an activation.
void TlmFabric::arm() {
  Cycle next = core_.next();
  if (!skip_) next = std::min(next, open_cycle());
  if (next == never) return;
  const std::uint64_t time = std::max(time_of(next), kernel_time());
  if (time >= armed_) return;
  armed_ = time;
  due_.notify(until_time(time));
}

// Where nothing else has to be done at this time, the cycles that follow need no activation.
void TlmFabric::run_or_arm() {
  if (!bursts_ || !skip_ || sc_core::sc_pending_activity_at_current_time()) return arm();
  due_.cancel();
  run_burst(0);
}

void TlmFabric::halt(unsigned node) {
  core_.halt(node, open_cycle());
  Port& port = ports_.at(node);
  if (port.busy) {
    port.failed = true;
    port.done.notify(sc_core::SC_ZERO_TIME);
  }
  if (core_.interrupts() != published_) core_.look_at(open_cycle());
  arm();
}

void TlmFabric::restart(unsigned node) {
  if (node >= nodes()) throw std::out_of_range("no such node");
  core_.restart(node, open_cycle());
  arm();
}

void TlmFabric::inject(contract::BusId bus, const PacketFault& fault) {
  core_.bus(bus).inject(fault);
}

void TlmFabric::set_bus_down(contract::BusId bus, bool down) {
  core_.bus(bus).set_down(down, open_cycle());
}

void TlmFabric::set_rogue(unsigned node, Misdeed misdeed, bool on) {
  for (const auto bus : {contract::BusId::x, contract::BusId::y}) {
    core_.bus(bus).set_rogue(node, misdeed, on, open_cycle());
  }
  arm();
}

void TlmFabric::set_bus_fault(contract::BusId bus, const BusFault& fault) {
  core_.bus(bus).set_fault(fault, open_cycle());
  arm();
}

void TlmFabric::upset_register(unsigned node, contract::Register reg, std::uint32_t bits) {
  check_upset(reg);
  core_.upset(node, reg, bits, open_cycle());
  arm();
}

void TlmFabric::hold_events(unsigned node, bool on) {
  core_.node(node).hold_events(on, open_cycle());
  arm();
}

std::vector<std::optional<std::uint32_t>> TlmFabric::peek(contract::Register reg) {
  std::vector<std::optional<std::uint32_t>> values(nodes());
  if (failure()) return values;
  for (unsigned i = 0; i < nodes(); ++i) {
    if (!core_.node(i).halted()) values[i] = core_.node(i).read(static_cast<std::uint32_t>(reg));
  }
  return values;
}

bool TlmFabric::access(unsigned node, bool write, std::uint32_t address, std::uint32_t& data) {
  Port& port = ports_[node];
  const std::uint64_t late = kernel_time() % ticks();
  if (late != 0) sc_core::wait(sc_core::sc_time::from_value(ticks() - late));
  while (port.busy) sc_core::wait(port.free);
  if (core_.node(node).halted()) return false;

  port.busy = true;
  port.failed = false;
  const Cycle now = kernel_time() / ticks();
  shown(node, write, address, data);
  core_.access(node, write, address, data, now + timing::register_effect);
  port.done.notify(sc_core::sc_time::from_value(
      ticks() * (address < ram_start ? timing::register_access : timing::ram_access)));
  run_or_arm();
  sc_core::wait(port.done);
  port.busy = false;
  port.free.notify();
  data = core_.read_data(node);
  return !port.failed;
}

// Everything before the next thing that the kernel has to do; `least` in any case.
Cycle TlmFabric::last_free_cycle(Cycle least) const {
  const std::uint64_t now = kernel_time();
  if (!bursts_) return least;
  const std::uint64_t pending = now + sc_core::sc_time_to_pending_activity().value();
  const std::uint64_t half = ticks() / 2;
  return std::max(least, pending <= half ? 0 : (pending - half - 1) / ticks() + 1);
}

// At the time of an edge: the cycle that follows it is run always.
void TlmFabric::on_due() { run_burst(kernel_time() / ticks() + 1); }

// Nothing may be thrown through the kernel.
void TlmFabric::run_burst(Cycle least) {
  armed_ = ~std::uint64_t{0};
  in_burst_ = true;
  burst_ends_ = false;
  try {
    run_cycles(least);
  } catch (...) {
    in_burst_ = false;
    return fail(std::current_exception());
  }
  in_burst_ = false;
  if (!skip_) cycle_ = std::max(cycle_, least);
  arm();
}

void TlmFabric::run_cycles(Cycle least) {
  core_.set_observer(observer());
  const Cycle cap = kernel_time() / ticks() + longest_burst;
  Cycle last = std::min(last_free_cycle(least), cap);
  for (Cycle next = core_.next(); next <= last && !burst_ends_; next = core_.next()) {
    cycle_ = next;
    core_.run(next);
    if (core_.interrupts() != published_) {
      published_ = core_.interrupts();
      publish_.notify(until_time(time_of(next)));
      return;
    }
    if (core_.observer_called()) last = std::min(last_free_cycle(least), cap);
  }
}

// At the time of the edge, so that it is settled when the CPUs act in the next cycle.
void TlmFabric::publish() {
  const Nodes seen = seen_interrupts(published_);
  for (Nodes left = seen ^ shown_; left != 0; left &= left - 1) {
    const auto node = static_cast<unsigned>(std::countr_zero(left));
    if (node < nodes()) interrupt[node].write((seen >> node & 1) != 0);
  }
  shown_ = seen;
}

}  // namespace tlm
}  // namespace xybus
