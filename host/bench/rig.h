/// The RTL with 16 nodes, a player at each, and both buses under observation.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "bench/player.h"
#include "model/bus_tap.h"
#include "model/pins.h"

namespace xybus {

class Rig : private FabricObserver {
 public:
  /// Out of reset, all engines enabled. `observed`: packets are told; without, it runs faster.
  explicit Rig(bool observed = true);

  unsigned nodes() const { return pins_->nodes(); }
  std::uint64_t cycle() const { return pins_->cycle(); }
  Pins& pins() { return *pins_; }
  Player& player(unsigned node) { return players_[node]; }

  void run(std::uint64_t cycles);
  /// Until every player is quiet; throws std::runtime_error after so many cycles.
  void run_until_quiet(std::uint64_t most_cycles = 100'000);
  void step();

  /// Calls back with each packet in its answer slot, and with each packet that starts, in the cycle
  /// before its first word; nothing: stops that.
  std::function<void(const BusPacket&)> on_packet;
  std::function<void(contract::BusId, std::uint64_t start_cycle, unsigned source)> on_start;

 private:
  PacketFault packet_started(contract::BusId bus, std::uint64_t cycle, unsigned source) override;
  void packet_answered(const BusPacket& packet) override;
  void look(contract::BusId bus);

  std::unique_ptr<Pins> pins_;
  std::vector<Player> players_;
  bool observed_;
  std::array<BusTap, 2> taps_{BusTap{contract::BusId::x}, BusTap{contract::BusId::y}};
};

}  // namespace xybus
