// A node's CPU, its registers and events; the fabric.

#include "contract_fabric.h"

#include <cassert>
#include <cmath>
#include <cstring>
#include <string>

namespace firmware_test {

using contract::EventEntry;
using contract::Register;
using xybus::hal::Halted;

namespace {

constexpr unsigned register_access_cycles = 2;

std::uint16_t distance(std::uint32_t tail, std::uint32_t head) {
  return static_cast<std::uint16_t>(tail - head);
}

bool is_window(Register r) {
  const auto offset = static_cast<std::uint32_t>(r);
  const auto first = static_cast<std::uint32_t>(Register::window_base);
  return offset >= first && offset < first + 16 * contract::windows;
}

}  // namespace

Node::Node(sc_core::sc_module_name, ContractFabric& fabric, unsigned number, std::size_t ram_bytes)
    : fabric_(fabric), number_(number), ram_(ram_bytes) {
  reset();
  for (const auto thread : {&Node::lane_x, &Node::lane_y, &Node::bulk_thread,
                            &Node::server_thread, &Node::delivery_thread}) {
    sc_core::sc_spawn([this, thread] { (this->*thread)(); });
  }
  sc_core::sc_spawn_options options;
  options.set_stack_size(1 << 20);
  sc_core::sc_spawn([this] { cpu_thread(); }, nullptr, &options);
}

void Node::reset() {
  ++life_;
  registers_.clear();
  for (const auto& info : contract::registers) {
    if (info.reset != 0) reg(info.reg) = info.reset;
  }
  windows_ = {};
  posted_.clear();
  bulk_.reset();
  served_.clear();
  deliveries_.clear();
  last_sequence_.clear();
  last_taken_.clear();
  points_ = {};
  events_reserved_ = 0;
}

// ---- The CPU ------------------------------------------------------------------------------------

void Node::cpu_thread() {
  for (;;) {
    try {
      if (firmware && !halted_) firmware(*this);
    } catch (const Halted&) {
    } catch (...) {
      failure = std::current_exception();
      sc_core::sc_pause();
    }
    wait(restarted_);
  }
}

void Node::check_halted() const {
  if (halted_) throw Halted{};
}

void Node::halt() {
  halted_ = true;
  ++life_;
  wake_.notify(sc_core::SC_ZERO_TIME);
  work_.notify(sc_core::SC_ZERO_TIME);
}

void Node::restart(std::function<void(xybus::hal::Hal&)> next) {
  assert(halted_);
  reset();
  firmware = std::move(next);
  halted_ = false;
  restarted_.notify(sc_core::SC_ZERO_TIME);
  work_.notify(sc_core::SC_ZERO_TIME);
}

std::uint64_t Node::now() const {
  return static_cast<std::uint64_t>(std::llround(sc_core::sc_time_stamp() / cycles(1)));
}

void Node::consume(std::uint32_t count) {
  check_halted();
  if (count != 0) wait(cycles(count), wake_);
  check_halted();
}

bool Node::interrupt() const {
  return (value(Register::control) & 2) != 0 &&
         value(Register::event_tail) != value(Register::event_head);
}

void Node::idle(std::uint64_t until) {
  check_halted();
  while (!interrupt() && now() < until && !halted_ && !std::exchange(nudged_, false)) {
    if (until == xybus::hal::never) {
      wait(interrupt_changed_ | wake_);
    } else {
      wait(cycles(static_cast<double>(until - now())), interrupt_changed_ | wake_);
    }
  }
  check_halted();
}

void Node::end_faults() {
  busy = busy_data = busy_reads = refuse_reads = refuse_writes = stuck_delivery = false;
  deaf_to = answers_lost_to = 0;
  lose_answer_each = 0;
  work_.notify(sc_core::SC_ZERO_TIME);
}

void Node::nudge() {
  nudged_ = true;
  wake_.notify(sc_core::SC_ZERO_TIME);
}

// ---- Registers ----------------------------------------------------------------------------------

bool Node::enabled() const { return !halted_ && (value(Register::control) & 1) != 0; }

std::uint32_t Node::value(Register r) const {
  const auto at = registers_.find(r);
  return at == registers_.end() ? 0 : at->second;
}

std::uint32_t Node::read(Register r) {
  consume(register_access_cycles);
  if (r == Register::status) {
    contract::StatusRegister status;
    status.set_storing(deliveries_.empty() ? 0 : 1).set_serving(served_.empty() ? 0 : 1);
    return status.value;
  }
  if (r == Register::path_state_x || r == Register::path_state_y) {
    std::uint32_t states = 0;
    for (unsigned node = 0; node < contract::max_nodes; ++node) {
      states |= rank(r == Register::path_state_x ? contract::BusId::x : contract::BusId::y, node)
                << 2 * node;
    }
    return states;
  }
  return value(r);
}

void Node::write(Register r, std::uint32_t v) {
  consume(register_access_cycles);
  if (r == Register::path_down_x || r == Register::path_down_y) {
    reg(r) &= ~v;
    auto& points = points_[r == Register::path_down_x ? 0 : 1];
    for (unsigned node = 0; node < points.size(); ++node) {
      if ((v >> node & 1) != 0) points[node] = 0;
    }
  } else if (is_window(r)) {
    write_window(static_cast<std::uint32_t>(r) - static_cast<std::uint32_t>(Register::window_base),
                 v);
  } else {
    reg(r) = v;
  }
  if (r == Register::control_ring_tail || r == Register::data_ring_tail) ++doorbells;
  if (r == Register::event_head) ++event_head_writes;
  interrupt_changed_.notify(sc_core::SC_ZERO_TIME);
  work_.notify(sc_core::SC_ZERO_TIME);
}

/// Base and length wait for the control in one place for all windows: firmware that works with that
/// works with any engine of this contract.
void Node::write_window(std::uint32_t offset, std::uint32_t v) {
  switch (offset % 16) {
    case 0: next_base_ = v; break;
    case 4: next_length_ = v; break;
    case 8:
      if (enabled()) windows_[offset / 16] = {{v}, next_base_, next_length_};
      break;
    default: break;
  }
}

// ---- Events -------------------------------------------------------------------------------------

unsigned Node::free_events() const {
  return value(Register::event_size) -
         distance(value(Register::event_tail), value(Register::event_head)) - events_reserved_;
}

void Node::put_event(EventEntry entry) {
  const std::uint32_t tail = reg(Register::event_tail), size = reg(Register::event_size);
  entry.set_phase((tail / size & 1) == 0);
  const std::size_t at = reg(Register::event_base) + 16 * (tail % size);
  std::memcpy(&ram_[at], entry.words.data(), 16);  // the tests run on little-endian machines
  reg(Register::event_tail) = (tail + 1) & 0xffff;
  interrupt_changed_.notify(sc_core::SC_ZERO_TIME);
}

// ---- The fabric ---------------------------------------------------------------------------------

ContractFabric::ContractFabric(unsigned nodes, std::size_t ram_bytes)
    : sc_module(sc_core::sc_module_name("fabric")) {
  for (unsigned i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>(("node" + std::to_string(i)).c_str(), *this, i,
                                            ram_bytes));
  }
}

void ContractFabric::run(std::uint64_t count) {
  sc_core::sc_start(cycles(static_cast<double>(count)));
  for (const auto& node : nodes_) {
    if (node->failure) std::rethrow_exception(std::exchange(node->failure, nullptr));
  }
}

void ContractFabric::finish() {
  for (const auto& node : nodes_) node->halt();
  sc_core::sc_start(cycles(1));
}

}  // namespace firmware_test
