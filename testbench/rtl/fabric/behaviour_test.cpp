// What a whole fabric does in single, chosen situations.
#include <catch2/catch.hpp>

#include <cstring>

#include "rtl/bench/fabric_bench.h"
#include "rtl/bench/rule_capture.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr std::uint32_t ram = 1U << contract::ram_address_bit;

/// Counters of both buses together. The counters of Y lie 0x40 behind those of X.
std::uint32_t count(FabricBench& bench, unsigned node, Register of_x) {
  const auto offset = static_cast<std::uint32_t>(of_x);
  return bench.read_address(node, offset) + bench.read_address(node, offset + 0x40);
}

void run_until_all_done(FabricBench& bench) {
  bench.run_until([&] { return bench.board().open() == 0; }, 20000, "a packet is open");
}

}  // namespace

TEST_CASE("registers: each has its reset value, and only the writable ones can be written") {
  Fabric3 pins;
  FabricBench bench(pins, {}, {}, 1);
  for (const auto& [reg, reset, writable] : contract::registers) {
    INFO(name(reg));
    // The identity is no state.
    const std::uint32_t expected =
        reg == Register::id ? 1U | 3U << 8 | contract::version << 16 : reset;
    CHECK(bench.read(1, reg) == expected);
  }
  for (const auto& [reg, reset, writable] : contract::registers) {
    // Indices are held at 0 while the engine is disabled; see the next test.
    const bool index = reg == Register::event_head || reg == Register::control_ring_tail ||
                       reg == Register::data_ring_tail || reg == Register::receive_x_head ||
                       reg == Register::receive_y_head;
    // Of a path register, ones raise paths: there is nothing to read back.
    const bool path = reg == Register::path_down_x || reg == Register::path_down_y;
    if (reg == Register::control || index || path) continue;
    INFO(name(reg));
    const std::uint32_t before = bench.read(1, reg);
    const std::uint32_t value = reg == Register::retry_limits ? 0x12345678 : 0x4000;
    bench.write(1, reg, value);
    CHECK(bench.read(1, reg) == (writable ? value : before));
  }
  bench.write(1, Register::control, 0xf2);
  CHECK(bench.read(1, Register::control) == 0xf2);
}

TEST_CASE("registers: indices keep what is written while the engine is enabled, and only then") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  const Register heads[] = {Register::receive_x_head, Register::receive_y_head};
  for (const Register reg : heads) {
    bench.write(0, reg, 0x12345);
    CHECK(bench.read(0, reg) == 0x2345);  // 16 bits
  }
  bench.write(0, Register::control, 0);
  for (const Register reg : heads) {
    CHECK(bench.read(0, reg) == 0);
    bench.write(0, reg, 5);
    CHECK(bench.read(0, reg) == 0);
  }
}

TEST_CASE("registers: where there is none a read gives 0 and a write does nothing") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  for (const std::uint32_t offset : {0x008u, 0x00cu, 0x070u, 0x07cu, 0x0a8u, 0x0bcu, 0x0e8u, 0x100u,
                                     0x204u, 0x810u, 0xffcu}) {
    INFO(offset);
    bench.write_address(0, offset, 0xffffffff);
    CHECK(bench.read_address(0, offset) == 0);
  }
  CHECK(bench.read(0, Register::control) == 3);
}

TEST_CASE("node RAM: the CPU's port reads and writes single words, as they lie in RAM") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  Random random(1);
  std::span<std::uint8_t> memory = pins.ram(1);
  Bytes before(memory.begin(), memory.end());
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t address = 4 * random.below(fabric_ram_bytes / 4);
    const std::uint32_t value = random.word();
    bench.write_address(1, ram | address, value);
    std::memcpy(before.data() + address, &value, 4);
    CHECK(bench.read_address(1, ram | address) == value);
  }
  CHECK(std::equal(memory.begin(), memory.end(), before.begin()));
  // Past the end it wraps around.
  CHECK(bench.read_address(1, ram | fabric_ram_bytes | 0x40) ==
        bench.read_address(1, ram | 0x40));
}

TEST_CASE("node RAM: the CPU gets its turn while both lanes send and receive") {
  Fabric2 pins;
  FabricBench bench(pins, {.ring_size = 16, .slots = 8}, {}, 3);
  bench.start();
  Traffic traffic(bench, {.packets = 200, .least_bytes = 200, .post_odds = 1}, 3);
  unsigned accesses = 0;
  while (!traffic.all_posted()) {
    traffic.step();
    if (!bench.cpu(0).quiet()) continue;
    bench.cpu(0).access(true, ram | 0x3ff0, accesses, {});
    bench.cpu(0).access(false, ram | 0x3ff0, 0, [&, written = accesses](std::uint32_t value) {
      CHECK(value == written);
    });
    ++accesses;
  }
  traffic.run();
  CHECK(accesses > 200);
}

TEST_CASE("a second access while one is under way breaks a rule") {
  Fabric2 pins;
  pins.reset();
  FabricInputs inputs;
  inputs.cpu[0] = {true, false, ram, 0};
  CHECK_THAT(broken_rule([&] {
               for (int i = 0; i < 3; ++i) pins.tick(inputs);
             }),
             Catch::Matchers::Contains("OneAccessAtATime"));
}

TEST_CASE("a resent packet whose answer was lost is answered again and not delivered twice") {
  Fabric2 pins;
  FabricBench bench(pins, {.retry_limits = 0x10ff1000}, {.answer_drop = 2}, 5);
  bench.start();
  Traffic(bench, {.packets = 100}, 5).run();
  CHECK(bench.board().delivered_count() == 200);
  CHECK(count(bench, 0, Register::duplicate_x) + count(bench, 1, Register::duplicate_x) > 50);
  CHECK(count(bench, 0, Register::received_x) + count(bench, 1, Register::received_x) == 200);
}

TEST_CASE("counters: every attempt is counted once, with its answer, on both ends") {
  const std::uint64_t seed = choose_seed(19);
  Fabric3 pins;
  FabricBench bench(pins, {.slots = 1, .retry_limits = 0xffff0000, .attention = 60},
                    {.flip = 8, .drop = 20, .answer_drop = 10}, seed);
  bench.start();
  Traffic(bench, {.packets = 150}, seed).run();
  bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
  std::uint32_t sent = 0, received = 0;
  for (unsigned node = 0; node < 3; ++node) {
    const std::uint32_t attempts = count(bench, node, Register::sent_x);
    CHECK(attempts == count(bench, node, Register::accepted_x) +
                          count(bench, node, Register::busy_x) +
                          count(bench, node, Register::corrupt_x) +
                          count(bench, node, Register::no_answer_x));
    CHECK(count(bench, node, Register::accepted_x) == 150);
    sent += attempts;
    received += count(bench, node, Register::received_x);
  }
  CHECK(sent == bench.monitor().packets(0) + bench.monitor().packets(1));
  CHECK(received == 450);
}

TEST_CASE("a packet with a malformed descriptor is refused, and the next one is sent") {
  Fabric3 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  contract::SendDescriptor bad;
  bad.set_dst_mask(0b011).set_kind(contract::PacketKind::message).set_length(4).set_address(0x2000);
  bad.set_cookie(bench.board().posted(0, 1, TrafficClass::data, Bytes(4)));
  bench.cpu(0).post(bad, TrafficClass::data);
  bench.post(0, 1, TrafficClass::data, Bytes(40, 0x5a));
  run_until_all_done(bench);
  CHECK(bench.board().count(SendStatus::refused) == 1);
  CHECK(bench.board().count(SendStatus::ok) == 1);
  CHECK(bench.board().delivered_count() == 1);
}

TEST_CASE("a destination that stays busy ends the packet busy, and the flow goes on") {
  Fabric2 pins;
  FabricBench bench(pins, {.slots = 1, .retry_limits = 0x10020003}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  Random random(1);
  // One slot on each bus: two get through, the others give up.
  for (int i = 0; i < 5; ++i) bench.post(0, 1, TrafficClass::control, random_bytes(random, 32));
  bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 20000, "packets are not done");
  CHECK(bench.board().count(SendStatus::ok) == 2);
  CHECK(bench.board().count(SendStatus::busy) == 3);
  CHECK(bench.read(0, Register::path_down_x) == 0);
  bench.cpu(1).hold(false);
  bench.run(500);
  bench.post(0, 1, TrafficClass::control, random_bytes(random, 32));
  run_until_all_done(bench);
  CHECK(bench.board().count(SendStatus::ok) == 3);
  bench.board().finish();
}

TEST_CASE("after any number of packets that ended busy, the next one is no duplicate") {
  Fabric2 pins;
  FabricBench bench(pins, {.slots = 1, .retry_limits = 0x10020001}, {}, 1);
  bench.start();
  Random random(1);
  const auto post = [&] {
    bench.post(0, 1, TrafficClass::control, random_bytes(random, 32));
    bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 20000, "a packet is not done");
  };
  bench.cpu(1).hold(true);
  post();
  post();
  CHECK(bench.board().count(SendStatus::ok) == 2);
  // One of these numbers of give-ups would bring back the last sequence number of 8 bits.
  const unsigned give_ups = GENERATE(1u, 254u, 255u, 256u, 511u);
  for (unsigned i = 0; i < give_ups; ++i) post();
  CHECK(bench.board().count(SendStatus::busy) == give_ups);
  bench.cpu(1).hold(false);
  bench.run(500);
  post();
  run_until_all_done(bench);
  CHECK(bench.board().count(SendStatus::ok) == 3);
  CHECK(bench.board().delivered_count() == 3);
}

TEST_CASE("a full event ring holds senders off, its own included, and nothing is overwritten") {
  Fabric2 pins;
  FabricBench bench(pins, {.ring_size = 16, .event_size = 8, .slots = 8,
                           .retry_limits = 0x10020000}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  Random random(1);
  for (int i = 0; i < 16; ++i) bench.post(0, 1, TrafficClass::data, random_bytes(random, 20));
  for (int i = 0; i < 16; ++i) bench.post(1, 0, TrafficClass::data, random_bytes(random, 20));
  bench.run(30000);
  CHECK(bench.read(1, Register::event_tail) <= 8);
  CHECK(bench.board().open() != 0);
  CHECK(count(bench, 1, Register::refused_x) > 0);
  bench.cpu(1).hold(false);
  run_until_all_done(bench);
  bench.board().finish();
  CHECK(bench.board().delivered_count() == 32);
}

TEST_CASE("the interrupt is up exactly while events wait and it is enabled") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  CHECK((bench.now().irq & 2) == 0);
  bench.post(0, 1, TrafficClass::data, Bytes(8));
  bench.run(300);
  CHECK((bench.now().irq & 2) != 0);
  bench.write(1, Register::control, 1);
  CHECK((bench.now().irq & 2) == 0);
  bench.write(1, Register::control, 3);
  CHECK((bench.now().irq & 2) != 0);
  bench.cpu(1).hold(false);
  bench.run(100);
  CHECK((bench.now().irq & 2) == 0);
}

TEST_CASE("a packet that waits for the one bus left is not held up by traffic to others") {
  Fabric4 pins;
  FabricBench bench(pins, {.ring_size = 16}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  Random random(1);
  // Nodes 1 and 2 get a stream without end; the one packet for node 3 has to move to bus Y.
  const auto stream = [&] {
    for (const auto traffic_class : {TrafficClass::control, TrafficClass::data}) {
      if (bench.cpu(0).can_post(traffic_class)) {
        bench.post(0, 1 + random.below(2), traffic_class, random_bytes(random, 200));
      }
    }
    bench.step();
  };
  for (int i = 0; i < 3000; ++i) stream();
  bool done = false;
  const std::uint32_t cookie = [&] {
    while (!bench.cpu(0).can_post(TrafficClass::control)) stream();
    return bench.post(0, 3, TrafficClass::control, random_bytes(random, 200));
  }();
  bench.on_event = [&](unsigned, const contract::EventEntry& event) {
    done = done || (event.event_type() == contract::EventType::sent && event.cookie() == cookie);
  };
  for (int i = 0; i < 10000 && !done; ++i) stream();
  CHECK(done);
}

TEST_CASE("an engine disabled in the middle of a packet, and enabled again, starts afresh") {
  for (unsigned moment = 0; moment < 90; ++moment) {
    Fabric2 pins;
    FabricBench bench(pins, {}, {}, 1);
    bench.start();
    bench.monitor().forgive(0);
    // Straight to the ring: this packet may be lost, and the scoreboard is not to know it.
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(2).set_kind(contract::PacketKind::message).set_length(256);
    descriptor.set_address(0x2000).set_cookie(0xffff);
    std::memcpy(pins.ram(0).data(), descriptor.words.data(), 16);
    bench.cpu(0).hold(true);
    bench.cpu(1).hold(true);
    bench.write(0, Register::control_ring_tail, 1);
    bench.run(moment);
    bench.write(0, Register::control, 0);
    bench.write(0, Register::control, 0x13);
    bench.run(100);
    CHECK(bench.read(0, Register::control_ring_head) == 0);
    std::memcpy(pins.ram(0).data(), descriptor.words.data(), 16);
    bench.write(0, Register::control_ring_tail, 1);
    bench.run(300);
    CHECK(bench.read(0, Register::event_tail) == 1);
    contract::EventEntry event;
    std::memcpy(event.words.data(), pins.ram(0).data() + 0x200, 16);
    CHECK(event.cookie() == 0xffff);
    CHECK(event.status() == SendStatus::ok);
  }
}

TEST_CASE("a restarted node's first packet is no duplicate of its last, thanks to the epoch") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  bench.post(0, 1, TrafficClass::control, Bytes(16, 1));
  run_until_all_done(bench);
  bench.run(100);
  bench.write(0, Register::control, 0);
  bench.write(0, Register::control, 0x13);
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(2).set_kind(contract::PacketKind::message).set_length(0);
  descriptor.set_address(0x2000).set_cookie(bench.board().posted(0, 1, TrafficClass::control, {}));
  std::memcpy(pins.ram(0).data(), descriptor.words.data(), 16);
  bench.cpu(0).hold(true);
  bench.write(0, Register::control_ring_tail, 1);
  bench.run_until([&] { return bench.board().delivered_count() == 2; }, 1000,
                  "the first packet of the new epoch is not delivered");
}

TEST_CASE("a node whose engine is disabled does not answer, and its RAM is not touched") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  bench.write(1, Register::control, 0);
  const Bytes before(pins.ram(1).begin(), pins.ram(1).end());
  bench.post(0, 1, TrafficClass::data, Bytes(64, 9));
  bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 5000, "the packet is not done");
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  CHECK(std::equal(before.begin(), before.end(), pins.ram(1).begin()));
}

TEST_CASE("when it says that it is idle, no clock edge changes any state") {
  const std::uint64_t seed = choose_seed(20);
  Fabric3 pins;
  FabricBench bench(pins, {.retry_limits = 0xffff1000},
                    {.flip = 10, .drop = 30, .cut = 0, .answer_drop = 20}, seed);
  const auto require_frozen = [&] {
    // An edge to take the inputs of rest into the fault points' registers; then nothing.
    const FabricInputs rest;
    pins.tick(rest);
    pins.tick(rest);
    const auto state = pins.state();
    const FabricOutputs outputs = pins.look(rest);
    REQUIRE(outputs.idle);
    bool moved = false;
    for (int i = 0; i < 1000; ++i) moved = moved || pins.tick(rest) != outputs;
    REQUIRE_FALSE(moved);
    const bool same = pins.state() == state;
    REQUIRE(same);
  };
  require_frozen();  // after reset
  bench.start();
  bench.run_until([&] { return bench.now().idle; }, 100, "the fabric is not idle");
  require_frozen();
  for (int round = 0; round < 20; ++round) {
    Traffic(bench, {.packets = 5}, seed + round).run();
    bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
    require_frozen();
  }
}

TEST_CASE("without the clock edges of idle cycles, everything happens in the same cycles") {
  const std::uint64_t seed = choose_seed(22);
  std::vector<std::vector<std::uint64_t>> logs[2];
  for (int run = 0; run < 2; ++run) {
    Fabric3 pins;
    FabricBench bench(pins, {.slots = 1, .retry_limits = 0xffff1000, .attention = 30},
                      {.flip = 10, .drop = 30, .cut = 30, .answer_drop = 20}, seed);
    if (run == 1) bench.skip_idle();
    bench.on_event = [&](unsigned node, const contract::EventEntry& event) {
      logs[run].push_back({bench.cycle(), node, event.words[0], event.words[1], event.words[2],
                           event.words[3]});
    };
    bench.start();
    Traffic(bench, {.packets = 100, .post_odds = 1000}, seed).run();
    logs[run].push_back({bench.cycle(), bench.monitor().words(0), bench.monitor().words(1)});
    if (run == 1) CHECK(bench.skipped() > bench.cycle() / 3);
  }
  CHECK(logs[0].size() == 601);
  const bool same = logs[0] == logs[1];
  CHECK(same);
}

TEST_CASE("a packet takes the same time after a long rest as after a short one") {
  std::uint64_t taken[2];
  for (int i = 0; i < 2; ++i) {
    Fabric2 pins;
    FabricBench bench(pins, {}, {}, 1);
    bench.start();
    bench.run(i == 0 ? 100 : 5100);
    const std::uint64_t start = bench.cycle();
    bench.post(0, 1, TrafficClass::data, Bytes(100));
    run_until_all_done(bench);
    taken[i] = bench.cycle() - start;
  }
  CHECK(taken[0] == taken[1]);
}
