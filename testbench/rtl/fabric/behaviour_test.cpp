// What a whole fabric does in single, chosen situations.
#include <catch2/catch.hpp>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

TEST_CASE("a resent packet whose answer was lost is answered again and not delivered twice") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {.paths = PathLimits::patient()}, {.answer_drop = 2}, 5);
  bench.start();
  Traffic(bench, {.packets = 100}, 5).run();
  CHECK(bench.board().delivered_count() == 200);
  CHECK(bench.count(0, Register::duplicate_x) + bench.count(1, Register::duplicate_x) > 50);
  CHECK(bench.count(0, Register::received_x) + bench.count(1, Register::received_x) == 200);
  bench.require_rest();
}

TEST_CASE("every attempt is counted once, with its answer, on both ends") {
  const std::uint64_t seed = choose_seed(19);
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {.slots = 1, .paths = PathLimits::patient(), .attention = 60},
                    {.flip = 8, .drop = 20, .answer_drop = 10}, seed);
  bench.start();
  Traffic(bench, {.packets = 150}, seed).run();
  bench.require_rest();
  std::uint32_t sent = 0, received = 0;
  for (unsigned node = 0; node < 3; ++node) {
    const std::uint32_t attempts = bench.count(node, Register::sent_x);
    CHECK(attempts == bench.count(node, Register::accepted_x) +
                          bench.count(node, Register::busy_x) +
                          bench.count(node, Register::corrupt_x) +
                          bench.count(node, Register::no_answer_x));
    CHECK(bench.count(node, Register::accepted_x) == 150);
    CHECK(bench.count(node, Register::broken_off_x) == 0);
    CHECK(bench.count(node, Register::malformed_x) == 0);
    CHECK(bench.count(node, Register::violation_x) == 0);
    sent += attempts;
    received += bench.count(node, Register::received_x);
  }
  CHECK(sent == bench.monitor().packets(0) + bench.monitor().packets(1));
  CHECK(received == 450);
}

TEST_CASE("packets that are cut off are counted by those they were for") {
  const std::uint64_t seed = choose_seed(25);
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {.paths = PathLimits::patient()}, {.cut = 2, .span = 8}, seed);
  bench.start();
  Traffic(bench, {.packets = 100, .least_bytes = 100}, seed).run();
  unsigned broken_off = 0;
  for (unsigned node = 0; node < 3; ++node) {
    broken_off += bench.count(node, Register::broken_off_x);
  }
  CHECK(broken_off > 100);
  bench.require_rest();
}

TEST_CASE("a message with a malformed descriptor is refused, and the next one is sent") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  const auto traffic_class = GENERATE(TrafficClass::data, TrafficClass::control);
  const auto [what, destinations, bytes, kind] =
      GENERATE(table<const char*, unsigned, unsigned, unsigned>({
          {"nobody", 0u, 4u, 1u},
          {"a node that is not there", 0b1010u, 4u, 1u},
          {"too long", 0b010u, 257u, 1u},
          {"no such kind", 0b010u, 4u, 0u},
          {"no such kind", 0b010u, 4u, 4u},
      }));
  INFO(what);
  contract::SendDescriptor bad;
  bad.set_dst_mask(destinations).set_kind(static_cast<contract::PacketKind>(kind));
  bad.set_length(bytes).set_address(0x2000);
  bad.set_cookie(bench.board().posted(0, destinations, traffic_class, Bytes(bytes)));
  bench.cpu(0).post(bad, traffic_class);
  bench.post(0, 0b010, traffic_class, Bytes(40, 0x5a));
  bench.finish();
  CHECK(bench.board().count(SendStatus::refused) == 1);
  CHECK(bench.board().count(SendStatus::ok) == 1);
  CHECK(bench.board().delivered_count() == 1);
  CHECK(bench.monitor().packets(0) + bench.monitor().packets(1) == 1);
  bench.require_rest();
}

TEST_CASE("a destination that stays busy ends the message busy, and the flow goes on") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {.slots = 1, .busy_limit = 3}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  Random random(1);
  // One slot on each bus: two get through, the others give up.
  for (int i = 0; i < 5; ++i) bench.post(0, 0b10, TrafficClass::control, random_bytes(random, 32));
  bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 20000, "messages are not done");
  CHECK(bench.board().count(SendStatus::ok) == 2);
  CHECK(bench.board().count(SendStatus::busy) == 3);
  CHECK(bench.count(0, Register::busy_x) >= 9);
  CHECK(bench.read(0, Register::path_state_x) == 0);
  bench.cpu(1).hold(false);
  bench.run(500);
  bench.post(0, 0b10, TrafficClass::control, random_bytes(random, 32));
  bench.finish();
  CHECK(bench.board().count(SendStatus::ok) == 3);
  bench.require_rest();
}

TEST_CASE("after any number of messages that ended busy, the next one is no duplicate") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {.slots = 1, .busy_limit = 1}, {}, 1);
  bench.start();
  Random random(1);
  const auto post = [&](Nodes destinations) {
    bench.post(0, destinations, TrafficClass::control, random_bytes(random, 32));
    bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 20000, "it is not done");
  };
  bench.cpu(1).hold(true);
  while (bench.board().count(SendStatus::busy) == 0) post(0b10);
  CHECK(bench.board().count(SendStatus::ok) == 2);
  const unsigned give_ups = GENERATE(0u, 1u, 254u, 255u, 511u);
  const bool multicasts = GENERATE(false, true);
  for (unsigned i = 0; i < give_ups; ++i) post(multicasts ? 0b11 : 0b10);
  bench.cpu(1).hold(false);
  bench.run(500);
  post(0b10);
  bench.finish();
  CHECK(bench.board().count(SendStatus::ok) == 3);
  bench.require_rest();
}

TEST_CASE("a message that waits for the one bus left is not held up by traffic to others") {
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.ring_size = 16}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  Random random(1);
  // Nodes 1 and 2 get a stream without end; the one message for node 3 has to move to bus Y.
  const auto stream = [&] {
    for (const auto traffic_class : {TrafficClass::control, TrafficClass::data}) {
      if (bench.cpu(0).can_post(traffic_class)) {
        bench.post(0, 0b10U << random.below(2), traffic_class, random_bytes(random, 200));
      }
    }
    bench.step();
  };
  for (int i = 0; i < 3000; ++i) stream();
  const std::uint32_t cookie = [&] {
    while (!bench.cpu(0).can_post(TrafficClass::control)) stream();
    return bench.post(0, 0b1000, TrafficClass::control, random_bytes(random, 200));
  }();
  for (int i = 0; i < 10000 && !bench.board().is_reported(cookie); ++i) stream();
  CHECK(bench.board().is_reported(cookie));
  CHECK(bench.board().status(cookie) == SendStatus::ok);
}

TEST_CASE("a bus that is never granted counts as an unanswered attempt, after the timeout") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {.grant_timeout = 1000}, {}, 1);
  bench.start();
  // A babbling node holds up data on both buses, but not for so long; a halted one never asks.
  bench.inputs().babble = 0b100;
  const auto cookie = bench.post(0, 0b010, TrafficClass::data, Bytes(20));
  bench.finish(20000);
  CHECK(bench.board().status(cookie) == SendStatus::ok);
  CHECK(bench.count(0, Register::no_answer_x) == 0);
}
