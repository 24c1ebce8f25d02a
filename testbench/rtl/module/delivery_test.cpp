#include <catch2/catch.hpp>

#include <deque>

#include "Vdelivery_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

/// delivery_t
struct Packet {
  unsigned bus = 0, address = 0, lines = 0, tail = 0;
  bool has_event = false;
  contract::EventEntry entry;

  template <class Port>
  void put(Port& port) const {
    for (unsigned i = 0; i < 4; ++i) port[i] = entry.words[i];
    port[4] = static_cast<unsigned>(has_event) | tail << 1 | lines << 5 | address << 10 | bus << 26;
  }
};

/// What delivery does to the rest of the node, in order.
struct Act {
  bool event = false;
  unsigned line = 0;     // in node RAM
  unsigned bytes = 0;    // mask
  std::uint32_t what = 0;  // number of the line in its buffer, with its bus; cookie of the event
  bool operator==(const Act&) const = default;
};

class Bench {
 public:
  Bench() {
    delivery->valid_i = 0;
    delivery->write_ready_i = 1;
    delivery->event_ready_i = 1;
    delivery.reset();
  }

  void offer(const Packet& packet) {
    packet.put(delivery->delivery_i[packet.bus]);
    delivery->valid_i |= 1U << packet.bus;
  }
  bool ready() {
    delivery.settle();
    return delivery->ready_o != 0;
  }
  void step() {
    for (unsigned bus = 0; bus < 2; ++bus) delivery->line_i[bus][0] = bus << 16 | taken[bus];
    delivery.settle();
    if (delivery->write_valid_o != 0 && delivery->write_ready_i != 0) {
      acts.push_back({false, delivery->write_address_o, delivery->write_bytes_o,
                      delivery->write_data_o[0]});
    }
    if (delivery->event_valid_o != 0 && delivery->event_ready_i != 0) {
      acts.push_back({true, 0, 0, get_event(delivery->event_o).cookie()});
    }
    for (unsigned bus = 0; bus < 2; ++bus) taken[bus] += delivery->line_take_o >> bus & 1;
    delivery.tick();
    delivery->valid_i = 0;
    delivery.settle();
  }

  std::array<unsigned, 2> taken{};
  std::vector<Act> acts;
  Clocked<Vdelivery_bench> delivery;
};

/// What must come of these packets, in this order.
std::vector<Act> expected_of(const std::vector<Packet>& packets) {
  std::vector<Act> acts;
  std::array<unsigned, 2> taken{};
  for (const Packet& packet : packets) {
    for (unsigned i = 0; i < packet.lines; ++i) {
      const bool last = i + 1 == packet.lines;
      acts.push_back({false, (packet.address + i) & 0xffff,
                      last && packet.tail != 0 ? (1U << packet.tail) - 1 : 0xffff,
                      packet.bus << 16 | taken[packet.bus]++});
    }
    if (packet.has_event) acts.push_back({true, 0, 0, packet.entry.cookie()});
  }
  return acts;
}

Packet some_packet(Random& random, unsigned bus, std::uint32_t cookie) {
  Packet packet{bus, random.below(65536), random.below(17), random.below(16), true, {}};
  packet.has_event = packet.lines == 0 || random.once_in(2);
  packet.entry.set_cookie(cookie);
  return packet;
}

}  // namespace

TEST_CASE("delivery: packets of both buses reach node RAM whole and in the order of acceptance") {
  Random random(choose_seed(31));
  Bench bench;
  std::vector<Packet> packets;
  const unsigned slow = GENERATE(0u, 2u, 5u);
  for (unsigned i = 0; i < 20000; ++i) {
    if (bench.ready()) {
      for (unsigned bus = 0; bus < 2; ++bus) {
        if (!random.once_in(8)) continue;
        packets.push_back(some_packet(random, bus, i));
        bench.offer(packets.back());
      }
    }
    bench.delivery->write_ready_i = !random.once_in(slow);
    bench.delivery->event_ready_i = !random.once_in(slow);
    bench.step();
    REQUIRE(bench.delivery->idle_o == !bench.delivery->storing_o);
    REQUIRE(bench.delivery->busy_o == bench.delivery->storing_o);
  }
  bench.delivery->write_ready_i = bench.delivery->event_ready_i = 1;
  for (unsigned i = 0; i < 200; ++i) bench.step();
  CHECK(bench.delivery->storing_o == 0);
  CHECK(packets.size() > 500);
  CHECK((bench.acts == expected_of(packets)));
}

TEST_CASE("delivery: one line or event a cycle, without a gap between packets") {
  Bench bench;
  std::vector<Packet> packets;
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned bus = 0; bus < 2; ++bus) {
      packets.push_back({bus, 64 * i + 16 * bus, i, 0, i != 2, {}});
      bench.offer(packets.back());
    }
    bench.step();
  }
  unsigned cycles = 2;  // the first is at work since the second step
  while (bench.delivery->storing_o != 0) {
    bench.step();
    ++cycles;
  }
  CHECK(bench.acts.size() == 2 * (1 + 2 + 2));
  CHECK(cycles == bench.acts.size());
  CHECK((bench.acts == expected_of(packets)));
}

TEST_CASE("delivery: it is ready while there is room for a packet of each bus") {
  Bench bench;
  bench.delivery->write_ready_i = 0;
  unsigned accepted = 0;
  while (bench.ready()) {
    bench.offer({accepted % 2, 0, 1, 0, true, {}});
    bench.step();
    ++accepted;
  }
  CHECK(accepted == 7);
  bench.delivery->write_ready_i = 1;
  bench.step();
  CHECK_FALSE(bench.ready());  // its event is to come
  bench.step();
  CHECK(bench.ready());
}

TEST_CASE("delivery: its rule breaks when a packet comes that there is no room for") {
  Bench bench;
  bench.delivery->write_ready_i = 0;
  CHECK_THAT(broken_rule([&] {
               for (unsigned i = 0; i < 9; ++i) {
                 bench.offer({0, 0, 1, 0, true, {}});
                 bench.step();
               }
             }),
             Contains("QueueIsNotOverrun"));
}
