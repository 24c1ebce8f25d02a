// Idle: it is exact, so that cycles without clock edges change nothing; and so is the gating of
// each node's clock.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <cstring>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::TrafficClass;

namespace {

/// Everything that CPUs read as events, and when.
using Log = std::vector<std::vector<std::uint64_t>>;

void record(FabricBench& bench, Log& log) {
  bench.on_event = [&bench, &log](unsigned node, const contract::EventEntry& event) {
    log.push_back({bench.cycle(), node, event.words[0], event.words[1], event.words[2],
                   event.words[3]});
  };
}

/// Where two looks at the pins differ.
std::string difference(const FabricOutputs& a, const FabricOutputs& b) {
  std::string text;
  for (unsigned node = 0; node < a.ready.size(); ++node) {
    if (a.ready[node] != b.ready[node]) text += fmt::format("ready of node {}; ", node);
    if (a.data[node] != b.data[node]) text += fmt::format("read data of node {}; ", node);
  }
  if (a.irq != b.irq) text += fmt::format("interrupts {:#x} and {:#x}; ", a.irq, b.irq);
  if (a.idle != b.idle) text += fmt::format("idle {} and {}; ", a.idle, b.idle);
  for (unsigned bus = 0; bus < 2; ++bus) {
    const BusOutputs &x = a.bus[bus], &y = b.bus[bus];
    if (x == y) continue;
    text += fmt::format("bus {}: start {} of {} and {} of {}, valid {} and {}, data {:#x} and "
                        "{:#x}, answers {:#x} and {:#x}; ",
                        bus, x.start, x.start_source, y.start, y.start_source, x.valid, y.valid,
                        x.data, y.data, x.answers.planes, y.answers.planes);
  }
  return text;
}

}  // namespace

TEMPLATE_TEST_CASE("when it says that it is idle, no clock edge changes any state", "", Three64,
                   Five32) {
  const std::uint64_t seed = choose_seed(20);
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {.paths = PathLimits::patient()},
                    {.flip = 10, .drop = 30, .answer_drop = 20}, seed);
  const auto require_frozen = [&] {
    // Two edges to take the inputs of rest into the registers of fault points and pins; then
    // nothing.
    const FabricInputs rest;
    pins->tick(rest);
    pins->tick(rest);
    const auto state = pins->state();
    const FabricOutputs outputs = pins->look(rest);
    REQUIRE(outputs.idle);
    bool moved = false;
    for (int i = 0; i < 100; ++i) moved = moved || pins->tick(rest) != outputs;
    REQUIRE_FALSE(moved);
    const bool same = pins->state() == state;
    REQUIRE(same);
  };
  require_frozen();  // after reset
  bench.start();
  bench.run_until([&] { return bench.now().idle; }, 100, "the fabric is not idle");
  require_frozen();
  for (int round = 0; round < 20; ++round) {
    Traffic(bench, {.packets = 5, .multicast_odds = 5, .transfers = {.count = 2}}, seed + round)
        .run();
    bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
    require_frozen();
  }
}

TEST_CASE("without the clock edges of idle cycles, everything happens in the same cycles") {
  const std::uint64_t seed = choose_seed(22);
  Log logs[2];
  for (int run = 0; run < 2; ++run) {
    const auto pins = make_fabric(FabricKind::three_64);
    FabricBench bench(*pins, {.slots = 1, .paths = PathLimits::patient(), .coalescing_count = 2,
                              .coalescing_age = 50, .attention = 30},
                      {.flip = 10, .drop = 30, .cut = 30, .answer_drop = 20}, seed);
    if (run == 1) bench.skip_idle();
    record(bench, logs[run]);
    bench.start();
    Traffic(bench, {.packets = 100, .post_odds = 1000, .multicast_odds = 6,
                    .transfers = {.count = 10, .odds = 10000}}, seed).run();
    logs[run].push_back({bench.cycle(), bench.monitor().beats(0), bench.monitor().beats(1)});
    if (run == 1) CHECK(bench.skipped() > bench.cycle() / 3);
  }
  CHECK(logs[0].size() > 600);
  const bool same = logs[0] == logs[1];
  CHECK(same);
}

TEST_CASE("with and without gated clocks, every pin shows the same in every cycle") {
  const std::uint64_t seed = choose_seed(24);
  const auto gated = make_fabric(FabricKind::three_64);
  const auto plain = make_fabric(FabricKind::three_64_ungated);
  plain->reset();
  // The bench runs the gated one; the other gets the same inputs, and the RAM writes of the CPUs.
  FabricBench bench(*gated, {.slots = 2, .busy_limit = 20, .coalescing_count = 2,
                             .coalescing_age = 40, .attention = 20},
                    {.flip = 12, .drop = 30, .cut = 40}, seed);
  std::uint64_t different = 0;
  std::string first;
  for (unsigned node = 0; node < 3; ++node) {
    std::memcpy(plain->ram(node).data(), gated->ram(node).data(), gated->ram(node).size());
    bench.cpu(node).shadow().mirror(plain->ram(node));
  }
  bench.on_cycle = [&] {
    const FabricOutputs other = plain->tick(bench.inputs());
    if (other != bench.now() && different++ == 0) {
      first = fmt::format("cycle {}: {}", bench.cycle(), difference(bench.now(), other));
    }
  };
  bench.start();
  Random random(seed);
  Traffic traffic(bench, {.packets = 400, .least_bytes = 16, .post_odds = 40, .multicast_odds = 6,
                          .transfers = {.count = 40, .odds = 500, .may_fail = true}}, seed);
  for (int i = 0; i < 60; ++i) {
    for (int k = 0; k < 300; ++k) traffic.step();
    for (unsigned node = 0; node < 3; ++node) {
      bench.cpu(node).write(Register::path_down_x, 7);
      bench.cpu(node).write(Register::path_down_y, 7);
    }
    if (random.once_in(4)) {
      const unsigned node = random.below(3);
      bench.restart(node, random.below(30));
      while (!bench.is_up(node)) traffic.step();
    }
    // Faulty nodes, too.
    bench.inputs().babble = random.once_in(10) ? 1 : 0;
    bench.inputs().hold = random.once_in(10) ? 2 : 0;
  }
  bench.inputs().babble = bench.inputs().hold = 0;
  traffic.run();
  INFO("first difference in " << first);
  CHECK(different == 0);
  for (unsigned node = 0; node < 3; ++node) {
    CHECK(std::memcmp(plain->ram(node).data(), gated->ram(node).data(),
                      gated->ram(node).size()) == 0);
  }
}

TEST_CASE("a message takes the same time after a long rest as after a short one") {
  std::uint64_t taken[2];
  for (int i = 0; i < 2; ++i) {
    const auto pins = make_fabric(FabricKind::two_32);
    FabricBench bench(*pins, {}, {}, 1);
    bench.start();
    bench.run(i == 0 ? 100 : 5100);
    const std::uint64_t start = bench.cycle();
    bench.post(0, 0b10, TrafficClass::data, Bytes(100));
    bench.finish();
    taken[i] = bench.cycle() - start;
  }
  CHECK(taken[0] == taken[1]);
}
