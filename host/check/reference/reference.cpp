#include "check/reference/reference.h"

#include <fmt/format.h>

#include <utility>

#include "model/crc32c.h"

namespace xybus {

using contract::BusId;
using contract::Register;
using reference::Receiver;

namespace {

/// A packet that a misbehaving node had under way has met its fate by then: 64 busy answers.
constexpr std::uint64_t aftermath = 200'000;

}  // namespace

Reference::Node::Node(unsigned its_number, reference::Nodes present,
                      std::span<const std::byte> its_ram, reference::Report& report)
    : number(its_number),
      ram(its_ram),
      book(its_number, settings, report),
      receiver(its_number, settings, book, report),
      sender(its_number, present, its_ram, settings, book, report) {
  book.on_unexpected([this](const contract::EventEntry& entry, Cycle cycle) {
    return sender.explains(entry, cycle);
  });
}

Reference::Reference(std::vector<std::span<const std::byte>> rams, unsigned fabric_nodes) {
  const reference::Nodes present = (1U << fabric_nodes) - 1;
  reference::Report& report = *this;
  for (unsigned i = 0; i < rams.size(); ++i) nodes_.emplace_back(i, present, rams[i], report);
}

void Reference::complain(BusId bus, Cycle cycle, const std::string& who,
                         const std::string& hardware, const std::string& model) {
  buses_[static_cast<std::size_t>(bus)].complaints.add(
      fmt::format("bus {}, cycle {}, {}: the hardware: {}; the model: {}", name(bus), cycle, who,
                  hardware, model),
      cycle);
  if (on_complaint_) std::exchange(on_complaint_, nullptr)();
}

// ---- Registers --------------------------------------------------------------------------------

void Reference::accessed(unsigned number, bool write, std::uint32_t offset, std::uint32_t data,
                         Cycle cycle) {
  Node& node = nodes_[number];
  if (node.halted) return;
  poll(node, cycle);
  if (write) this->write(node, offset, data, cycle);
}

void Reference::poll(Node& node, Cycle cycle) {
  if (!node.settings.enabled.now) return;
  node.book.poll(node.ram, cycle);
  node.book.overdue(cycle);
}

void Reference::write(Node& node, std::uint32_t offset, std::uint32_t value, Cycle cycle) {
  switch (static_cast<Register>(offset)) {
    case Register::control: return set_control(node, value, cycle);
    case Register::path_down_x:
    case Register::path_down_y:
      if (node.settings.enabled.now) {
        node.sender.raised(offset == static_cast<std::uint32_t>(Register::path_down_y), value,
                           cycle);
      }
      return;
    default: break;
  }
  node.settings.write(offset, value, cycle);
  const bool control = offset == static_cast<std::uint32_t>(Register::control_ring_tail);
  if (!control && offset != static_cast<std::uint32_t>(Register::data_ring_tail)) return;
  const auto& tail = node.settings.send[control ? 1 : 0].written;
  node.sender.posted(control ? 1 : 0, tail.before, tail.now, cycle);
}

void Reference::set_control(Node& node, std::uint32_t value, Cycle cycle) {
  const contract::ControlRegister control{value};
  const bool on = control.enable() != 0;
  node.settings.epoch = control.epoch();
  if (on == node.settings.enabled.now) return;
  node.settings.enabled.set(on, cycle);
  if (!on) clear(node, cycle);
}

// What an engine forgets when it is disabled.
void Reference::clear(Node& node, Cycle cycle) {
  node.settings.clear(cycle);
  node.book.clear();
  node.receiver.clear();
  node.sender.clear();
}

// ---- Packets ----------------------------------------------------------------------------------

Receiver::Seen Reference::seen(const WirePacket& packet) const {
  const Bus& bus = buses_[static_cast<std::size_t>(packet.bus)];
  const bool stood = bus.changed <= packet.start_cycle;
  if (!packet.unseen) return Receiver::Seen::yes;
  return bus.changed == 0 || stood ? Receiver::Seen::no : Receiver::Seen::perhaps;
}

void Reference::observe(const WirePacket& packet) {
  ++buses_[static_cast<std::size_t>(packet.bus)].judged;
  if (packet.cut || packet.received.empty()) return;
  judge_answers(packet);
  if (packet.source >= nodes_.size()) return;
  Node& source = nodes_[packet.source];
  if (source.halted || source.misdeeds != 0) return;
  if (packet.sent.size() < contract::header_words + contract::crc_words) return;
  poll(source, packet.answer_cycle);
  source.sender.sent(packet);
}

void Reference::judge_answers(const WirePacket& packet) {
  const auto words = packet.received;
  const bool good = crc32c(words.first(words.size() - 1)) == words.back();
  const Receiver::Seen reached = seen(packet);
  reference::Nodes to = contract::PacketHeader{{words[0], 0}}.dst_mask();
  for (; to != 0; to &= to - 1) {
    const auto number = tlm::lowest(to);
    if (number >= nodes_.size()) return;
    Node& node = nodes_[number];
    if (node.halted) continue;
    const Receiver::Claims claims{node.sender.reads(), node.sender.outstanding()};
    const auto read = node.receiver.judge(packet, reached, good, claims);
    if (read) node.sender.taken(*read);
  }
}

// ---- Faults and the end -----------------------------------------------------------------------

void Reference::bus_changes(BusId bus, Cycle cycle) {
  buses_[static_cast<std::size_t>(bus)].changed = cycle;
}

void Reference::halted(unsigned node, Cycle) {
  nodes_[node].halted = true;
}

void Reference::restarted(unsigned number, Cycle cycle) {
  Node& node = nodes_[number];
  node.halted = false;
  node.settings.enabled = {};
  clear(node, cycle);
  if (node.misdeeds != 0) node.sender.forget(cycle, ~Cycle{0});
}

void Reference::rogue(unsigned number, bool on, Cycle cycle) {
  Node& node = nodes_[number];
  if (on) ++node.misdeeds;
  else if (node.misdeeds > 0) --node.misdeeds;
  node.sender.forget(cycle, node.misdeeds != 0 ? ~Cycle{0} : cycle + aftermath);
  node.book.forgive();
}

// Some time has passed since the last message; an event that has not come by then is late.
void Reference::finish(Cycle cycle) {
  constexpr Cycle settled = 2400;
  for (Node& node : nodes_) {
    if (node.halted) continue;
    poll(node, cycle);
    if (node.settings.enabled.now) node.book.overdue(cycle + settled);
  }
}

CheckResult Reference::check(BusId bus) const {
  const Bus& its = buses_[static_cast<std::size_t>(bus)];
  return its.complaints.result(std::string("reference.") + name(bus),
                               fmt::format("{} packets as the model has them", its.judged));
}

}  // namespace xybus
