#include "bench/rig.h"

#include <algorithm>
#include <stdexcept>

namespace xybus {

using contract::BusId;

Rig::Rig(bool observed) : pins_(make_pins_16()), observed_(observed) {
  for (unsigned i = 0; i < pins_->nodes(); ++i) players_.emplace_back(*pins_, i).start();
  run_until_quiet();
}

void Rig::run(std::uint64_t cycles) {
  for (std::uint64_t i = 0; i < cycles; ++i) step();
}

void Rig::run_until_quiet(std::uint64_t most_cycles) {
  const std::uint64_t end = cycle() + most_cycles;
  while (!std::ranges::all_of(players_, &Player::quiet)) {
    if (cycle() == end) throw std::runtime_error("the bench does not come to rest");
    step();
  }
}

void Rig::step() {
  for (Player& player : players_) player.act();
  pins_->step();
  if (!observed_) return;
  look(BusId::x);
  look(BusId::y);
}

void Rig::look(BusId bus) {
  const Pins::Wires& wires = pins_->wires(bus);
  BusTap& tap = taps_[static_cast<std::size_t>(bus)];
  if (!wires.start && !wires.valid && !tap.waiting()) return;
  tap.see(cycle(),
          {.start = wires.start,
           .start_source = wires.start_source,
           .valid = wires.valid,
           .first = wires.first,
           .last = wires.last,
           .data = wires.data,
           .answers = wires.answers},
          this);
}

PacketFault Rig::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  if (on_start) on_start(bus, cycle, source);
  return {};
}

void Rig::packet_answered(const BusPacket& packet) {
  if (on_packet) on_packet(packet);
}

}  // namespace xybus
