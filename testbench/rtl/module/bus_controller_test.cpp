#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <vector>

#include "Vbus_controller_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

constexpr unsigned lanes = 16;
constexpr unsigned longest = 67;  // words of a packet with 256 bytes
/// While data waits, so many control packets may go in a row.
constexpr unsigned control_run = 4;

struct Packet {
  bool control = false;
  unsigned words = 3;
};

/// A controller with its sixteen lanes. Each lane has a queue of packets and asks, like a transmit
/// lane, until it sees its first grant. A word on the wires tells its lane, packet and place.
class Bus {
 public:
  struct Sent {
    unsigned lane, words;
    bool control;
    std::uint64_t asked, granted;  // cycles: the request was first seen, the first word taken
  };

  Bus() {
    controller_->request_control_i = controller_->request_data_i = 0;
    controller_.reset();
  }

  std::array<std::deque<Packet>, lanes> queue;
  std::vector<Sent> sent;
  unsigned dead_cycles = 0;  // cycles without a word, since the first one

  void step() {
    std::uint32_t control = 0, data = 0;
    controller_.settle();
    const std::uint32_t grant = controller_->grant_o;
    for (unsigned i = 0; i < lanes; ++i) {
      Lane& lane = lanes_[i];
      if (!lane.busy && !queue[i].empty()) {
        lane = {true, false, queue[i].front(), 0, controller_.cycle()};
        queue[i].pop_front();
      }
      if (lane.busy && !lane.granted) {
        (lane.packet.control ? control : data) |= 1U << i;
        controller_->words_i[i] = lane.packet.words;
      }
      controller_->data_i[i] = i << 24 | lane.number << 8 | lane.word;
    }
    controller_->request_control_i = control;
    controller_->request_data_i = data;
    controller_.settle();
    for (unsigned i = 0; i < lanes; ++i) {
      if ((grant >> i & 1) != 0) take(i);
    }
    watch();
    controller_.tick();
  }
  void run(std::uint64_t cycles) {
    for (std::uint64_t i = 0; i < cycles; ++i) step();
  }
  void run_until_done() {
    for (unsigned i = 0; i < 100000; ++i) {
      step();
      if (idle() && std::all_of(queue.begin(), queue.end(), [](auto& q) { return q.empty(); })) {
        return;
      }
    }
    FAIL("the bus does not come to rest");
  }
  bool idle() {
    controller_.settle();
    return controller_->idle_o != 0;
  }
  std::uint64_t cycle() const { return controller_.cycle(); }
  Clocked<Vbus_controller_bench>& controller() { return controller_; }

 private:
  struct Lane {
    bool busy = false, granted = false;
    Packet packet;
    unsigned word = 0;
    std::uint64_t asked = 0;
    unsigned number = 0;
  };

  void take(unsigned number) {
    Lane& lane = lanes_[number];
    REQUIRE(lane.busy);
    if (!lane.granted) {
      lane.granted = true;
      CHECK(controller_->start_o == 1);
      CHECK(controller_->source_o == number);
      sent.push_back({number, lane.packet.words, lane.packet.control, lane.asked,
                      controller_.cycle()});
    } else {
      CHECK(controller_->start_o == 0);
    }
    if (++lane.word == lane.packet.words) {
      const unsigned next = (lane.number + 1) & 0xffff;
      lane = {};
      lane.number = next;
    }
  }

  /// The wires show whole packets, each from one lane, words in order.
  void watch() {
    const std::uint64_t wires = controller_->wires_o;
    const bool valid = (wires >> 34 & 1) != 0, first = (wires >> 33 & 1) != 0,
               last = (wires >> 32 & 1) != 0;
    if (!valid) {
      REQUIRE(on_wires_ == 0);
      dead_cycles += seen_ < sent.size() ? 0 : !sent.empty();
      return;
    }
    REQUIRE(first == (on_wires_ == 0));
    const Sent& packet = sent.at(seen_);
    const auto data = static_cast<std::uint32_t>(wires);
    REQUIRE(data >> 24 == packet.lane);
    REQUIRE((data & 0xff) == on_wires_);
    ++on_wires_;
    REQUIRE(last == (on_wires_ == packet.words));
    if (last) {
      on_wires_ = 0;
      ++seen_;
    }
  }

  Clocked<Vbus_controller_bench> controller_;
  std::array<Lane, lanes> lanes_{};
  std::size_t seen_ = 0;
  unsigned on_wires_ = 0;
};

std::uint64_t longest_wait(const Bus& bus, bool control) {
  std::uint64_t wait = 0;
  for (const auto& packet : bus.sent) {
    if (packet.control == control) wait = std::max(wait, packet.granted - packet.asked);
  }
  return wait;
}

}  // namespace

TEST_CASE("bus controller: packets of every size pass whole, word by word, one lane at a time") {
  Bus bus;
  Random random(choose_seed(41));
  std::size_t packets = 0;
  for (auto& queue : bus.queue) {
    for (unsigned i = 0; i < 60; ++i) {
      queue.push_back({random.once_in(2), 3 + random.below(longest - 2)});
      ++packets;
    }
  }
  bus.run_until_done();
  CHECK(bus.sent.size() == packets);
}

TEST_CASE("bus controller: a lone request is granted in the next cycle and on the wires after it") {
  for (const bool control : {false, true}) {
    Bus bus;
    bus.run(20);
    bus.queue[9].push_back({control, 3});
    bus.run_until_done();
    REQUIRE(bus.sent.size() == 1);
    CHECK(bus.sent[0].granted - bus.sent[0].asked == 1);
  }
}

TEST_CASE("bus controller: packets follow each other without a dead cycle while anyone asks") {
  Bus bus;
  const unsigned words = GENERATE(3u, 4u, longest);
  for (auto& queue : bus.queue) {
    for (unsigned i = 0; i < 10; ++i) queue.push_back({i % 2 == 0, words});
  }
  bus.run_until_done();
  REQUIRE(bus.sent.size() == 160);
  for (std::size_t i = 1; i < bus.sent.size(); ++i) {
    // Every lane but the one that sends asks for its next at once; so somebody always asks.
    CHECK(bus.sent[i].granted - bus.sent[i - 1].granted == words);
  }
}

TEST_CASE("bus controller: control goes before data that asked at the same time") {
  for (unsigned lane = 1; lane < lanes; ++lane) {
    Bus bus;
    bus.queue[0].push_back({false, 10});
    bus.queue[lane].push_back({true, 10});
    bus.run_until_done();
    REQUIRE(bus.sent.size() == 2);
    CHECK(bus.sent[0].lane == lane);
  }
}

TEST_CASE("bus controller: waiting data lets at most so many control packets in a row go first") {
  Bus bus;
  for (unsigned lane = 0; lane < 8; ++lane) bus.queue[lane].assign(20, {true, 5});
  // Two, since a lane does not ask while it sends.
  bus.queue[12].assign(3, {false, 5});
  bus.queue[13].assign(2, {false, 5});
  bus.run_until_done();
  std::vector<std::size_t> data;
  for (std::size_t i = 0; i < bus.sent.size(); ++i) {
    if (!bus.sent[i].control) data.push_back(i);
  }
  REQUIRE(data.size() == 5);
  CHECK(data[0] == control_run);
  for (std::size_t i = 1; i < data.size(); ++i) CHECK(data[i] - data[i - 1] == control_run + 1);
}

TEST_CASE("bus controller: with all lanes asking all the time nobody waits longer than the bound") {
  Bus bus;
  SECTION("all control") {
    for (auto& queue : bus.queue) queue.assign(30, {true, longest});
    bus.run(30000);
    CHECK(longest_wait(bus, true) <= lanes * longest);
  }
  SECTION("all data") {
    for (auto& queue : bus.queue) queue.assign(30, {false, longest});
    bus.run(30000);
    CHECK(longest_wait(bus, false) <= lanes * longest);
  }
  SECTION("half and half") {
    for (unsigned i = 0; i < lanes; ++i) bus.queue[i].assign(200, {i % 2 == 0, longest});
    bus.run(60000);
    CHECK(longest_wait(bus, true) <= (lanes + lanes / control_run) * longest);
    CHECK(longest_wait(bus, false) <= lanes * (control_run + 1) * longest);
  }
  SECTION("one with data among control") {
    for (unsigned i = 0; i < lanes; ++i) bus.queue[i].assign(200, {i != 3, longest});
    bus.run(60000);
    CHECK(longest_wait(bus, false) <= (control_run + 1) * longest);
  }
  CHECK(bus.sent.size() > 400);
}

TEST_CASE("bus controller: among lanes that all ask, each gets the same share") {
  Bus bus;
  const bool control = GENERATE(false, true);
  for (auto& queue : bus.queue) queue.assign(100, {control, 7});
  bus.run(7 * 16 * 20);
  std::array<unsigned, lanes> share{};
  for (const auto& packet : bus.sent) ++share[packet.lane];
  CHECK(*std::max_element(share.begin(), share.end()) -
            *std::min_element(share.begin(), share.end()) <= 1);
}

TEST_CASE("bus controller: it is idle when nothing is asked for, granted or on the wires") {
  Bus bus;
  CHECK(bus.idle());
  bus.queue[5].push_back({false, 3});
  bus.step();  // asks
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(bus.idle());
    bus.step();
  }
  CHECK(bus.idle());
}

TEST_CASE("bus controller: a request for more words than a packet has breaks a rule") {
  Bus bus;
  bus.queue[2].push_back({false, longest + 1});
  CHECK_THAT(broken_rule([&] { bus.run(100); }), Contains("PacketIsBounded"));
}
