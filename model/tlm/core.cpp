#include "model/tlm/core.h"

#include <cstring>
#include <stdexcept>

namespace xybus::tlm {

namespace {

constexpr std::uint32_t ram_start = std::uint32_t{1} << contract::ram_address_bit;

}  // namespace

Core::Core(unsigned nodes) {
  if (nodes == 0 || nodes > contract::max_nodes) {
    throw std::invalid_argument("a fabric has 1 to 16 nodes");
  }
  const unsigned size = fabric_size(nodes);
  nodes_.reserve(size);  // they stay put
  buses_.reserve(buses);
  for (unsigned i = 0; i < size; ++i) nodes_.emplace_back(*this, i);
  buses_.emplace_back(*this, contract::BusId::x, size);
  buses_.emplace_back(*this, contract::BusId::y, size);
  for (unsigned i = nodes; i < size; ++i) halt(i, 0);
}

void Core::run(Cycle cycle) {
  cycle_ = cycle;
  for (;;) {
    const unsigned timer = agenda_.take(cycle);
    if (timer == Agenda::units * Agenda::phases) return;
    fire(timer, cycle);
  }
}

void Core::fire(unsigned timer, Cycle cycle) {
  const unsigned unit = timer % Agenda::units;
  switch (static_cast<Phase>(timer / Agenda::units)) {
    case Phase::offence:
      return buses_[unit / Bus::records].offence_seen(unit % Bus::records, cycle);
    case Phase::silence:
      for (Bus& bus : buses_) bus.not_silent(unit, cycle);
      return;
    case Phase::verdict: return buses_[unit / Bus::records].judge(unit % Bus::records, cycle);
    case Phase::store: return nodes_[unit].store(cycle);
    case Phase::event: return nodes_[unit].write_event(cycle);
    case Phase::access: return do_access(unit, cycle);
    case Phase::fetch: return nodes_[unit / 2].fetch(unit % 2, cycle);
    case Phase::lane: return nodes_[unit / 2].lane(unit % 2, cycle);
    case Phase::bulk: return nodes_[unit].bulk(cycle);
    case Phase::serve: return nodes_[unit].serve(cycle);
    case Phase::choose:
      if (unit < nodes_.size()) return nodes_[unit].choose(cycle);
      if (!upsets_.empty()) do_upsets(cycle);
      return;
    case Phase::age: return nodes_[unit].update_interrupt(cycle);
    case Phase::bus_x: return fire_bus(0, unit, cycle);
    case Phase::bus_y: return fire_bus(1, unit, cycle);
  }
}

void Core::fire_bus(unsigned bus, unsigned unit, Cycle cycle) {
  if (unit == Bus::arbitration) {
    buses_[bus].arbitrate(cycle);
  } else if (unit == Bus::opening) {
    buses_[bus].open(cycle);
  } else {
    buses_[bus].report(cycle);
  }
}

void Core::access(unsigned node, bool write, std::uint32_t address, std::uint32_t data,
                  Cycle cycle) {
  accesses_[node] = {write, address, data};
  agenda_.set(Agenda::timer(Phase::access, node), cycle);
}

void Core::do_access(unsigned number, Cycle cycle) {
  Access& access = accesses_[number];
  Node& node = nodes_[number];
  if (access.address < ram_start) {
    if (access.write) {
      node.write(access.address, access.data, cycle);
    } else {
      access.data = node.read(access.address);
    }
    return;
  }
  std::byte* const place = &node.ram()[access.address - ram_start];
  if (access.write) {
    std::memcpy(place, &access.data, contract::word_bytes);
  } else {
    std::memcpy(&access.data, place, contract::word_bytes);
  }
}

void Core::upset(unsigned node, contract::Register reg, std::uint32_t bits, Cycle cycle) {
  upsets_.push_back({node, reg, bits, cycle});
  look_at(cycle);
}

void Core::do_upsets(Cycle cycle) {
  while (!upsets_.empty() && upsets_.front().cycle <= cycle) {
    const Upset its = upsets_.front();
    upsets_.erase(upsets_.begin());
    nodes_[its.node].upset(its.reg, its.bits, cycle);
  }
  if (!upsets_.empty()) look_at(upsets_.front().cycle);
}

void Core::halt(unsigned node, Cycle cycle) {
  agenda_.clear(Agenda::timer(Phase::access, node));
  nodes_[node].halt(cycle);
  for (Bus& bus : buses_) bus.halt(node, cycle);
}

void Core::restart(unsigned node, Cycle cycle) {
  if (!nodes_[node].halted()) return;
  agenda_.clear(Agenda::timer(Phase::silence, node));
  nodes_[node].restart();
  for (Bus& bus : buses_) bus.restart(node, cycle);
}

}  // namespace xybus::tlm
