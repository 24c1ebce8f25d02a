#include <catch2/catch.hpp>

#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"
#include "rtl/module/receive_side_driver.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::Answer;
using contract::EventType;
using contract::TrafficClass;

namespace {

constexpr unsigned me = ReceiveSideDriver::node;

Bytes some_bytes(unsigned count, std::uint64_t seed = 1) {
  Random random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.word());
  return bytes;
}

Words packet(unsigned length, unsigned sequence_number, unsigned source = 2) {
  return packet_words(message_header(source, me, length, sequence_number), some_bytes(length));
}

/// Nothing of a packet can be seen but, perhaps, lines in a slot that is still free.
void check_nothing_delivered(ReceiveSideDriver& driver) {
  driver.steps(20);
  CHECK(driver.events.empty());
  CHECK(driver.accepted == 0);
  CHECK(driver.side->slot_tail_o[0] == 0);
  CHECK(driver.side->slot_tail_o[1] == 0);
  for (const unsigned line : driver.written) CHECK((line & 0xff) < 16);
}

}  // namespace

TEST_CASE("receive lane: packets of every length are delivered into their slots, on both buses") {
  ReceiveSideDriver driver;
  for (unsigned length = 0; length <= contract::max_payload_bytes; ++length) {
    for (unsigned bus = 0; bus < 2; ++bus) {
      const Bytes payload = some_bytes(length, 2 * length + bus);
      const auto header = message_header(2 + bus, me, length, length % 256);
      REQUIRE(driver.send(bus, packet_words(header, payload)) == Answer::accepted);
      driver.steps(4);
      REQUIRE(driver.events.size() == 2 * length + bus + 1);
      const contract::EventEntry& event = driver.events.back();
      REQUIRE(event.event_type() == EventType::received);
      REQUIRE(static_cast<unsigned>(event.bus()) == bus);
      REQUIRE(event.cookie() == length);
      REQUIRE(event.header_0() == header.words[0]);
      REQUIRE(event.header_1() == header.words[1]);
      REQUIRE(driver.slot(bus, length, length) == payload);
      driver.give_back(bus, length + 1);
    }
  }
  CHECK(driver.counts[0][count_received] == 257);
  CHECK(driver.counts[1][count_received] == 257);
  CHECK(driver.side->idle_o == 3);
}

TEST_CASE("receive lane: packets on both buses at once, back to back, are all delivered") {
  ReceiveSideDriver driver;
  Random random(3);
  // A stream of packets on each bus, without a gap; words in step.
  std::vector<Wires> stream[2];
  std::vector<std::pair<unsigned, Bytes>> expected[2];
  for (unsigned bus = 0; bus < 2; ++bus) {
    for (unsigned i = 0; i < 100; ++i) {
      const unsigned length = random.below(257);
      const Bytes payload = some_bytes(length, 1000 * bus + i);
      const Words words = packet_words(message_header(bus, me, length, i), payload);
      for (std::size_t k = 0; k < words.size(); ++k) {
        stream[bus].push_back({true, k == 0, k + 1 == words.size(), words[k]});
      }
      expected[bus].emplace_back(i, payload);
    }
  }
  std::size_t checked[2] = {0, 0}, seen = 0;
  const auto check_new_events = [&] {
    for (; seen < driver.events.size(); ++seen) {
      const auto bus = static_cast<unsigned>(driver.events[seen].bus());
      const auto& [number, payload] = expected[bus].at(checked[bus]++);
      REQUIRE(driver.events[seen].cookie() == number);
      REQUIRE(driver.slot(bus, number, payload.size()) == payload);
      driver.give_back(bus, number + 1);
    }
  };
  for (std::size_t t = 0; t < std::max(stream[0].size(), stream[1].size()); ++t) {
    for (unsigned bus = 0; bus < 2; ++bus) {
      driver.side->wires_i[bus] =
          t < stream[bus].size() ? stream[bus][t].packed() : 0;
    }
    driver.step();
    check_new_events();
  }
  driver.side->wires_i[0] = driver.side->wires_i[1] = 0;
  driver.steps(10);
  check_new_events();
  CHECK(checked[0] == 100);
  CHECK(checked[1] == 100);
}

TEST_CASE("receive lane: a wrong bit anywhere is answered corrupt, and nothing is delivered") {
  const Words good = packet(13, 9);
  for (std::size_t bit = 0; bit < 32 * good.size(); ++bit) {
    Words bad = good;
    bad[bit / 32] ^= 1U << bit % 32;
    ReceiveSideDriver driver;
    // Without its own bit in the mask the packet is not for this node.
    const Answer expected = bit == me ? Answer::none : Answer::corrupt;
    CAPTURE(bit);
    REQUIRE(driver.send(0, bad) == expected);
    check_nothing_delivered(driver);
    CHECK(driver.counts[0][count_crc_error] == (bit == me ? 0 : 1));
    // Not remembered either: the same packet, whole, is new.
    CHECK(driver.send(0, good) == Answer::accepted);
    driver.steps(4);
    CHECK(driver.events.size() == 1);
    CHECK(driver.counts[0][count_duplicate] == 0);
  }
}

TEST_CASE("receive lane: a duplicate is answered accepted and dropped, on either bus") {
  ReceiveSideDriver driver;
  const unsigned again = GENERATE(0, 1);
  CHECK(driver.send(0, packet(40, 7)) == Answer::accepted);
  CHECK(driver.send(again, packet(40, 7)) == Answer::accepted);
  CHECK(driver.send(again, packet(40, 7)) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.size() == 1);
  CHECK(driver.counts[again][count_duplicate] == 2);
  CHECK(driver.side->slot_tail_o[0] + driver.side->slot_tail_o[1] == 1);
}

TEST_CASE("receive lane: a number that repeats in another flow or epoch is no duplicate") {
  ReceiveSideDriver driver;
  auto header = message_header(2, me, 0, 7);
  CHECK(driver.send(0, packet_words(header, {})) == Answer::accepted);
  SECTION("another source") { header.set_source(3); }
  SECTION("the other class") { header.set_traffic_class(TrafficClass::control); }
  SECTION("another epoch") { header.set_epoch(1); }
  SECTION("the next number") { header.set_sequence_number(8); }
  CHECK(driver.send(0, packet_words(header, {})) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.size() == 2);
  CHECK(driver.counts[0][count_duplicate] == 0);
}

TEST_CASE("receive lane: the first packet is new whatever its number and epoch") {
  for (unsigned number = 0; number < 256; ++number) {
    ReceiveSideDriver driver;
    auto header = message_header(number % 16, me, 0, number);
    header.set_epoch(number % 16);
    REQUIRE(driver.send(number % 2, packet_words(header, {})) == Answer::accepted);
    driver.steps(2);
    REQUIRE(driver.events.size() == 1);
  }
}

TEST_CASE("receive lane: busy without a free slot, and accepted when one has been given back") {
  ReceiveSideDriver driver;
  for (unsigned i = 0; i < ReceiveSideDriver::slots; ++i) {
    CHECK(driver.send(0, packet(16, i)) == Answer::accepted);
  }
  driver.steps(4);
  driver.written.clear();
  CHECK(driver.send(0, packet(16, 4)) == Answer::busy);
  CHECK(driver.send(1, packet(16, 0, 3)) == Answer::accepted);  // the other bus has its own
  driver.steps(4);
  CHECK(driver.events.size() == ReceiveSideDriver::slots + 1);
  CHECK(driver.written == std::vector<unsigned>{ReceiveSideDriver::base[1]});
  CHECK(driver.counts[0][count_refused] == 1);
  driver.give_back(0, 1);
  CHECK(driver.send(0, packet(16, 4)) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.back().cookie() == 4);
  CHECK(driver.slot(0, 4, 16) == some_bytes(16));
}

TEST_CASE("receive lane: a slot given back while a packet passes does not take half of it") {
  const Words words = packet(64, ReceiveSideDriver::slots);
  for (std::size_t when = 0; when < words.size(); ++when) {
    ReceiveSideDriver driver;
    for (unsigned i = 0; i < ReceiveSideDriver::slots; ++i) driver.send(0, packet(16, i));
    driver.steps(4);
    driver.events.clear();
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i == when) driver.give_back(0, 1);
      driver.step(0, {true, i == 0, i + 1 == words.size(), words[i]});
    }
    CAPTURE(when);
    if (driver.answer(0) == Answer::accepted) {
      driver.steps(4);
      REQUIRE(driver.slot(0, ReceiveSideDriver::slots, 64) == some_bytes(64));
      REQUIRE(driver.events.size() == 1);
    } else {
      REQUIRE(driver.answer(0) == Answer::busy);
      REQUIRE(when > 0);
    }
  }
}

TEST_CASE("receive lane: busy without room in the event ring, or behind an event not yet taken") {
  ReceiveSideDriver driver;
  driver.side->room_i = 0;
  CHECK(driver.send(0, packet(8, 0)) == Answer::busy);
  check_nothing_delivered(driver);
  CHECK(driver.counts[0][count_refused] == 1);
  driver.side->room_i = 1;
  driver.side->event_ready_i = 0;
  CHECK(driver.send(0, packet(8, 0)) == Answer::accepted);
  CHECK(driver.send(0, packet(8, 0)) == Answer::accepted);  // a duplicate needs no room
  CHECK(driver.send(0, packet(8, 1)) == Answer::busy);
  driver.side->event_ready_i = 3;
  driver.step();
  CHECK(driver.send(0, packet(8, 1)) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.size() == 2);
}

TEST_CASE("receive lane: the event waits for the payload") {
  ReceiveSideDriver driver;
  driver.port_busy = true;
  CHECK(driver.send(0, packet(8, 0)) == Answer::accepted);
  driver.steps(3);
  CHECK(driver.events.empty());
  driver.port_busy = false;
  driver.step();
  CHECK(driver.written.size() == 1);
  CHECK(driver.events.empty());
  driver.step();
  CHECK(driver.events.size() == 1);
}

TEST_CASE("receive lane: a packet that breaks off is forgotten, in silence") {
  const Words words = packet(24, 0);
  for (std::size_t length = 1; length < words.size(); ++length) {
    ReceiveSideDriver driver;
    for (std::size_t i = 0; i < length; ++i) {
      driver.step(0, {true, i == 0, false, words[i]});
    }
    SECTION("followed by nothing") {
      driver.steps(3);
      // What comes late does not count.
      driver.step(0, {true, false, true, words.back()});
      CHECK(driver.answer(0) == Answer::none);
    }
    SECTION("followed by a packet for another node") {
      CHECK(driver.send(0, packet_words(message_header(2, me + 1, 0, 0), {})) == Answer::none);
    }
    check_nothing_delivered(driver);
    CHECK(driver.send(0, words) == Answer::accepted);
    driver.steps(4);
    REQUIRE(driver.events.size() == 1);
    CHECK(driver.slot(0, 0, 24) == some_bytes(24));
  }
}

TEST_CASE("receive lane: a packet right behind a broken one is taken") {
  ReceiveSideDriver driver;
  const Words words = packet(24, 0);
  for (std::size_t i = 0; i < 4; ++i) driver.step(0, {true, i == 0, false, words[i]});
  CHECK(driver.send(0, words) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.size() == 1);
  CHECK(driver.slot(0, 0, 24) == some_bytes(24));
}

TEST_CASE("receive lane: a good CRC over a wrong length or an unknown kind is answered corrupt") {
  ReceiveSideDriver driver;
  auto header = message_header(2, me, 8, 0);
  SECTION("more words than the length") { header.set_length(4); }
  SECTION("fewer words than the length") { header.set_length(9); }
  SECTION("a length beyond the most") { header.set_length(256 + 8); }
  SECTION("a length whose low bits fit") { header.set_length(512 + 8); }
  SECTION("an unknown kind") { header.set_kind(static_cast<contract::PacketKind>(2)); }
  CHECK(driver.send(0, packet_words(header, some_bytes(8))) == Answer::corrupt);
  check_nothing_delivered(driver);
  CHECK(driver.counts[0][count_malformed] == 1);
  CHECK(driver.counts[0][count_crc_error] == 0);
}

TEST_CASE("receive lane: packets too short to be one are not answered") {
  ReceiveSideDriver driver;
  const Words words = packet(0, 0);
  CHECK(driver.send(0, {words[0]}) == Answer::none);
  CHECK(driver.send(0, {words[0], words[1]}) == Answer::none);
  check_nothing_delivered(driver);
}

TEST_CASE("receive lane: packets for others leave no trace") {
  ReceiveSideDriver driver;
  for (unsigned other = 0; other < contract::max_nodes; ++other) {
    if (other == me) continue;
    CHECK(driver.send(0, packet_words(message_header(2, other, 20, 0), some_bytes(20))) ==
          Answer::none);
  }
  check_nothing_delivered(driver);
  CHECK(driver.written.empty());
  CHECK(driver.counts[0] == Counts{});
}

TEST_CASE("receive lane: its rules break when its surroundings break theirs") {
  ReceiveSideDriver driver;
  SECTION("a write port that is too slow") {
    driver.port_busy = true;
    CHECK_THAT(broken_rule([&] { driver.send(0, packet(64, 0)); }), Contains("LineIsNotLost"));
  }
  SECTION("more words than a packet can have") {
    CHECK_THAT(broken_rule([&] { driver.send(0, packet(300, 0)); }), Contains("SlotIsNotOverrun"));
  }
}
