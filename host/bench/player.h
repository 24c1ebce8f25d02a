/// Plays a CPU at the pins of its node: as little software as there can be. Its memory accesses
/// take no time; its register accesses take those of the port, one behind the other.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "contract/contract.h"
#include "model/pins.h"

namespace xybus {

class Player {
 public:
  /// What it keeps sending: packets to each of these nodes in turn.
  struct Load {
    std::vector<unsigned> destinations;
    std::uint32_t bytes = contract::max_payload_bytes;
    contract::TrafficClass traffic_class = contract::TrafficClass::data;
    contract::Route route = contract::Route::any;
  };

  Player(Pins& pins, unsigned node) : pins_(&pins), node_(node) {}

  /// Sets up the rings and enables the engine, over the next cycles.
  void start();

  /// Keeps posting from now on, as fast as it goes; no destinations: stops.
  void keep_sending(Load load) { load_ = std::move(load); }

  /// Posts one packet. Its doorbell is written in the first cycle that the port is free in.
  void post(contract::TrafficClass traffic_class, unsigned destination, std::uint32_t bytes,
            contract::Route route = contract::Route::any);

  /// Before each clock edge: takes events, posts, and uses the port.
  void act();

  /// Nothing is left to be written, and every packet posted has met its fate.
  bool quiet() const;

  /// The cycle in which the doorbell of a class was last written.
  std::uint64_t doorbell_cycle(contract::TrafficClass traffic_class) const {
    return rings_[static_cast<std::size_t>(traffic_class)].doorbell_cycle;
  }

  /// Messages received, and packets sent that met the fate asked for.
  std::uint64_t received() const { return received_; }
  std::uint64_t sent(contract::SendStatus status) const {
    return sent_[static_cast<std::size_t>(status)];
  }

 private:
  struct Ring {
    std::uint32_t posted = 0;
    std::uint32_t rung = 0;  // as the doorbell was last written
    std::uint32_t ended = 0;
    std::uint64_t doorbell_cycle = 0;
  };

  void take_events();
  void top_up();
  void use_port();
  void access(contract::Register reg, std::uint32_t value);

  Pins* pins_;
  unsigned node_;
  Load load_{};
  std::size_t next_destination_ = 0;
  std::deque<std::pair<contract::Register, std::uint32_t>> setup_;
  bool port_busy_ = false;
  std::array<Ring, 2> rings_;  // by class
  std::uint32_t taken_ = 0, taken_written_ = 0;                      // events
  std::array<std::uint32_t, 2> given_back_{}, given_back_written_{};  // slots, by bus
  std::uint64_t received_ = 0;
  std::array<std::uint64_t, 16> sent_{};
};

}  // namespace xybus
