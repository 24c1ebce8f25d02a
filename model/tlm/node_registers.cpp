// Registers, enabling, the event ring and the interrupt.
#include <algorithm>
#include <cstring>

#include "model/tlm/core.h"

namespace xybus::tlm {

using contract::Register;

namespace {

constexpr std::uint32_t at(Register reg) { return static_cast<std::uint32_t>(reg); }

constexpr std::uint32_t line_of(std::uint32_t address) { return address & 0xffff0; }

/// Claimers of event ring entries that go first (the receive lanes and the read server), and all.
constexpr unsigned first_claimers = 3;
constexpr unsigned claimers = 5;

std::uint32_t states(Nodes suspect, Nodes down) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < contract::max_nodes; ++i) {
    const auto state = (down >> i & 1) != 0      ? contract::PathState::down
                       : (suspect >> i & 1) != 0 ? contract::PathState::suspect
                                                 : contract::PathState::up;
    value |= static_cast<std::uint32_t>(state) << 2 * i;
  }
  return value;
}

}  // namespace

Node::Node(Core& core, unsigned number) : core_(core), number_(number), ram_(ram_bytes) {}

std::uint32_t Node::word(std::uint32_t address) const {
  std::uint32_t value = 0;
  std::memcpy(&value, &ram_[address % ram_bytes & ~3u], sizeof value);
  return value;
}

void Node::put(std::uint32_t address, const void* data, std::size_t bytes) {
  address %= ram_bytes;
  bytes = std::min<std::size_t>(bytes, ram_bytes - address);
  if (bytes != 0) std::memcpy(&ram_[address], data, bytes);
}

// ---- Reading ------------------------------------------------------------------------------------

std::uint32_t Node::read(std::uint32_t offset) const {
  const auto ring = [&](const Ring& r, std::uint32_t first) -> std::uint32_t {
    switch ((offset - first) / 4) {
      case 0: return r.base;
      case 1: return r.size();
      case 2: return first == at(Register::control_ring_base) ||
                             first == at(Register::data_ring_base)
                         ? r.tail : r.head;
      default: return first == at(Register::control_ring_base) ||
                              first == at(Register::data_ring_base)
                          ? r.head : r.tail;
    }
  };
  switch (static_cast<Register>(offset)) {
    case Register::id:
      return contract::IdRegister{}.set_node(number_).set_nodes(core_.size())
          .set_version(contract::version).value;
    case Register::control: return control_.value;
    case Register::status:
      return contract::StatusRegister{}.set_storing(!deliveries_.empty())
          .set_serving(!reads_.empty()).value;
    case Register::coalescing: return coalescing_.value;
    case Register::path_down_x: return paths_[0].down;
    case Register::path_down_y: return paths_[1].down;
    case Register::busy_limit: return busy_limit_;
    case Register::grant_timeout: return grant_timeout_;
    case Register::path_limits: return limits_.value;
    case Register::path_state_x: return states(paths_[0].suspect, paths_[0].down);
    case Register::path_state_y: return states(paths_[1].suspect, paths_[1].down);
    case Register::guardian_x: return core_.bus(0).guardian();
    case Register::guardian_y: return core_.bus(1).guardian();
    default: break;
  }
  if (offset >= at(Register::event_base) && offset <= at(Register::event_tail))
    return ring(events_, at(Register::event_base));
  if (offset >= at(Register::control_ring_base) && offset <= at(Register::control_ring_head))
    return ring(send_[1], at(Register::control_ring_base));
  if (offset >= at(Register::data_ring_base) && offset <= at(Register::data_ring_head))
    return ring(send_[0], at(Register::data_ring_base));
  if (offset >= at(Register::receive_x_base) && offset <= at(Register::receive_x_tail))
    return ring(slots_[0], at(Register::receive_x_base));
  if (offset >= at(Register::receive_y_base) && offset <= at(Register::receive_y_tail))
    return ring(slots_[1], at(Register::receive_y_base));
  if (offset >= at(Register::sent_x) && offset <= at(Register::broken_off_y)) {
    const unsigned counter = (offset - at(Register::sent_x)) / 4;
    return counters_[counter / 16][counter % 16];
  }
  if (offset >= at(Register::path_x) && offset < at(Register::path_y) + 64) {
    const unsigned path = (offset - at(Register::path_x)) / 4;
    const Path& its = paths_[path / 16].path[path % 16];
    return contract::PathXRegister{}.set_failures(its.failures).set_points(its.points).value;
  }
  return 0;
}

// ---- Writing ------------------------------------------------------------------------------------

void Node::write(std::uint32_t offset, std::uint32_t value, Cycle cycle) {
  const std::uint16_t index = enabled() ? static_cast<std::uint16_t>(value) : 0;
  const auto mask = static_cast<std::uint16_t>(value - 1);
  switch (static_cast<Register>(offset)) {
    case Register::control: return enable(value, cycle);
    case Register::coalescing:
      coalescing_.value = value;
      return update_interrupt(cycle);
    case Register::event_base: events_.base = line_of(value); return;
    case Register::event_size: events_.mask = mask; return;
    case Register::event_head:
      events_.head = index;
      update_interrupt(cycle);
      wake(cycle + timing::choose);
      look_for_transfer(cycle + timing::choose);
      return;
    case Register::control_ring_base: send_[1].base = line_of(value); return;
    case Register::control_ring_size: send_[1].mask = mask; return;
    case Register::control_ring_tail:
      send_[1].tail = index;
      return doorbell(1, cycle);
    case Register::data_ring_base: send_[0].base = line_of(value); return;
    case Register::data_ring_size: send_[0].mask = mask; return;
    case Register::data_ring_tail:
      send_[0].tail = index;
      return doorbell(0, cycle);
    case Register::receive_x_base: slots_[0].base = line_of(value); return;
    case Register::receive_x_slots: slots_[0].mask = mask; return;
    case Register::receive_x_head: slots_[0].head = index; return;
    case Register::receive_y_base: slots_[1].base = line_of(value); return;
    case Register::receive_y_slots: slots_[1].mask = mask; return;
    case Register::receive_y_head: slots_[1].head = index; return;
    case Register::path_down_x: return restore_paths(0, value, cycle);
    case Register::path_down_y: return restore_paths(1, value, cycle);
    case Register::busy_limit: busy_limit_ = value & 0xffff; return;
    case Register::grant_timeout: grant_timeout_ = value & 0xffff; return;
    case Register::path_limits: limits_.value = value; return;
    default: break;
  }
  if (offset >= at(Register::window_base) &&
      offset < at(Register::window_base) + 16 * contract::windows) {
    write_window(offset - at(Register::window_base), value, cycle);
  }
}

void Node::upset(Register reg, std::uint32_t bits, Cycle cycle) {
  const std::uint32_t offset = at(reg);
  const std::uint32_t value = read(offset);
  switch (reg) {
    case Register::event_size:
    case Register::control_ring_size:
    case Register::data_ring_size:
    case Register::receive_x_slots:
    case Register::receive_y_slots: return write(offset, ((value - 1) ^ bits) + 1, cycle);
    default: return write(offset, value ^ bits, cycle);
  }
}

void Node::write_window(std::uint32_t offset, std::uint32_t value, Cycle cycle) {
  switch (offset % 16) {
    case 0: window_base_ = line_of(value); return;
    case 4: window_length_ = value & 0xfffff; return;
    case 8:
      if (!enabled()) return;
      windows_[offset / 16] = {window_base_, window_length_,
                               contract::WindowControlRegister{value}, cycle};
      return;
    default: return;
  }
}

void Node::enable(std::uint32_t value, Cycle cycle) {
  const bool was = enabled();
  control_.value = value & 0xf3;
  if (was && !enabled()) clear(cycle);
  update_interrupt(cycle);
}

void Node::halt(Cycle cycle) {
  halted_ = true;
  control_.set_enable(0);
  clear(cycle);
  update_interrupt(cycle);
}

// All but settings and counters.
void Node::clear(Cycle cycle) {
  for (unsigned b = 0; b < buses; ++b) {
    core_.bus(b).withdraw(number_);
    core_.bus(b).cut(number_, cycle);
    core_.agenda().clear(Agenda::timer(Phase::lane, 2 * number_ + b));
    core_.agenda().clear(Agenda::timer(Phase::fetch, 2 * number_ + b));
    lanes_[b] = Lane{};
    parked_[b].reset();
    paths_[b] = Paths{};
    front_[b] = Front{};
    send_[b].head = send_[b].tail = 0;
    slots_[b].head = slots_[b].tail = 0;
    lines_held_[b] = 0;
    numbers_[b] = {};
  }
  for (const Phase phase : {Phase::store, Phase::event, Phase::bulk, Phase::serve, Phase::choose,
                            Phase::age}) {
    core_.agenda().clear(Agenda::timer(phase, number_));
  }
  events_.head = events_.tail = claimed_ = 0;
  windows_ = {};
  filter_ = {};
  written_.clear();
  deliveries_.clear();
  reads_.clear();
  bulk_ = Source{};
  server_ = Source{};
  failed_.reset();
  series_ = 0;
  prefer_ = 0;
  turn_ = 3;
}

// ---- Events -------------------------------------------------------------------------------------

// Room for a claim of everybody who may make one in the same cycle. What senders hold never keeps
// a node from receiving, so that these need room for each other only.
bool Node::room(bool receiving) const {
  const std::uint16_t used = static_cast<std::uint16_t>(claimed_ - events_.head);
  return used + (receiving ? first_claimers : claimers) <= events_.size();
}

void Node::event(const contract::EventEntry& entry, Cycle cycle) {
  written_.push() = entry;
  core_.agenda().set_by(Agenda::timer(Phase::event, number_), cycle + timing::event);
}

// One a cycle.
void Node::write_event(Cycle cycle) {
  if (held_) return;
  contract::EventEntry& entry = written_.front();
  entry.set_phase((events_.tail & events_.size()) == 0);
  put(events_.at(events_.tail, contract::line_bytes), entry.words.data(), contract::line_bytes);
  ++events_.tail;
  written_.pop();
  if (!written_.empty()) core_.agenda().set(Agenda::timer(Phase::event, number_), cycle + 1);
  update_interrupt(cycle);
}

// What ends meanwhile waits where it is: a packet in its lane, a delivery at the head of its queue.
void Node::hold_events(bool on, Cycle cycle) {
  held_ = on;
  if (on || halted_) return;
  if (!written_.empty()) core_.agenda().set_by(Agenda::timer(Phase::event, number_), cycle);
  if (!deliveries_.empty()) core_.agenda().set_by(Agenda::timer(Phase::store, number_), cycle);
  for (unsigned b = 0; b < buses; ++b) {
    if (lanes_[b].state == Lane::State::report) end_job(b, cycle);
  }
  look_for_transfer(cycle);
  wake(cycle);
}

void Node::update_interrupt(Cycle cycle) {
  const std::uint16_t waiting = static_cast<std::uint16_t>(events_.tail - events_.head);
  const bool on = enabled() && control_.interrupt_enable() != 0;
  const unsigned timer = Agenda::timer(Phase::age, number_);
  if (waiting == 0) raised_ = false;
  if (waiting == 0 || raised_ || !on) {
    waits_since_ = never;
    core_.agenda().clear(timer);
  } else {
    if (waits_since_ == never) waits_since_ = cycle;
    const Cycle old = waits_since_ + coalescing_.age();
    if (waiting >= coalescing_.count() || cycle >= old) {
      raised_ = true;
      waits_since_ = never;
      core_.agenda().clear(timer);
    } else {
      core_.agenda().set(timer, old);
    }
  }
  core_.set_interrupt(number_, on && raised_);
}

}  // namespace xybus::tlm
