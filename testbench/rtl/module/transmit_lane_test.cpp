#include <catch2/catch.hpp>

#include "rtl/bench/rule_capture.h"
#include "rtl/module/transmit_lane_driver.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::Answer;
using contract::EventType;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

Bytes some_bytes(unsigned count, std::uint64_t seed = 1) {
  Random random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.word());
  return bytes;
}

}  // namespace

TEST_CASE("transmit lane: header, payload, zeros to the word and CRC go out, for every length") {
  TransmitLaneDriver driver;
  Random random(2);
  // The slowest port the lane must bear: the other lane goes first.
  driver.read_delay = [&] { return random.below(2); };
  for (unsigned length = 0; length <= contract::max_payload_bytes; ++length) {
    const Bytes payload = some_bytes(length, length);
    driver.grant_delay = 1 + random.below(6);
    const Job job = driver.make_job(payload, 1 + length % 2, length % 256,
                                    static_cast<TrafficClass>(length % 2));
    driver.give(job);
    driver.run_until_events(length + 1);
    REQUIRE(driver.attempts.size() == length + 1);
    REQUIRE(driver.attempts.back().words == packet_words(job.header, payload));
    REQUIRE(driver.attempts.back().control == (length % 2 == 1));
    const contract::EventEntry& event = driver.events.back();
    REQUIRE(event.event_type() == EventType::sent);
    REQUIRE(event.status() == SendStatus::ok);
    REQUIRE(event.cookie() == job.cookie);
    REQUIRE(event.header_0() == job.header.words[0]);
    REQUIRE(event.header_1() == job.header.words[1]);
  }
  CHECK(driver.counts[count_sent] == 257);
  CHECK(driver.counts[count_accepted] == 257);
}

TEST_CASE("transmit lane: another attempt is word for word the same") {
  for (const Answer answer : {Answer::none, Answer::corrupt, Answer::busy}) {
    TransmitLaneDriver driver({.busy = 0, .no_answer = 0, .corrupt = 0});
    const Bytes payload = some_bytes(77);
    const Job job = driver.make_job(payload);
    driver.answers.assign(5, answer);
    driver.give(job);
    driver.run_until_events(1);
    REQUIRE(driver.attempts.size() == 6);
    for (const auto& attempt : driver.attempts) {
      CHECK(attempt.words == packet_words(job.header, payload));
    }
    CHECK(driver.counts[count_no_answer] == (answer == Answer::none ? 5 : 0));
    CHECK(driver.counts[count_corrupt] == (answer == Answer::corrupt ? 5 : 0));
    CHECK(driver.counts[count_busy] == (answer == Answer::busy ? 5 : 0));
    CHECK(driver.path_failed == 0);
  }
}

TEST_CASE("transmit lane: busy answers space the attempts, 16 cycles doubled up to 1024") {
  TransmitLaneDriver driver;
  driver.answers.assign(9, Answer::busy);
  driver.give(driver.make_job(some_bytes(8)));
  driver.run_until([&] { return driver.events.size() == 1; }, 10000);
  REQUIRE(driver.attempts.size() == 10);
  std::uint64_t pause = 16;
  for (std::size_t i = 1; i < driver.attempts.size(); ++i) {
    // Five words, the wire, the answer; then the pause.
    const std::uint64_t answered = driver.attempts[i - 1].grant_cycle + 5 - 1 + 2;
    const std::uint64_t waited = driver.attempts[i].request_cycle - answered;
    CHECK(waited >= pause);
    CHECK(waited <= pause + 2);
    pause = std::min<std::uint64_t>(2 * pause, 1024);
  }
}

TEST_CASE("transmit lane: after the limit of busy answers the packet ends busy, the path is up") {
  TransmitLaneDriver driver({.busy = 3});
  driver.answers.assign(3, Answer::busy);
  driver.give(driver.make_job(some_bytes(8)));
  driver.run_until_events(1);
  CHECK(driver.attempts.size() == 3);
  CHECK(driver.events[0].status() == SendStatus::busy);
  CHECK(driver.path_failed == 0);
  CHECK(driver.counts[count_busy] == 3);
}

TEST_CASE("transmit lane: after the limit of missing or corrupt answers the path has failed") {
  for (const Answer answer : {Answer::none, Answer::corrupt}) {
    TransmitLaneDriver driver({.no_answer = 3, .corrupt = 3});
    driver.lane->other_path_down_i = 0xf;
    driver.answers.assign(3, answer);
    const Job job = driver.make_job(some_bytes(40), 2);
    driver.give(job);
    driver.run_until_events(1);
    CHECK(driver.attempts.size() == 3);
    CHECK(driver.path_failed == 1);
    CHECK(driver.failed_mask == 1U << 2);
    CHECK(driver.events[0].status() == SendStatus::unreachable);
    CHECK(driver.events[0].cookie() == job.cookie);
  }
}

TEST_CASE("transmit lane: only answers in a row count towards a limit") {
  TransmitLaneDriver driver({.no_answer = 2, .corrupt = 2});
  driver.answers = {Answer::none, Answer::busy, Answer::none,    Answer::corrupt,
                    Answer::none, Answer::busy, Answer::corrupt, Answer::busy};
  driver.give(driver.make_job(some_bytes(4)));
  driver.run_until_events(1);
  CHECK(driver.attempts.size() == 9);
  CHECK(driver.path_failed == 0);
  CHECK(driver.events[0].status() == SendStatus::ok);
}

TEST_CASE("transmit lane: a limit of 0 is never reached") {
  TransmitLaneDriver driver({.busy = 0, .no_answer = 0, .corrupt = 0});
  const Answer answer = GENERATE(Answer::none, Answer::corrupt);
  driver.answers.assign(600, answer);
  driver.give(driver.make_job({}));
  driver.run_until([&] { return driver.events.size() == 1; }, 20000);
  CHECK(driver.attempts.size() == 601);
  CHECK(driver.path_failed == 0);
}

TEST_CASE("transmit lane: a bus that does not grant in time has failed") {
  TransmitLaneDriver driver({.grant = 50});
  driver.lane->other_path_down_i = 0xf;
  driver.grant_delay = 0;
  const std::uint64_t start = driver.lane.cycle();
  driver.give(driver.make_job(some_bytes(4)));
  driver.run_until_events(1);
  CHECK(driver.attempts.empty());
  CHECK(driver.path_failed == 1);
  CHECK(driver.counts[count_no_answer] == 1);
  CHECK(driver.events[0].status() == SendStatus::unreachable);
  CHECK(driver.last_event_cycle - start >= 50);
  CHECK(driver.last_event_cycle - start <= 56);
}

TEST_CASE("transmit lane: a grant in the last moment is used, and none comes after that") {
  const auto traffic_class = GENERATE(TrafficClass::data, TrafficClass::control);
  for (unsigned delay = 1; delay <= 30; ++delay) {
    TransmitLaneDriver driver({.grant = 20});
    driver.lane->other_path_down_i = 0xf;
    driver.grant_delay = delay;  // counted from the request; the bus does not see a withdrawn one
    const Bytes payload = some_bytes(4);
    const Job job = driver.make_job(payload, 1, 0, traffic_class);
    driver.give(job);
    driver.run_until_events(1);
    for (int i = 0; i < 20; ++i) driver.step();
    if (driver.attempts.empty()) {
      CHECK(delay > 20);
      CHECK(driver.events[0].status() == SendStatus::unreachable);
    } else {
      CHECK(delay <= 20);
      REQUIRE(driver.attempts.size() == 1);
      CHECK(driver.attempts[0].words == packet_words(job.header, payload));
      CHECK(driver.events[0].status() == SendStatus::ok);
    }
  }
}

TEST_CASE("transmit lane: when its path fails the packet moves to the other lane unchanged") {
  TransmitLaneDriver driver({.no_answer = 2});
  driver.answers.assign(2, Answer::none);
  const Job job = driver.make_job(some_bytes(33), 1, 99);
  driver.give(job);
  driver.run_until([&] { return driver.lane->move_valid_o != 0; });
  CHECK(driver.path_failed == 1);
  for (int i = 0; i < 30; ++i) driver.step();
  CHECK(driver.lane->active_o == 1);
  CHECK(driver.lane->destination_o == 1);
  CHECK(Job::get(driver.lane->move_job_o) == job);
  driver.lane->move_ready_i = 1;
  driver.step();
  driver.lane->move_ready_i = 0;
  driver.lane.settle();
  CHECK(driver.lane->active_o == 0);
  CHECK(driver.lane->idle_o == 1);
  for (int i = 0; i < 30; ++i) driver.step();
  CHECK(driver.events.empty());
  CHECK(driver.attempts.size() == 2);
}

TEST_CASE("transmit lane: a packet that waits to move ends unreachable if the other path fails") {
  TransmitLaneDriver driver({.no_answer = 1});
  driver.answers.assign(1, Answer::none);
  driver.give(driver.make_job(some_bytes(33), 1));
  driver.run_until([&] { return driver.lane->move_valid_o != 0; });
  driver.lane->other_path_down_i = 1U << 1;
  driver.run_until_events(1);
  CHECK(driver.events[0].status() == SendStatus::unreachable);
}

TEST_CASE("transmit lane: a packet that moves in is sent with its own number and fresh limits") {
  TransmitLaneDriver driver({.no_answer = 2});
  const Bytes payload = some_bytes(100);
  const Job job = driver.make_job(payload, 2, 200, TrafficClass::control);
  driver.answers = {Answer::none};
  job.put(driver.lane->move_job_i);
  driver.lane->move_valid_i = 1;
  driver.lane.settle();
  CHECK(driver.lane->move_ready_o == 1);
  CHECK(driver.lane->job_ready_o == 0);
  driver.step();
  driver.lane->move_valid_i = 0;
  driver.run_until_events(1);
  REQUIRE(driver.attempts.size() == 2);
  CHECK(driver.attempts[0].words == packet_words(job.header, payload));
  CHECK(driver.events[0].status() == SendStatus::ok);
}

TEST_CASE("transmit lane: a packet that waits to move in goes before any new one") {
  TransmitLaneDriver driver;
  driver.give(driver.make_job(some_bytes(8)));
  driver.make_job(some_bytes(8), 2, 7).put(driver.lane->move_job_i);
  driver.lane->move_valid_i = 1;
  unsigned offered = 0;
  driver.run_until([&] {
    driver.lane.settle();
    offered += driver.lane->job_ready_o;
    return driver.lane->move_ready_o != 0;
  });
  driver.step();
  driver.lane->move_valid_i = 0;
  CHECK(offered == 0);
  driver.run_until_events(2);
  CHECK(driver.events[1].header_1() >> 12 == 7);
}

TEST_CASE("transmit lane: two lanes that both want to move swap their packets") {
  TransmitLaneDriver driver({.no_answer = 1});
  driver.answers.assign(1, Answer::none);
  const Job own = driver.make_job(some_bytes(16), 1, 1);
  const Job other = driver.make_job(some_bytes(16), 2, 2);
  driver.give(own);
  driver.run_until([&] { return driver.lane->move_valid_o != 0; });
  other.put(driver.lane->move_job_i);
  driver.lane->move_valid_i = 1;
  driver.lane->move_ready_i = 1;
  driver.lane.settle();
  CHECK(driver.lane->move_ready_o == 1);
  CHECK(Job::get(driver.lane->move_job_o) == own);
  driver.step();
  driver.lane->move_valid_i = 0;
  driver.lane->move_ready_i = 0;
  driver.run_until_events(1);
  CHECK(driver.attempts.back().words == packet_words(other.header, some_bytes(16)));
  CHECK(driver.events[0].cookie() == other.cookie);
}

TEST_CASE("transmit lane: an event stays until it is taken, and holds up the next packet's") {
  TransmitLaneDriver driver({.busy = 1});
  driver.lane->event_ready_i = 0;
  driver.answers = {Answer::accepted, Answer::busy};
  driver.give(driver.make_job(some_bytes(8), 1, 1));
  driver.give(driver.make_job(some_bytes(8), 1, 2));
  for (int i = 0; i < 100; ++i) driver.step();
  CHECK(driver.attempts.size() == 2);
  CHECK(driver.lane->active_o == 1);
  CHECK(driver.lane->job_ready_o == 0);
  CHECK(get_event(driver.lane->event_o).cookie() == 0xc0de0001);
  driver.lane->event_ready_i = 1;
  driver.run_until_events(2);
  CHECK(driver.events[0].cookie() == 0xc0de0001);
  CHECK(driver.events[0].status() == SendStatus::ok);
  CHECK(driver.events[1].cookie() == 0xc0de0002);
  CHECK(driver.events[1].status() == SendStatus::busy);
  driver.lane.settle();
  CHECK(driver.lane->idle_o == 1);
}

TEST_CASE("transmit lane: the next packet is taken in the answer slot of the last") {
  TransmitLaneDriver driver;
  for (unsigned i = 0; i < 4; ++i) driver.give(driver.make_job(some_bytes(256), 1, i));
  driver.run_until_events(4);
  for (std::size_t i = 1; i < 4; ++i) {
    // 67 words, wire, answer, request: then the next grant.
    CHECK(driver.attempts[i].grant_cycle - driver.attempts[i - 1].grant_cycle == 67 + 3);
  }
}

TEST_CASE("transmit lane: a grant left over from before the engine was disabled is let pass") {
  TransmitLaneDriver driver;
  driver.lane->grant_i = 1;
  driver.lane.settle();
  CHECK(driver.lane->job_ready_o == 0);
  CHECK(driver.lane->move_ready_o == 0);
  for (int i = 0; i < 10; ++i) driver.lane.tick();
  driver.lane->grant_i = 0;
  driver.lane.settle();
  CHECK(driver.lane->job_ready_o == 1);
}

TEST_CASE("transmit lane: its rules break when its surroundings break theirs") {
  TransmitLaneDriver driver;
  SECTION("a job while it has one") {
    driver.give(driver.make_job(some_bytes(8)));
    driver.lane->job_valid_i = 1;
    CHECK_THAT(broken_rule([&] { driver.step(); }), Contains("StartOnlyWhenReady"));
  }
  SECTION("a grant in a pause") {
    driver.answers = {Answer::busy};
    driver.give(driver.make_job(some_bytes(8)));
    driver.run_until([&] { return driver.counts[count_busy] == 1; });
    driver.lane->grant_i = 1;
    CHECK_THAT(broken_rule([&] { driver.lane.tick(); }), Contains("GrantOnlyWhenAsked"));
  }
  SECTION("a gap in the grant") {
    driver.give(driver.make_job(some_bytes(8)));
    driver.run_until([&] { return driver.counts[count_sent] == 1; });
    driver.lane->grant_i = 0;
    CHECK_THAT(broken_rule([&] { driver.lane.tick(); }), Contains("SendIsGranted"));
  }
  SECTION("a read port that is too slow") {
    driver.read_delay = [] { return 10U; };
    driver.give(driver.make_job(some_bytes(64)));
    CHECK_THAT(broken_rule([&] { driver.run_until_events(1); }), Contains("PayloadIsThere"));
  }
  SECTION("a new packet and a moved one at once") {
    driver.lane->job_valid_i = 1;
    driver.lane->move_valid_i = 1;
    CHECK_THAT(broken_rule([&] { driver.step(); }), Contains("OnlyOneSource"));
  }
}
