// Remote writes and reads at the receiver: windows, and what they refuse.
#include <catch2/catch.hpp>

#include "rtl/bench/rule_capture.h"
#include "rtl/module/receive_packets.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::Answer;
using contract::EventType;

namespace {

contract::ReadRequest read_request(unsigned length, std::uint32_t reply) {
  return contract::ReadRequest{}.set_length(length).set_reply(reply);
}

}  // namespace

TEMPLATE_TEST_CASE("receiving: a write of any length changes exactly its bytes", "", Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  using Driver = ReceiveSideDriver<TestType>;
  Driver driver;
  for (unsigned length = 1; length <= contract::max_payload_bytes; ++length) {
    const unsigned bus = length % 2;
    const auto window = window_word(length % 32, length % 256, length % 100);
    driver.ram.assign(driver.ram.size(), 0xcc);
    REQUIRE(driver.send(bus, Packets::write(length, length, window)) == Answer::accepted);
    driver.steps(18);
    Bytes expected(driver.ram.size(), 0xcc);
    const Bytes payload = some_bytes(length);
    std::copy(payload.begin(), payload.end(),
              expected.begin() + 16 * (Driver::window_line + window.offset()));
    REQUIRE((driver.ram == expected));
    REQUIRE(driver.lookups.size() == length);
    const Lookup& asked = driver.lookups.back();
    REQUIRE(asked.place == window);
    REQUIRE(asked.length == length);
    REQUIRE(asked.peer == 2);
    REQUIRE(asked.write);
    REQUIRE_FALSE(asked.own);
  }
  CHECK(driver.events.empty());
  CHECK(driver.claims == 0);
  CHECK(driver.counts[0][count_stored] + driver.counts[1][count_stored] == 256);
  CHECK(driver.tail(0) == 0);
  CHECK(driver.idle());
}

TEMPLATE_TEST_CASE("receiving: the write that notifies has an event behind its payload", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  const auto window = window_word(3, 9, 5);
  CHECK(driver.send(1, Packets::write(256, 1, window)) == Answer::accepted);
  CHECK(driver.send(1, Packets::write(40, 2, window, true)) == Answer::accepted);
  driver.steps(30);
  REQUIRE(driver.events.size() == 1);
  CHECK(driver.events[0].event_type() == EventType::stored);
  CHECK(static_cast<unsigned>(driver.events[0].bus()) == 1);
  CHECK(driver.events[0].cookie() == window.words[0]);
  CHECK(contract::PacketHeader{{0, driver.events[0].header_1()}}.sequence_number() == 2);
  CHECK(driver.claims == 1);
  CHECK(driver.counts[1][count_stored] == 2);
  // A duplicate writes nothing, and asks no leave.
  driver.written.clear();
  driver.allowed = false;
  CHECK(driver.send(0, Packets::write(40, 2, window, true)) == Answer::accepted);
  driver.steps(10);
  CHECK(driver.written.empty());
  CHECK(driver.events.size() == 1);
}

TEMPLATE_TEST_CASE("receiving: only a write that notifies needs room for an event", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.side->room_i = 0;
  CHECK(driver.send(0, Packets::write(8, 0, window_word(0, 0, 0))) == Answer::accepted);
  CHECK(driver.send(0, Packets::write(8, 1, window_word(0, 0, 0), true)) == Answer::busy);
  CHECK(driver.counts[0][count_refused] == 1);
  CHECK(driver.counts[0][count_stored] == 1);
}

TEMPLATE_TEST_CASE("receiving: what the window does not allow is refused and told to the CPU", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.allowed = false;
  const auto window = window_word(7, 1, 2);
  Beats beats;
  SECTION("a write") { beats = Packets::write(40, 0, window, true); }
  SECTION("a write of nothing") {
    beats = Packets::write(0, 0, window);
    driver.allowed = GENERATE(false, true);  // the reply would come too late to matter
    driver.x_is_asked = true;
  }
  SECTION("a read") { beats = Packets::read(read_request(40, 99), 0, window); }
  driver.side->room_i = 0;
  CHECK(driver.send(1, beats) == Answer::busy);
  check_nothing_accepted(driver);
  driver.side->room_i = 1;
  CHECK(driver.send(1, beats) == Answer::refused);
  driver.steps(6);
  CHECK(driver.written.empty());
  CHECK(driver.reads.empty());
  REQUIRE(driver.events.size() == 1);
  CHECK(driver.claims == 1);
  CHECK(driver.events[0].event_type() == EventType::violation);
  CHECK(driver.events[0].cookie() == window.words[0]);
  CHECK(driver.events[0].header_0() == static_cast<std::uint32_t>(beats[0]));
  CHECK(static_cast<unsigned>(driver.events[0].bus()) == 1);
  CHECK(driver.counts[1][count_violation] == 1);
  CHECK(driver.counts[1][count_refused] == 1);
}

TEMPLATE_TEST_CASE("receiving: a read is handed to the read server, and busy when it has no room",
                   "", Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  const auto window = window_word(31, 255, 65535);
  const auto request = read_request(1048575, 0xfedcba98);
  driver.side->read_room_i = 0;
  CHECK(driver.send(1, Packets::read(request, 1, window, 9)) == Answer::busy);
  check_nothing_accepted(driver);
  driver.side->read_room_i = 1;
  CHECK(driver.send(1, Packets::read(request, 1, window, 9)) == Answer::accepted);
  CHECK(driver.send(1, Packets::read(request, 1, window, 9)) == Answer::accepted);  // again
  driver.steps(4);
  REQUIRE(driver.reads.size() == 1);
  CHECK(driver.reads[0].request == request);
  CHECK(driver.reads[0].window == window);
  CHECK(driver.reads[0].source == 9);
  CHECK(driver.reads[0].bus == 1);
  const Lookup& asked = driver.lookups.front();
  CHECK(asked.place == window);
  CHECK(asked.length == 1048575);
  CHECK(asked.peer == 9);
  CHECK_FALSE(asked.write);
  CHECK_FALSE(asked.own);
  CHECK(driver.events.empty());
  CHECK(driver.written.empty());
  CHECK(driver.claims == 0);
  CHECK(driver.counts[1][count_served] == 1);
  CHECK(driver.counts[1][count_duplicate] == 1);
}

TEMPLATE_TEST_CASE("receiving: the shortest packets have their leave in time, also behind lane X",
                   "", Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  using Driver = ReceiveSideDriver<TestType>;
  Driver driver;
  driver.x_is_asked = GENERATE(false, true);
  const bool both = GENERATE(false, true);
  for (unsigned length = 1; length <= 20; ++length) {
    Beats beats[2] = {Packets::write(length, length, window_word(0, 0, 0), false, 3),
                      Packets::write(length, length, window_word(1, 0, 2), false, 4)};
    if (length % 4 == 3) {
      for (unsigned b = 0; b < 2; ++b) {
        beats[b] = Packets::read(read_request(length, 0), length, window_word(b, 0, 0), 3 + b);
      }
    }
    driver.allowed = length % 3 != 0;
    for (std::size_t i = 0; i < beats[1].size(); ++i) {
      for (unsigned b = both ? 0 : 1; b < 2; ++b) {
        driver.put(b, {true, i == 0, i + 1 == beats[b].size(), beats[b][i]});
      }
      driver.step();
    }
    driver.step();
    for (unsigned b = both ? 0 : 1; b < 2; ++b) {
      CHECK(driver.answer(b) == (driver.allowed ? Answer::accepted : Answer::refused));
    }
    driver.steps(6);
  }
}

TEMPLATE_TEST_CASE("receiving: nothing is accepted under a window's terms after a new post", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  using Driver = ReceiveSideDriver<TestType>;
  const bool is_read = GENERATE(false, true);
  const unsigned posted = GENERATE(6u, 7u);
  const Beats beats = is_read ? Packets::read(read_request(40, 0), 0, window_word(6, 0, 0))
                              : Packets::write(40, 0, window_word(6, 0, 0));
  bool refused_before = false, accepted_after = false;
  for (std::size_t when = 0; when < beats.size() + 3; ++when) {
    Driver driver;
    std::size_t asked_at = 0;
    Answer answer = Answer::none;
    for (std::size_t i = 0; i < beats.size() + 3; ++i) {
      if (i == when) driver.post(posted);
      if (i < beats.size()) driver.put(0, {true, i == 0, i + 1 == beats.size(), beats[i]});
      const std::size_t before = driver.lookups.size();
      driver.step();
      if (driver.lookups.size() != before) asked_at = i;
      if (driver.answer(0) != Answer::none) answer = driver.answer(0);
    }
    // The question's cycle, in which the table itself knows of the post; the verdict's is that
    // after the last beat.
    const bool in_time = when > asked_at && when <= beats.size();
    CAPTURE(when, asked_at);
    CHECK(answer == (posted == 6 && in_time ? Answer::refused : Answer::accepted));
    driver.steps(8);
    if (answer == Answer::refused) {
      refused_before = true;
      CHECK(driver.written.empty());
      CHECK(driver.reads.empty());
      CHECK(driver.counts[0][count_violation] == 1);
    } else if (when > beats.size()) {
      accepted_after = true;
      CHECK((driver.reads.size() == 1 || driver.written.size() == 3));
    }
  }
  CHECK(refused_before == (posted == 6));
  CHECK(accepted_after);
}

TEMPLATE_TEST_CASE("receiving: writes broken off or corrupt never reach node RAM", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  const Beats beats = Packets::write(200, 0, window_word(0, 0, 0), true);
  ReceiveSideDriver<TestType> driver;
  for (std::size_t length = 1; length <= beats.size(); ++length) {
    for (std::size_t i = 0; i < length; ++i) {
      const bool wrong = i + 1 == beats.size();
      driver.step(0, {true, i == 0, wrong, beats[i] ^ (wrong ? 1U : 0U)});
    }
    driver.steps(length % 5);
  }
  check_nothing_accepted(driver);
  CHECK(driver.counts[0][count_broken_off] == beats.size() - 1);
  CHECK(driver.counts[0][count_crc_error] == 1);
}

TEMPLATE_TEST_CASE("receiving: its rule breaks when the window table is too slow", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.serve_y = false;
  CHECK_THAT(broken_rule([&] { driver.send(1, Packets::write(40, 0, window_word(0, 0, 0))); }),
             Contains("ServedInTime"));
}
