// Rings, doorbells and interrupts.
#include <catch2/catch.hpp>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::EventEntry;
using contract::EventType;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

bool irq(const FabricBench& bench, unsigned node) { return (bench.now().irq >> node & 1) != 0; }

/// Node 1 has so many events nobody has read.
void let_events_wait(FabricBench& bench, unsigned count) {
  for (unsigned i = 0; i < count; ++i) bench.post(0, 0b10, TrafficClass::data, Bytes(8));
  bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 5000, "not sent");
  bench.run(40);
}

}  // namespace

TEST_CASE("a full event ring holds senders off, its own included, and nothing is overwritten") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 8, .slots = 8}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  Random random(1);
  for (int i = 0; i < 16; ++i) bench.post(0, 0b10, TrafficClass::data, random_bytes(random, 20));
  for (int i = 0; i < 16; ++i) bench.post(1, 0b01, TrafficClass::data, random_bytes(random, 20));
  bench.run(30000);
  CHECK(bench.read(1, Register::event_tail) <= 8);
  CHECK(bench.board().open() != 0);
  CHECK(bench.count(1, Register::refused_x) > 0);
  bench.cpu(1).hold(false);
  bench.finish();
  CHECK(bench.board().delivered_count() == 32);
  bench.require_rest();
}

TEST_CASE("full receive slots hold senders off, and each slot given back lets one in") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {.ring_size = 16, .slots = 4}, {}, 1);
  bench.start();
  bench.cpu(2).hold(true);
  Random random(1);
  for (int i = 0; i < 12; ++i) bench.post(0, 0b100, TrafficClass::data, random_bytes(random, 20));
  bench.run(20000);
  CHECK(bench.read(2, Register::receive_x_tail) + bench.read(2, Register::receive_y_tail) == 8);
  CHECK(bench.board().count(SendStatus::ok) == 8);
  bench.cpu(2).hold(false);
  bench.finish();
  bench.require_rest();
}

TEMPLATE_TEST_CASE("no doorbell is lost, whenever it is rung", "", Two32, Five32) {
  const std::uint64_t seed = choose_seed(61);
  const auto pins = make_fabric(TestType::kind);
  for (unsigned round = 0; round < 6; ++round) {
    FabricBench bench(*pins, {.ring_size = 16, .slots = 8}, {}, seed + round);
    bench.start();
    for (unsigned node = 0; node < bench.nodes(); ++node) {
      bench.cpu(node).set_doorbell_odds(1 + 4 * round * round);
    }
    // Bursts of any size with rests between, so that rings run dry in every state.
    Random random(seed + round);
    for (int burst = 0; burst < 60; ++burst) {
      for (unsigned node = 0; node < bench.nodes(); ++node) {
        for (unsigned i = random.below(4); i > 0; --i) {
          const auto traffic_class = static_cast<TrafficClass>(random.below(2));
          if (!bench.cpu(node).can_post(traffic_class)) continue;
          bench.post(node, 1U << random.below(bench.nodes()), traffic_class,
                     random_bytes(random, random.below(33)));
        }
      }
      bench.run(random.below(random.once_in(3) ? 200 : 25));
    }
    bench.finish(30000);
    CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
    bench.require_rest();
  }
}

TEST_CASE("a doorbell that rings for the fetched descriptor's successor in any cycle is heard") {
  const auto pins = make_fabric(FabricKind::two_32);
  for (unsigned gap = 0; gap < 60; ++gap) {
    FabricBench bench(*pins, {}, {}, 1);
    bench.start();
    bench.post(0, 0b10, TrafficClass::control, Bytes(16, 1));
    bench.run(gap);
    bench.post(0, 0b10, TrafficClass::control, Bytes(16, 2));
    bench.finish(500);
  }
}

TEST_CASE("the interrupt is up exactly while events wait and it is enabled") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  CHECK_FALSE(irq(bench, 1));
  let_events_wait(bench, 1);
  CHECK(irq(bench, 1));
  bench.write(1, Register::control, 1);
  bench.run(3);
  CHECK_FALSE(irq(bench, 1));
  bench.write(1, Register::control, 3);
  bench.run(3);
  CHECK(irq(bench, 1));
  bench.cpu(1).hold(false);
  bench.run(100);
  CHECK_FALSE(irq(bench, 1));
}

TEST_CASE("with a count and an age, the interrupt waits for so many events") {
  const auto pins = make_fabric(FabricKind::two_32);
  const unsigned count = GENERATE(2u, 3u, 7u);
  FabricBench bench(*pins, {.slots = 8, .coalescing_count = count, .coalescing_age = 65535}, {}, 1);
  bench.start();
  bench.cpu(0).set_attention(0);  // polled below
  bench.cpu(1).hold(true);
  const auto send_one = [&](std::uint8_t mark) {
    bench.post(0, 0b10, TrafficClass::data, Bytes(8, mark));
    bench.run(100);
    bench.cpu(0).poll();
    bench.run(10);
  };
  for (unsigned i = 1; i <= count; ++i) {
    CHECK_FALSE(irq(bench, 1));
    send_one(static_cast<std::uint8_t>(i));
  }
  CHECK(irq(bench, 1));
  // Read, it is down, and counts afresh.
  bench.cpu(1).poll();
  bench.run(20);
  CHECK_FALSE(irq(bench, 1));
  send_one(0x55);
  CHECK_FALSE(irq(bench, 1));
}

TEST_CASE("with a count and an age, a lone event is reported when it is so old") {
  const auto pins = make_fabric(FabricKind::two_32);
  const unsigned age = GENERATE(1u, 50u, 300u, 5000u);
  FabricBench bench(*pins, {.coalescing_count = 100, .coalescing_age = age}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  bench.post(0, 0b10, TrafficClass::data, Bytes(8));
  std::uint64_t entry_at = 0, irq_at = 0;
  for (unsigned i = 0; i < 6000 && irq_at == 0; ++i) {
    bench.step();
    if (entry_at == 0 && (pins->ram(1)[ram_map::events + 3] & 0x80) != 0) entry_at = bench.cycle();
    if (irq(bench, 1)) irq_at = bench.cycle();
  }
  REQUIRE(entry_at != 0);
  REQUIRE(irq_at != 0);
  CHECK(irq_at - entry_at >= age);
  CHECK(irq_at - entry_at <= age + 4);
}

TEST_CASE("with age 0 or a count of 0 or 1, the interrupt comes with the first event") {
  const auto pins = make_fabric(FabricKind::two_32);
  const auto [count, age] =
      GENERATE(table<unsigned, unsigned>({{0, 0}, {0, 1000}, {1, 1000}, {50, 0}}));
  FabricBench bench(*pins, {.coalescing_count = count, .coalescing_age = age}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  bench.post(0, 0b10, TrafficClass::data, Bytes(8));
  bench.run(100);
  CHECK(irq(bench, 1));
}

TEST_CASE("with coalescing, random traffic is still all delivered and read") {
  const std::uint64_t seed = choose_seed(62);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.event_size = 16, .coalescing_count = 6, .coalescing_age = 400}, {},
                    seed);
  bench.start();
  Traffic(bench, {.packets = 150, .multicast_odds = 6, .transfers = {.count = 20}}, seed).run();
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
  bench.require_rest();
}
