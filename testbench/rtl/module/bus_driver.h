/// A bus with its sixteen lanes, for the benches of its controller, its guardian and its fault
/// points. Each lane has a queue of packets and sends them like a transmit lane.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "Vrogue_bus_32_bench.h"
#include "Vrogue_bus_64_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"

namespace xybus::bench {

constexpr unsigned lanes = 16;

/// The two widths of a bus: beats of the shortest and the longest packet.
struct Narrow {
  using Model = Vrogue_bus_32_bench;
  static constexpr unsigned shortest = 3, longest = 2 + 1 + 64 + 1;
  static constexpr std::uint64_t mask = 0xffff'ffff;
};
struct Wide {
  using Model = Vrogue_bus_64_bench;
  static constexpr unsigned shortest = 2, longest = 1 + 1 + 32 + 1;
  static constexpr std::uint64_t mask = ~std::uint64_t{0};
};

struct Packet {
  bool control = false;
  unsigned beats = 3;
  std::optional<unsigned> named{};      ///< the source in its first beat, when it is not its own
  std::optional<unsigned> stops_at{};   ///< from this beat on the lane drives none
  bool endless = false;                 ///< no beat is marked as the last, and they go on
};

template <class Width>
class Bus {
 public:
  using Model = typename Width::Model;
  static constexpr unsigned longest = Width::longest;
  /// The bounds on waiting, in cycles from the one in which a request is first up to its grant.
  static constexpr unsigned control_wait = (lanes + 1) * longest;
  static constexpr unsigned data_wait = lanes * (lanes + 1) * longest;

  /// A packet as the wires showed it.
  struct Seen {
    unsigned source = 0;  ///< who had the grant
    std::uint64_t from = 0, to = 0;  ///< cycles of its first beat and of the last one seen
    bool whole = false;   ///< its last beat came
    unsigned beats = 0;
    bool operator==(const Seen&) const = default;
  };
  struct Grant {
    unsigned lane = 0;
    bool control = false;
    std::uint64_t asked = 0, granted = 0;
  };
  struct Offence {
    std::uint64_t cycle = 0;
    contract::Offence offence{};
    unsigned offender = 0;
  };

  Bus() {
    auto& bus = *controller_;
    bus.request_control_i = bus.request_data_i = bus.halted_i = 0;
    bus.babble_i = bus.forge_i = bus.hold_i = 0;
    bus.valid_i = bus.last_i = 0;
    controller_.reset();
  }

  std::array<std::deque<Packet>, lanes> queue;
  std::uint32_t halted = 0;       ///< their lanes are silent at once
  std::uint32_t asks_anyway = 0;  ///< lanes that ask in the control class, halted or not
  std::uint32_t babble = 0, forge = 0, hold = 0;
  unsigned gap = 0;               ///< cycles in which a lane does not ask after a packet

  std::vector<Seen> seen;
  std::vector<Grant> grants;
  std::vector<Offence> offences;
  std::uint64_t starts = 0;

  std::uint64_t cycle() const { return controller_.cycle(); }

  void step() {
    drive();
    controller_.settle();
    look();
    advance();
    controller_.tick();
  }
  void run(std::uint64_t cycles) {
    for (std::uint64_t i = 0; i < cycles; ++i) step();
  }
  void run_until_done() {
    for (unsigned i = 0; i < 200000; ++i) {
      step();
      if (idle() && std::all_of(queue.begin(), queue.end(), [](auto& q) { return q.empty(); })) {
        return;
      }
    }
    FAIL("the bus does not come to rest");
  }
  bool idle() {
    drive();
    controller_.settle();
    return controller_->idle_o != 0;
  }

  std::uint64_t longest_wait(bool control) const {
    std::uint64_t wait = 0;
    for (const auto& grant : grants) {
      if (grant.control == control) wait = std::max(wait, grant.granted - grant.asked);
    }
    return wait;
  }

 private:
  enum class State { resting, asking, sending };
  struct Lane {
    State state = State::resting;
    Packet packet{};
    unsigned beat = 0;
    unsigned rest = 0;
    unsigned number = 0;
    std::uint64_t asked = 0;
  };

  static bool driven(const Packet& packet, unsigned beat) {
    return !packet.stops_at || beat < *packet.stops_at;
  }
  static bool ends(const Packet& packet, unsigned beat) {
    return !packet.endless && beat + 1 == packet.beats;
  }
  static std::uint64_t beat_of(unsigned lane, const Lane& state) {
    const unsigned source = state.beat == 0 ? state.packet.named.value_or(lane) : lane;
    const std::uint64_t low = state.beat | source << 16 | (state.number & 0xfff) << 20;
    return (low | ~low << 32) & Width::mask;
  }

  void drive() {
    auto& bus = *controller_;
    std::uint32_t control = asks_anyway, data = 0, valid = asks_anyway, last = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      Lane& lane = lanes_[i];
      if ((halted >> i & 1) != 0) lane = Lane{.number = lane.number};
      if (lane.state == State::resting && lane.rest == 0 && !queue[i].empty() &&
          (halted >> i & 1) == 0) {
        lane.state = State::asking;
        lane.packet = queue[i].front();
        lane.beat = 0;
        lane.asked = cycle();
        queue[i].pop_front();
      }
      bus.data_i[i] = 0;
      if (lane.state == State::resting) continue;
      if (lane.state == State::asking) (lane.packet.control ? control : data) |= 1U << i;
      if (driven(lane.packet, lane.beat)) valid |= 1U << i;
      if (ends(lane.packet, lane.beat)) last |= 1U << i;
      bus.data_i[i] = beat_of(i, lane);
    }
    bus.request_control_i = control;
    bus.request_data_i = data;
    bus.valid_i = valid;
    bus.last_i = last;
    bus.halted_i = halted;
    bus.babble_i = babble;
    bus.forge_i = forge;
    bus.hold_i = hold;
  }

  /// What is on the wires: from the lane that has the grant, in the same cycle.
  void look() {
    auto& bus = *controller_;
    const std::uint32_t grant = bus.bus_grant_o;
    REQUIRE((grant & (grant - 1)) == 0);
    if (bus.offence_valid_o != 0) {
      offences.push_back({cycle(), static_cast<contract::Offence>(bus.offence_o), bus.offender_o});
    }
    if (started_) REQUIRE(grant == 1U << *started_);
    const bool first = started_.has_value();
    started_.reset();
    if (bus.start_o != 0) {
      started_ = bus.source_o;
      ++starts;
    }
    if (bus.valid_o == 0) {
      REQUIRE(bus.first_o == 0);
      REQUIRE(bus.last_o == 0);
      REQUIRE(bus.data_o == 0);
      open_ = false;
      return;
    }
    REQUIRE(grant != 0);
    const auto source = static_cast<unsigned>(__builtin_ctz(grant));
    REQUIRE((bus.first_o != 0) == first);
    if (first) {
      REQUIRE((bus.data_o >> 16 & 0xf) == source);
      seen.push_back({source, cycle(), cycle(), false, 0});
    } else {
      REQUIRE(open_);
      REQUIRE(seen.back().source == source);
      REQUIRE(seen.back().to + 1 == cycle());
    }
    if ((bus.grant_o & grant) != 0 && lanes_[source].state != State::resting) {
      REQUIRE(bus.data_o == beat_of(source, lanes_[source]));
    }
    seen.back().to = cycle();
    seen.back().whole = bus.last_o != 0;
    ++seen.back().beats;
    open_ = bus.last_o == 0;
  }

  /// What the lanes make of the grant that they see.
  void advance() {
    const std::uint32_t grant = controller_->grant_o;
    for (unsigned i = 0; i < lanes; ++i) {
      Lane& lane = lanes_[i];
      const bool granted = (grant >> i & 1) != 0;
      // What its own fault point keeps from the bus does not wait for it.
      if (((babble | (controller_->bus_grant_o & ~grant)) >> i & 1) != 0) lane.asked = cycle() + 1;
      if (lane.state == State::asking && granted) {
        grants.push_back({i, lane.packet.control, lane.asked, cycle()});
        REQUIRE(cycle() - lane.asked <= (lane.packet.control ? control_wait : data_wait));
        lane.state = State::sending;
      } else if (lane.state == State::resting && lane.rest > 0) {
        --lane.rest;
      }
      if (lane.state != State::sending) continue;
      if (!granted || !driven(lane.packet, lane.beat) || ends(lane.packet, lane.beat)) {
        lane = Lane{.rest = gap, .number = lane.number + 1};
      } else {
        ++lane.beat;
      }
    }
  }

  Clocked<Model> controller_;
  std::array<Lane, lanes> lanes_{};
  std::optional<unsigned> started_;
  bool open_ = false;
};

}  // namespace xybus::bench
