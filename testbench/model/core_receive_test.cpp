// Receiving, windows and interrupts on the core of the tlm fabric.
#include <catch2/catch.hpp>

#include "core_bench.h"

namespace {

using namespace xybus;
using contract::BusId;
using contract::EventType;
using contract::PacketKind;
using contract::Register;
using contract::SendStatus;
using test::CoreBench;

}  // namespace

TEST_CASE("a packet whose answer was lost is answered again and not delivered twice") {
  CoreBench bench;
  bench.faults = {{.answer_drop = true}};
  bench.post(0, CoreBench::message(2));
  bench.run(300);
  CHECK(bench.packets.size() == 2);
  CHECK(bench.events(1).size() == 1);
  CHECK(bench.both(1, Register::duplicate_x, Register::duplicate_y) == 1);
  CHECK(bench.events(0).at(0).status() == SendStatus::ok);
}

TEST_CASE("a restarted node's first packet is no duplicate of its last one before") {
  for (const unsigned epoch : {1u, 2u}) {
    CoreBench bench;
    bench.post(0, CoreBench::message(2));
    bench.run(100);
    bench.start(0, epoch);
    bench.post(0, CoreBench::message(2));  // number 1 again
    bench.run(100);
    INFO("epoch " << epoch);
    CHECK(bench.both(1, Register::duplicate_x, Register::duplicate_y) == (epoch == 1 ? 1u : 0u));
    CHECK(bench.events(1).size() == (epoch == 1 ? 1u : 2u));
  }
}

TEST_CASE("a corrupt packet is counted and never delivered") {
  CoreBench bench;
  bench.faults = {{.flips = {70}}};
  bench.post(0, CoreBench::message(2));
  bench.run(300);
  REQUIRE(bench.packets.size() == 2);
  CHECK(bench.packets[0].answers.corrupt == 2);
  CHECK(bench.both(1, Register::crc_error_x, Register::crc_error_y) == 1);
  CHECK(bench.events(1).size() == 1);
}

TEST_CASE("a write goes into the window, in packets of 256 bytes, and both sides are told") {
  CoreBench bench;
  bench.open_window(1, 3, false, true, 0, 0x10000, 1000, 7);
  for (std::uint32_t i = 0; i < 1000; i += 4) bench.put(0, CoreBench::buffer + i, i * 77);
  bench.post(0, CoreBench::transfer(PacketKind::write, 1, 3, 1000).set_generation(7), 0);
  bench.run(1000);
  CHECK(bench.packets.size() == 4);
  CHECK(bench.events(0).at(0).status() == SendStatus::ok);
  const auto stored = bench.events(1);
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].event_type() == EventType::stored);
  for (std::uint32_t i = 0; i < 1000; i += 4) REQUIRE(bench.word(1, 0x10000 + i) == i * 77);
  CHECK(bench.word(1, 0x10000 + 1000) == 0);
}

TEST_CASE("a write that the window does not allow is refused, counted and told to both") {
  struct Try {
    unsigned window, generation;
    std::uint32_t length, offset;
  };
  const auto t = GENERATE(Try{4, 7, 100, 0},     // closed
                          Try{3, 6, 100, 0},     // generation
                          Try{3, 7, 1001, 0},    // range
                          Try{3, 7, 100, 60},    // range, by the offset
                          Try{5, 7, 100, 0},     // peer
                          Try{6, 7, 100, 0},     // direction
                          Try{200, 7, 100, 0});  // no window
  CoreBench bench;
  bench.open_window(1, 3, false, true, 0, 0x10000, 1000, 7);
  bench.open_window(1, 5, false, true, 2, 0x10000, 1000, 7);
  bench.open_window(1, 6, true, false, 0, 0x10000, 1000, 7);
  bench.post(0, CoreBench::transfer(PacketKind::write, 1, t.window, t.length)
                    .set_generation(t.generation).set_cookie(t.offset << 16), 0);
  bench.run(1000);
  const auto sent = bench.events(0);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].status() == SendStatus::denied);
  CHECK(sent[0].missed() == 2);
  const auto told = bench.events(1);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event_type() == EventType::violation);
  CHECK((told[0].cookie() & 0xffff) == (t.window | t.generation << 8));
  CHECK(bench.both(1, Register::violation_x, Register::violation_y) == 1);
  CHECK(bench.both(0, Register::denied_x, Register::denied_y) == 1);
}

TEST_CASE("a read brings the bytes of the far window into the own one") {
  CoreBench bench;
  bench.open_window(1, 2, true, false, 0, 0x20000, 600, 9);
  bench.open_window(0, 1, false, true, 1, 0x10000, 1000, 4);
  for (std::uint32_t i = 0; i < 600; i += 4) bench.put(1, 0x20000 + i, i * 99);
  bench.post(0, CoreBench::transfer(PacketKind::read, 1, 2, 600).set_generation(9)
                    .set_own_window(1).set_address(64), 0);
  bench.run(1000);
  const auto told = bench.events(0);
  REQUIRE(told.size() == 2);
  CHECK(told[0].event_type() == EventType::sent);
  CHECK(told[1].event_type() == EventType::stored);
  for (std::uint32_t i = 0; i < 600; i += 4) REQUIRE(bench.word(0, 0x10040 + i) == i * 99);
  CHECK(bench.events(1).empty());
  CHECK(bench.both(1, Register::served_x, Register::served_y) == 1);
  CHECK(contract::StatusRegister{bench.read(1, Register::status)}.serving() == 0);
}

TEST_CASE("a read into a window of its own that does not allow it is not sent") {
  CoreBench bench;
  bench.open_window(0, 1, false, true, 1, 0x10000, 100);
  bench.post(0, CoreBench::transfer(PacketKind::read, 1, 2, 600).set_own_window(1), 0);
  bench.run(300);
  CHECK(bench.events(0).at(0).status() == SendStatus::refused);
  CHECK(bench.packets.empty());
}

TEST_CASE("a window closed in the middle ends a read, and its own CPU is told") {
  CoreBench bench;
  bench.open_window(1, 2, true, false, 0, 0x20000, 2000);
  bench.open_window(0, 1, false, true, 1, 0x10000, 2000);
  bench.post(0, CoreBench::transfer(PacketKind::read, 1, 2, 2000).set_own_window(1), 0);
  bench.run(150);
  bench.open_window(1, 2, false, false, 0, 0, 0);
  bench.run(2000);
  const auto told = bench.events(1);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event_type() == EventType::read_failed);
  CHECK(told[0].status() == SendStatus::denied);
  CHECK(bench.events(0).size() == 1);  // sent; never stored
}

TEST_CASE("the interrupt rises at a count of events or an age, and stays until none waits") {
  CoreBench bench;
  bench.write(1, Register::coalescing,
              contract::CoalescingRegister{}.set_count(3).set_age(500).value);
  const auto up = [&] { return (bench.core.interrupts() >> 1 & 1) != 0; };
  for (unsigned i = 0; i < 3; ++i) {
    CHECK_FALSE(up());
    bench.post(0, CoreBench::message(2));
    bench.run(50);
  }
  CHECK(up());
  bench.write(1, Register::event_head, 2);
  CHECK(up());
  bench.write(1, Register::event_head, 3);
  CHECK_FALSE(up());
  bench.post(0, CoreBench::message(2));
  bench.run(450);
  CHECK_FALSE(up());
  bench.run(100);
  CHECK(up());
}

TEST_CASE("a disabled node answers nothing, and comes back with all of its state cleared") {
  CoreBench bench;
  bench.post(0, CoreBench::message(2));
  bench.run(100);
  bench.write(1, Register::control, 0);
  CHECK(bench.read(1, Register::event_tail) == 0);
  CHECK(bench.both(1, Register::receive_x_tail, Register::receive_y_tail) == 0);
  bench.packets.clear();
  bench.post(0, CoreBench::message(2));
  bench.run(300);
  for (const auto& packet : bench.packets) CHECK(packet.answers.any() == 0);
  CHECK((bench.core.interrupts() >> 1 & 1) == 0);
}
