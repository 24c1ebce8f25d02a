// Multicast: one packet to a set of nodes, each answering for itself.
#include <catch2/catch.hpp>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::Route;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

std::uint64_t packets(FabricBench& bench) {
  return bench.monitor().packets(0) + bench.monitor().packets(1);
}

/// The destinations of every packet from now on, in the order of their ends.
std::vector<Nodes>& record(FabricBench& bench) {
  static std::vector<Nodes> masks;
  masks.clear();
  bench.monitor().on_packet = [](unsigned, const WireMonitor::Seen& seen) {
    masks.push_back(seen.packet.header.dst_mask());
  };
  return masks;
}

}  // namespace

TEST_CASE("a multicast reaches any set of nodes, the sender included, with one packet") {
  const std::uint64_t seed = choose_seed(51);
  const auto pins = make_fabric(FabricKind::sixteen_32);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  Random random(seed);
  for (unsigned i = 0; i < 200; ++i) {
    const unsigned source = random.below(16);
    Nodes destinations = random.word() & 0xffff;
    if (i == 0) destinations = 0xffff;
    if (i % 3 == 0) destinations |= 1U << source;
    if (destinations == 0) continue;
    const std::uint64_t before = packets(bench);
    const auto cookie = bench.post(source, destinations, static_cast<TrafficClass>(i % 2),
                                   random_bytes(random, random.below(257)));
    bench.finish(2000);
    CHECK(bench.board().delivered_to(cookie) == destinations);
    CHECK(packets(bench) == before + 1);
  }
  bench.require_rest();
}

TEST_CASE("a multicast with one busy destination is repeated to that one alone") {
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.slots = 1}, {}, 1);
  bench.start();
  bench.cpu(3).hold(true);
  for (const Route route : {Route::x, Route::y}) {
    bench.post(3, 0b01000, TrafficClass::control, Bytes(4), route);
  }
  bench.run(200);
  const auto& masks = record(bench);
  const auto cookie = bench.post(0, 0b11110, TrafficClass::data, Bytes(100, 7));
  bench.run(3000);
  CHECK(bench.board().delivered_to(cookie) == 0b10110);
  CHECK_FALSE(bench.board().is_reported(cookie));
  REQUIRE(masks.size() > 3);
  CHECK(masks[0] == 0b11110);
  for (std::size_t i = 1; i < masks.size(); ++i) CHECK(masks[i] == 0b01000);
  bench.cpu(3).hold(false);
  bench.finish();
  CHECK(bench.board().status(cookie) == SendStatus::ok);
  CHECK(bench.board().delivered_to(cookie) == 0b11110);
  bench.require_rest();
}

TEST_CASE("a multicast gives up a destination that stays busy, and says which") {
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.slots = 1, .busy_limit = 5}, {}, 1);
  bench.start();
  bench.cpu(3).hold(true);
  for (const Route route : {Route::x, Route::y}) {
    bench.post(3, 0b01000, TrafficClass::control, Bytes(4), route);
  }
  bench.run(200);
  const auto& masks = record(bench);
  const auto cookie = bench.post(0, 0b11111, TrafficClass::data, Bytes(100, 7));
  bench.run_until([&] { return bench.board().is_reported(cookie); }, 20000, "no end");
  CHECK(bench.board().status(cookie) == SendStatus::busy);
  CHECK(bench.board().missed(cookie) == 0b01000);
  CHECK(bench.board().delivered_to(cookie) == 0b10111);
  CHECK(masks.size() == 5);
  bench.cpu(3).hold(false);
  // The flows go on, and the number that was given up is nobody's duplicate.
  bench.run(100);
  for (const Nodes destinations : {0b01000U, 0b11111U, 0b01001U}) {
    bench.post(0, destinations, TrafficClass::data, Bytes(50, static_cast<uint8_t>(destinations)));
  }
  bench.finish();
  CHECK(bench.board().count(SendStatus::ok) == 5);
  bench.require_rest();
}

TEST_CASE("a multicast with a dead destination reaches the others, and reports the dead one") {
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.halt(4);
  const auto first = bench.post(0, 0b11011, TrafficClass::control, Bytes(64, 1));
  bench.finish();
  CHECK(bench.board().status(first) == SendStatus::unreachable);
  CHECK(bench.board().missed(first) == 0b10000);
  CHECK(bench.board().delivered_to(first) == 0b01011);
  CHECK(bench.read(0, Register::path_down_x) == 0b10000);
  CHECK(bench.read(0, Register::path_down_y) == 0b10000);
  // Known to be down, it is not asked again.
  const auto& masks = record(bench);
  const auto second = bench.post(0, 0b11011, TrafficClass::control, Bytes(64, 2));
  bench.finish();
  CHECK(bench.board().status(second) == SendStatus::unreachable);
  CHECK(bench.board().missed(second) == 0b10000);
  CHECK(bench.board().delivered_to(second) == 0b01011);
  CHECK(masks == std::vector<Nodes>{0b01011});
}

TEST_CASE("a multicast on which bits flip, or whose answers are lost, is delivered once to each") {
  const std::uint64_t seed = choose_seed(52);
  const auto pins = make_fabric(FabricKind::five_32);
  const bool answers = GENERATE(false, true);
  const FaultOdds odds = answers ? FaultOdds{.answer_drop = 2} : FaultOdds{.flip = 2, .span = 12};
  FabricBench bench(*pins, {.paths = PathLimits::patient()}, odds, seed);
  bench.start();
  Traffic(bench, {.packets = 100, .most_bytes = 64, .multicast_odds = 1}, seed).run();
  CHECK(bench.board().count(SendStatus::ok) == 500);
  unsigned duplicates = 0, corrupt = 0;
  for (unsigned node = 0; node < 5; ++node) {
    duplicates += bench.count(node, Register::duplicate_x);
    corrupt += bench.count(node, Register::crc_error_x);
  }
  CHECK((answers ? duplicates : corrupt) > 200);
  CHECK((answers ? corrupt : duplicates) == 0);
  bench.require_rest();
}

TEST_CASE("multicasts and unicasts of a class arrive at each node in the order they were posted") {
  const std::uint64_t seed = choose_seed(53);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.ring_size = 16, .slots = 2, .attention = 40},
                    {.flip = 20, .drop = 60, .answer_drop = 30}, seed);
  bench.start();
  Traffic(bench, {.packets = 300, .least_bytes = 8, .most_bytes = 64, .post_odds = 1,
                  .multicast_odds = 2}, seed).run();
  CHECK(bench.board().posted_count() == 1500);
  bench.require_rest();
}
