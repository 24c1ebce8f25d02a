#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <utility>

#include "rtl/bench/rule_capture.h"
#include "rtl/module/transmit_lane_driver.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::Answer;
using contract::PacketKind;
using contract::Route;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr unsigned x = 0, y = 1;
const PathLimits never{.missing = 1, .corrupt = 1, .suspect = 255, .down = 255};

Bytes some_bytes(unsigned count, std::uint64_t seed = 1) {
  Random random(seed);
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.word());
  return bytes;
}

}  // namespace

#define LANES_TEST(name) TEMPLATE_TEST_CASE(name, "", Lanes32, Lanes64)

LANES_TEST("transmit lane: packets of every length and kind go out whole, on both buses at once") {
  TransmitLaneDriver<TestType> driver;
  Random random(choose_seed(2));
  driver.grant_delay = [&](unsigned) { return random.once_in(2) ? 1 : 1 + random.below(20); };
  std::vector<std::pair<Job, Bytes>> jobs;
  for (unsigned i = 0; i < 800; ++i) {
    const unsigned lane = random.below(2);
    Bytes payload = some_bytes(i < 514 ? i / 2 : random.below(257), i);
    const auto kind = random.below(3);
    std::uint64_t request = 0;
    if (kind == 2) {
      payload = some_bytes(8, i);
      for (unsigned k = 0; k < 8; ++k) request |= std::uint64_t{payload[k]} << 8 * k;
      payload.resize(16);
    }
    driver.run_until([&] { return driver.ready(lane); });
    // Each lane's payload stays in its place until the next is given.
    Job job = driver.make_job(payload, 1U << random.below(8), i, 0x40 + 0x20 * lane);
    job.offer.kind = static_cast<PacketKind>(1 + kind);
    job.offer.window = random.word();
    job.offer.notify = random.once_in(2);
    job.offer.request = request;
    job.offer.traffic_class = static_cast<TrafficClass>(random.below(2));
    driver.give(job, lane);
    jobs.emplace_back(job, payload);
  }
  driver.run_until_events(jobs.size());
  REQUIRE(driver.attempts.size() == jobs.size());
  for (const auto& attempt : driver.attempts) {
    // Word 1 of the header has the number.
    const auto word = TestType::data_width == 32 ? attempt.beats[1] : attempt.beats[0] >> 32;
    const auto& [job, payload] = jobs.at(word >> 12 & 0xffff);
    REQUIRE(attempt.beats == driver.beats_of(job, payload, job.left));
    REQUIRE(attempt.control == (job.offer.traffic_class == TrafficClass::control));
  }
  for (const auto& event : driver.events) CHECK(event.status() == SendStatus::ok);
}

LANES_TEST("transmit lane: a data packet that waits makes way, one of control does not") {
  TransmitLaneDriver<TestType> driver;
  driver.grant_delay = [](unsigned) { return 0U; };
  Job job = driver.make_job(some_bytes(100));
  job.offer.traffic_class = GENERATE(TrafficClass::data, TrafficClass::control);
  driver.give(job);
  driver.run(20);
  driver.lanes->yield_i = 1;
  driver.run(10);
  driver.lanes->yield_i = 0;
  CHECK(driver.ready(x) == (job.offer.traffic_class == TrafficClass::data));
  CHECK(driver.attempts.empty());
  CHECK(driver.events.empty());
}

LANES_TEST("transmit lane: a data packet that pauses makes way, and has the rest of its pause after") {
  // Also one that has moved: it waits for a grant before others, but for a busy node like them.
  const unsigned moves = GENERATE(0, 1);
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned, unsigned) { return Answer::busy; };
  Job job = driver.make_job(some_bytes(100));
  job.moves = moves;
  job.busy = 3;  // the next pause is of 128 cycles
  driver.give(job);
  driver.run_until([&] { return driver.counts[x][count_busy] == 1; });
  driver.run(50);
  REQUIRE(driver.attempts.size() == 1);
  driver.lanes->yield_i = 1;
  driver.lanes.settle();
  REQUIRE((driver.lanes->yields_o & 1) == 1);
  const Job parked = Job::get(driver.lanes->yielded_o);
  const unsigned left = driver.lanes->yielded_pause_o;
  CHECK(left < 128 - 40);
  CHECK(left > 128 - 60);
  driver.step();
  driver.lanes->yield_i = 0;
  REQUIRE(driver.ready(x));

  driver.run(30);
  CHECK(driver.attempts.size() == 1);
  const std::uint64_t given = driver.now();
  driver.answer = [](unsigned, unsigned) { return Answer::accepted; };
  driver.give(parked, x, left);
  driver.run_until_events(1);
  REQUIRE(driver.attempts.size() == 2);
  CHECK(driver.attempts[1].request_cycle - given >= left);
  CHECK(driver.attempts[1].request_cycle - given <= left + 8);
}

LANES_TEST("transmit lane: a control packet that pauses does not make way") {
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned, unsigned) { return Answer::busy; };
  Job job = driver.make_job(some_bytes(100));
  job.offer.traffic_class = TrafficClass::control;
  driver.give(job);
  driver.run_until([&] { return driver.counts[x][count_busy] == 1; });
  driver.lanes->yield_i = 1;
  driver.run(5);
  CHECK((driver.lanes->yields_o & 1) == 0);
  CHECK(!driver.ready(x));
}

LANES_TEST("transmit lane: a packet that is granted as it makes way goes out, and only then") {
  // The request is taken back in the cycle after yield_i; a grant given for it comes then at the
  // latest, and is used.
  for (unsigned delay = 1; delay < 12; ++delay) {
    TransmitLaneDriver<TestType> driver;
    driver.grant_delay = [&](unsigned) { return delay; };
    driver.give(driver.make_job(some_bytes(100)));
    driver.run(6);
    driver.lanes->yield_i = 1;
    unsigned yielded = 0;
    for (unsigned i = 0; i < 4; ++i) {
      driver.lanes.settle();
      yielded += (driver.lanes->yields_o & 1) != 0 && (driver.lanes->grant_i & 1) == 0;
      driver.step();
    }
    driver.lanes->yield_i = 0;
    driver.run(200);
    CHECK(driver.attempts.size() + yielded == 1);
    CHECK(driver.events.size() + yielded == 1);
  }
}

LANES_TEST("transmit lane: a parked packet that is lost keeps its number if it may have arrived") {
  TransmitLaneDriver<TestType> driver({}, {.missing = 1, .corrupt = 1, .suspect = 1, .down = 2});
  // How the attempt before it was parked was answered, if there was one.
  using Answers = std::vector<Answer>;
  const Answers given = GENERATE(Answers{}, Answers{Answer::none}, Answers{Answer::corrupt},
                                 Answers{Answer::busy});
  const bool may_have_arrived = given == Answers{Answer::none};
  const auto forced = [&](Route route, unsigned lane) {
    Job job = driver.make_job(some_bytes(8), 2, 100 + lane, 0x80);
    job.offer.traffic_class = TrafficClass::control;
    job.offer.route = route;
    driver.give(job, lane);
  };
  driver.answer = [](unsigned, unsigned) { return Answer::none; };
  forced(Route::y, y);
  driver.run_until_events(1);
  REQUIRE(driver.lanes->down_o == 0x00020000);

  std::size_t asked = 0;
  driver.answer = [&](unsigned, unsigned) { return given.at(asked++); };
  driver.grant_delay = [&](unsigned) { return asked < given.size() ? 1U : 0U; };
  driver.settled = 0;
  driver.give(driver.make_job(some_bytes(8), 2, 7));
  driver.run(40);
  REQUIRE(asked == given.size());
  driver.lanes->yield_i = 1;
  driver.run_until([&] {
    driver.lanes.settle();
    return (driver.lanes->yields_o & 1) != 0;
  });
  const Job parked = Job::get(driver.lanes->yielded_o);
  driver.step();
  driver.lanes->yield_i = 0;
  CHECK(parked.sequence_number == 7);
  CHECK(parked.left == 2);
  CHECK(parked.unsure == (may_have_arrived ? 2 : 0));
  CHECK(driver.settled == 0);

  // The urgent packet finds X down, too.
  driver.answer = [](unsigned, unsigned) { return Answer::none; };
  driver.grant_delay = [](unsigned) { return 1U; };
  forced(Route::x, x);
  driver.run_until_events(2);
  REQUIRE(driver.lanes->down_o == 0x00020002);
  driver.settled = 0;
  const auto attempts = driver.attempts.size();
  driver.give(parked);  // its busy answers are forgotten: they would not matter
  driver.run_until_events(3);
  CHECK(driver.attempts.size() == attempts);
  CHECK(driver.events[2].status() == SendStatus::unreachable);
  CHECK(driver.events[2].missed() == 2);
  CHECK(driver.settled == (may_have_arrived ? 2 : 0));
}

LANES_TEST("transmit lane: who was silent, then lost while another was asked, keeps the number") {
  TransmitLaneDriver<TestType> driver({}, {.missing = 1, .corrupt = 1, .suspect = 1, .down = 1});
  // Node 1 is silent on both buses, and on X node 2 is busy once.
  bool busy = true;
  driver.answer = [&](unsigned, unsigned node) {
    if (node == 1) return Answer::none;
    return std::exchange(busy, false) ? Answer::busy : Answer::accepted;
  };
  driver.give(driver.make_job(some_bytes(8), 6, 7));
  Job job = driver.make_job(some_bytes(8), 2, 8, 0x80);
  job.offer.traffic_class = TrafficClass::control;
  job.offer.route = Route::y;
  driver.give(job, y);
  driver.run_until_events(1);
  REQUIRE(driver.events[0].bus() == contract::BusId::y);
  REQUIRE(driver.lanes->down_o == 0x00020002);
  REQUIRE(driver.attempts.size() == 2);
  driver.settled = 0;
  driver.run_until_events(2);
  REQUIRE(driver.attempts.size() == 3);
  CHECK(driver.attempts[2].dst_mask() == 4);
  CHECK(driver.events[1].status() == SendStatus::unreachable);
  CHECK(driver.events[1].missed() == 2);
  CHECK(driver.settled == 6);
}

LANES_TEST("transmit lane: the packets of a flow follow each other every beats + 4 cycles") {
  for (const unsigned length : {0U, 4U, 32U, 256U}) {
    TransmitLaneDriver<TestType> driver;
    const Bytes payload = some_bytes(length);
    Job job;
    for (unsigned i = 0; i < 4; ++i) driver.give(job = driver.make_job(payload, 2, i));
    driver.run_until_events(4);
    const auto beats = driver.beats_of(job, payload, 2).size();
    for (std::size_t i = 1; i < 4; ++i) {
      CHECK(driver.attempts[i].grant_cycle - driver.attempts[i - 1].grant_cycle == beats + 4);
    }
  }
}

LANES_TEST("transmit lane: another attempt is beat for beat the same") {
  for (const Answer answer : {Answer::none, Answer::corrupt, Answer::busy}) {
    TransmitLaneDriver<TestType> driver({}, never);
    const Bytes payload = some_bytes(77);
    const Job job = driver.make_job(payload);
    unsigned left = 5;
    driver.answer = [&](unsigned, unsigned) {
      return left == 0 ? Answer::accepted : (--left, answer);
    };
    driver.give(job);
    driver.run_until_events(1);
    REQUIRE(driver.attempts.size() == 6);
    for (const auto& attempt : driver.attempts) {
      CHECK(attempt.beats == driver.beats_of(job, payload, 2));
    }
    CHECK(driver.counts[x][count_sent] == 6);
    CHECK(driver.counts[x][count_accepted] == 1);
    CHECK(driver.counts[x][count_no_answer] == (answer == Answer::none ? 5 : 0));
    CHECK(driver.counts[x][count_corrupt] == (answer == Answer::corrupt ? 5 : 0));
    CHECK(driver.counts[x][count_busy] == (answer == Answer::busy ? 5 : 0));
  }
}

LANES_TEST("transmit lane: busy answers space the attempts, 16 cycles doubled up to 1024") {
  TransmitLaneDriver<TestType> driver;
  unsigned left = 9;
  driver.answer = [&](unsigned, unsigned) {
    return left == 0 ? Answer::accepted : (--left, Answer::busy);
  };
  driver.give(driver.make_job(some_bytes(8)));
  driver.run_until_events(1);
  REQUIRE(driver.attempts.size() == 10);
  std::uint64_t pause = 16;
  for (std::size_t i = 1; i < driver.attempts.size(); ++i) {
    const auto& before = driver.attempts[i - 1];
    const std::uint64_t answered = before.grant_cycle + before.beats.size() - 1 + 2;
    const std::uint64_t waited = driver.attempts[i].request_cycle - answered;
    CHECK(waited >= pause);
    CHECK(waited <= pause + 4);
    pause = std::min<std::uint64_t>(2 * pause, 1024);
  }
}

LANES_TEST("transmit lane: at the limit of busy answers, in a row or not, a packet ends busy") {
  TransmitLaneDriver<TestType> driver({.busy = 3}, never);
  unsigned attempt = 0;
  driver.answer = [&](unsigned, unsigned) {
    return attempt++ % 2 == 0 ? Answer::busy : Answer::none;
  };
  driver.give(driver.make_job(some_bytes(8), 4));
  driver.run_until_events(1);
  CHECK(driver.attempts.size() == 5);
  CHECK(driver.events[0].status() == SendStatus::busy);
  CHECK(driver.events[0].missed() == 4);
  CHECK(driver.settled == 0);
}

LANES_TEST("transmit lane: a read ends at its first busy answer, and keeps no number") {
  TransmitLaneDriver<TestType> driver({.busy = 64}, never);
  // Whatever came before.
  std::vector<Answer> given =
      GENERATE(std::vector<Answer>{}, std::vector<Answer>{Answer::none},
               std::vector<Answer>{Answer::corrupt, Answer::none, Answer::corrupt});
  const auto before = given.size();
  given.push_back(Answer::busy);
  std::size_t asked = 0;
  driver.answer = [&](unsigned, unsigned) { return given.at(asked++); };
  Job job = driver.make_job(Bytes(16), 4, 12);
  job.offer.origin = Origin::write;
  job.offer.kind = PacketKind::read;
  driver.give(job);
  driver.run_until([&] { return driver.fates.size() == 1; });
  const std::uint64_t ended = driver.now();
  driver.run(2000);
  CHECK(driver.idle());
  REQUIRE(driver.attempts.size() == before + 1);
  CHECK(driver.counts[x][count_busy] == 1);
  CHECK(driver.fates.size() == 1);
  CHECK(driver.fates[0].status == static_cast<unsigned>(SendStatus::busy));
  CHECK(driver.fates[0].origin == static_cast<unsigned>(Origin::write));
  CHECK(driver.settled == 0);
  // At once: nothing is waited for after the answer, the second cycle after the last beat.
  const auto& last = driver.attempts.back();
  CHECK(ended - (last.grant_cycle + last.beats.size() - 1) <= 4);
}

LANES_TEST("transmit lane: of several destinations only those left are asked again") {
  TransmitLaneDriver<TestType> driver({.busy = 4});
  // Node 0 accepts, 1 is busy twice, 2 refuses, 3 never has room, 4 is corrupt once.
  std::array<unsigned, 16> asked{};
  driver.answer = [&](unsigned, unsigned node) {
    const unsigned times = ++asked[node];
    if (node == 1) return times <= 2 ? Answer::busy : Answer::accepted;
    if (node == 2) return Answer::refused;
    if (node == 3) return Answer::busy;
    if (node == 4) return times == 1 ? Answer::corrupt : Answer::accepted;
    return Answer::accepted;
  };
  const Bytes payload = some_bytes(30);
  const Job job = driver.make_job(payload, 0x1f, 77);
  driver.give(job);
  driver.run_until_events(1);
  const std::array<unsigned, 4> masks{0x1f, 0x1a, 0x0a, 0x08};
  REQUIRE(driver.attempts.size() == masks.size());
  for (std::size_t i = 0; i < masks.size(); ++i) {
    CHECK(driver.attempts[i].beats == driver.beats_of(job, payload, masks[i]));
  }
  CHECK(driver.events[0].status() == SendStatus::denied);
  CHECK(driver.events[0].missed() == 0x0c);
  CHECK((driver.events[0].header_0() & 0xffff) == 0x1f);
  CHECK(driver.settled == 0x17);
  CHECK(driver.counts[x][count_denied] == 1);
}

LANES_TEST("transmit lane: a packet leaves a suspect path for a better one, urgent, unchanged") {
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned bus, unsigned) {
    return bus == x ? Answer::none : Answer::accepted;
  };
  const Bytes payload = some_bytes(33);
  const Job job = driver.make_job(payload, 2, 99);
  driver.give(job);
  driver.run_until_events(1);
  REQUIRE(driver.attempts.size() == 2);
  CHECK_FALSE(driver.attempts[0].control);
  CHECK(driver.attempts[1].bus == y);
  CHECK(driver.attempts[1].control);
  CHECK(driver.attempts[1].beats == driver.beats_of(job, payload, 2));
  CHECK(driver.counts[x][count_moved] == 1);
  CHECK(driver.events[0].status() == SendStatus::ok);
  CHECK(driver.events[0].bus() == contract::BusId::y);
  CHECK(driver.lanes->suspect_o == 2);
}

LANES_TEST("transmit lane: with both paths down a packet ends unreachable, some are not tried") {
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned, unsigned node) {
    return node == 1 ? Answer::none : Answer::accepted;
  };
  driver.give(driver.make_job(some_bytes(33), 2));
  driver.run_until_events(1);
  CHECK(driver.attempts.size() == 4);
  CHECK(driver.events[0].status() == SendStatus::unreachable);
  CHECK(driver.events[0].missed() == 2);
  CHECK(driver.lanes->down_o == 0x00020002);
  CHECK(driver.settled == 2);
  driver.settled = 0;
  driver.give(driver.make_job(some_bytes(33), 6, 1));
  driver.run_until_events(2);
  CHECK(driver.attempts.size() == 5);
  CHECK(driver.events[1].status() == SendStatus::unreachable);
  CHECK(driver.events[1].missed() == 2);
  CHECK(driver.settled == 4);
}

LANES_TEST("transmit lane: a forced packet is tried once on a path that is down, and stays there") {
  TransmitLaneDriver<TestType> driver({}, {.suspect = 1, .down = 1});
  Answer given = Answer::none;
  driver.answer = [&](unsigned, unsigned) { return given; };
  Job job = driver.make_job(some_bytes(5), 2);
  job.offer.route = Route::x;
  driver.give(job);
  driver.run_until_events(1);
  CHECK(driver.attempts.size() == 1);
  CHECK(driver.lanes->down_o == 2);
  driver.give(job);
  driver.run_until_events(2);
  CHECK(driver.attempts.size() == 2);
  CHECK(driver.events[1].status() == SendStatus::unreachable);
  unsigned busy = 2;
  driver.answer = [&](unsigned, unsigned) {
    return busy == 0 ? Answer::accepted : (--busy, Answer::busy);
  };
  driver.give(job);
  driver.run_until_events(3);
  CHECK(driver.attempts.size() == 5);
  CHECK(driver.events[2].status() == SendStatus::ok);
  CHECK(driver.lanes->down_o == 2);
}

LANES_TEST("transmit lane: two lanes that both want to move swap their packets") {
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned bus, unsigned node) {
    return (node == 1) == (bus == x) ? Answer::none : Answer::accepted;
  };
  driver.grant_delay = [](unsigned) { return 10U; };
  const Bytes payload = some_bytes(16);
  const Job one = driver.make_job(payload, 2, 1), two = driver.make_job(payload, 4, 2, 0x80);
  driver.give(one, x);
  driver.give(two, y);
  driver.run_until_events(2);
  REQUIRE(driver.attempts.size() == 4);
  CHECK(driver.counts[x][count_moved] == 1);
  CHECK(driver.counts[y][count_moved] == 1);
  for (const auto& event : driver.events) CHECK(event.status() == SendStatus::ok);
}

LANES_TEST("transmit lane: a packet that waits to move goes before any new one") {
  TransmitLaneDriver<TestType> driver;
  driver.answer = [](unsigned bus, unsigned) {
    return bus == x ? Answer::none : Answer::accepted;
  };
  driver.give(driver.make_job(some_bytes(256), 4, 1), y);
  driver.give(driver.make_job(some_bytes(8), 2, 2, 0x80), x);
  bool offered = false;
  driver.run_until([&] {
    offered = offered || driver.ready(y);
    return driver.counts[x][count_moved] == 1;
  });
  CHECK_FALSE(offered);
  driver.run_until_events(2);
}

LANES_TEST("transmit lane: without a grant in so many ticks, and one, nobody has answered") {
  TransmitLaneDriver<TestType> driver({.grant_ticks = 3}, {.suspect = 1, .down = 1});
  driver.tick_cycles = 50;
  driver.grant_delay = [](unsigned) { return 0U; };
  driver.give(driver.make_job(some_bytes(4)));
  const std::uint64_t start = driver.now();
  driver.run_until([&] { return driver.counts[x][count_no_answer] == 1; });
  CHECK(driver.now() - start >= 200);
  CHECK(driver.now() - start <= 205);
  driver.run_until_events(1);
  CHECK(driver.attempts.empty());
  CHECK(driver.counts[x][count_sent] == 0);
  CHECK(driver.events[0].status() == SendStatus::unreachable);
}

LANES_TEST("transmit lane: each attempt waits for its grant the whole time anew") {
  // Never granted; granted after two ticks, but not answered; never granted.
  TransmitLaneDriver<TestType> driver({.grant_ticks = 3},
                                      {.missing = 1, .suspect = 255, .down = 3});
  driver.tick_cycles = 50;
  driver.grant_delay = [&](unsigned) {
    return driver.counts[x][count_no_answer] == 1 ? 120U : 0U;
  };
  driver.answer = [](unsigned, unsigned) { return Answer::none; };
  driver.give(driver.make_job(some_bytes(4)));
  std::uint64_t before = driver.now();
  for (unsigned failed = 1; failed <= 3; ++failed) {
    driver.run_until([&] { return driver.counts[x][count_no_answer] == failed; });
    const std::uint64_t waited = driver.now() - before;
    before = driver.now();
    CHECK(waited >= (failed == 2 ? 120 : 200));
    CHECK(waited <= (failed == 2 ? 135 : 210));
  }
  CHECK(driver.attempts.size() == 1);
}

LANES_TEST("transmit lane: a grant in the last moment is used, and none comes after that") {
  unsigned used = 0;
  for (unsigned delay = 30; delay <= 50; ++delay) {
    TransmitLaneDriver<TestType> driver({.grant_ticks = 1}, {.suspect = 1, .down = 1});
    driver.tick_cycles = 20;
    driver.grant_delay = [&](unsigned bus) { return bus == x ? delay : 0; };
    Job job = driver.make_job(some_bytes(4));
    job.offer.route = Route::x;
    driver.give(job);
    driver.run_until_events(1);
    driver.run(20);
    CHECK(driver.attempts.size() == (driver.events[0].status() == SendStatus::ok ? 1 : 0));
    for (const auto& attempt : driver.attempts) CHECK(attempt.complete);
    used += static_cast<unsigned>(driver.attempts.size());
  }
  CHECK(used >= 10);
  CHECK(used <= 12);
}

LANES_TEST("transmit lane: a packet that the bus cuts short was not answered") {
  for (unsigned after = 1; after <= 6; ++after) {
    TransmitLaneDriver<TestType> driver({}, never);
    const Bytes payload = some_bytes(100);
    const Job job = driver.make_job(payload);
    driver.give(job);
    driver.run_until([&] { return driver.lanes->grant_i != 0; });
    driver.run(after - 1);
    driver.cut(x);
    driver.run_until_events(1);
    REQUIRE(driver.attempts.size() == 2);
    CHECK(driver.attempts[0].beats.size() == after);
    CHECK(driver.attempts[1].beats == driver.beats_of(job, payload, 2));
    CHECK(driver.counts[x][count_no_answer] == 1);
  }
}

LANES_TEST("transmit lane: when the engine is disabled it stops driving and forgets its packet") {
  for (unsigned cycle = 0; cycle < 90; ++cycle) {
    TransmitLaneDriver<TestType> driver;
    driver.give(driver.make_job(some_bytes(256)));
    driver.run(cycle);
    driver.lanes->rst_ni = 0;
    driver.step();
    driver.lanes->rst_ni = 1;
    driver.lanes.settle();
    CHECK(driver.lanes->valid_o == 0);
    CHECK(driver.idle());
    driver.run(3);
    driver.events.clear();
    driver.attempts.clear();
    const Bytes payload = some_bytes(256, 2);
    const Job job = driver.make_job(payload, 8, 5);
    driver.give(job);
    driver.run_until_events(1);
    REQUIRE(driver.attempts.size() == 1);
    CHECK(driver.attempts[0].beats == driver.beats_of(job, payload, 8));
  }
}

LANES_TEST("transmit lane: an event stays until it is taken, and holds up the next packet's end") {
  TransmitLaneDriver<TestType> driver({.busy = 1});
  driver.lanes->event_ready_i = 0;
  driver.answer = [first = true](unsigned, unsigned) mutable {
    return std::exchange(first, false) ? Answer::accepted : Answer::busy;
  };
  driver.give(driver.make_job(some_bytes(8), 2, 1));
  driver.give(driver.make_job(some_bytes(8), 2, 2));
  driver.run(100);
  CHECK(driver.attempts.size() == 2);
  CHECK(driver.lanes->active_o == 1);
  CHECK_FALSE(driver.ready(x));
  driver.lanes->event_ready_i = 1;
  driver.run_until_events(2);
  CHECK(driver.events[0].cookie() == 0xc0de0001);
  CHECK(driver.events[0].status() == SendStatus::ok);
  CHECK(driver.events[1].cookie() == 0xc0de0002);
  CHECK(driver.events[1].status() == SendStatus::busy);
  driver.run(2);
  CHECK(driver.idle());
}

LANES_TEST("transmit lane: the fate of a packet of a transfer is told at once, without an event") {
  TransmitLaneDriver<TestType> driver;
  driver.lanes->event_ready_i = 0;
  driver.answer = [first = true](unsigned, unsigned) mutable {
    return std::exchange(first, false) ? Answer::accepted : Answer::refused;
  };
  Job job = driver.make_job(some_bytes(8), 2, 1);
  job.offer.origin = Origin::write;
  driver.give(job);
  job.offer.origin = Origin::serve;
  driver.give(job);
  driver.run_until([&] { return driver.fates.size() == 2; });
  CHECK(driver.fates[0].status == static_cast<unsigned>(SendStatus::ok));
  CHECK(driver.fates[0].origin == static_cast<unsigned>(Origin::write));
  CHECK(driver.fates[1].status == static_cast<unsigned>(SendStatus::denied));
  CHECK(driver.fates[1].origin == static_cast<unsigned>(Origin::serve));
  CHECK(driver.events.empty());
}

LANES_TEST("transmit lane: whatever the answers every packet ends, gated clock or not alike") {
  const std::uint64_t seed = choose_seed(5);
  for (unsigned round = 0; round < 40; ++round) {
    std::array<std::optional<TransmitLaneDriver<TestType>>, 2> runs;
    for (unsigned gated = 0; gated < 2; ++gated) {
      auto& driver = runs[gated].emplace(
          Limits{.busy = 5, .grant_ticks = 2},
          PathLimits{.missing = 3, .corrupt = 2, .suspect = 6, .down = 12}, gated == 1);
      driver.tick_cycles = 30;
      Random random(seed + round), answers(seed + round + 1000);
      // From a fair network to one where next to nothing arrives.
      driver.answer = [&](unsigned, unsigned) {
        if (answers.below(40) >= round) return Answer::accepted;
        return static_cast<Answer>(answers.below(round % 5 == 0 ? 4 : 5));
      };
      driver.grant_delay = [&](unsigned) {
        return answers.once_in(30) ? 0 : 1 + answers.below(40);
      };
      unsigned given = 0;
      for (unsigned i = 0; given < 40; ++i) {
        REQUIRE(i < 200000);
        // One lane's flows are never the other's: control to some, data to others.
        const unsigned lane = i % 2;
        if (driver.ready(lane) && driver.events.size() + 2 > given) {
          Job job = driver.make_job(some_bytes(20, given), 1 + random.below(255), given,
                                    0x40 + 0x20 * (given % 4));
          job.offer.traffic_class = static_cast<TrafficClass>(given % 2);
          job.offer.route = static_cast<Route>(random.once_in(4) ? 1 + lane : 0);
          ++given;
          driver.give(job, lane);
        } else {
          if (random.once_in(300)) {
            driver.lanes->restore_i = 0x00ff00ff;
          }
          driver.step();
          driver.lanes->restore_i = 0;
        }
      }
      driver.run_until([&] { return driver.events.size() == given; }, 200000);
      for (const auto& event : driver.events) {
        CHECK((event.status() == SendStatus::ok) == (event.missed() == 0));
        CHECK((event.missed() & ~event.header_0()) == 0);
      }
      driver.run(5);
      CHECK(driver.idle());
    }
    CHECK(runs[0]->attempts == runs[1]->attempts);
    CHECK(runs[0]->now() == runs[1]->now());
    CHECK(runs[1]->edges < runs[0]->edges);
  }
}

LANES_TEST("transmit lane: while it waits for its grant its clock may stand still") {
  TransmitLaneDriver<TestType> driver({}, {}, true);
  driver.grant_delay = [](unsigned) { return 1000U; };
  const Bytes payload = some_bytes(256);
  const Job job = driver.make_job(payload);
  driver.give(job);
  driver.run_until_events(1);
  CHECK(driver.attempts[0].beats == driver.beats_of(job, payload, 2));
  CHECK(driver.edges < 100);
}

TEST_CASE("transmit lane: its rules break when its surroundings break theirs") {
  TransmitLaneDriver<Lanes64> driver;
  SECTION("a job while it has one") {
    driver.give(driver.make_job(some_bytes(8)));
    driver.lanes->job_valid_i = 1;
    CHECK_THAT(broken_rule([&] { driver.run(300); }), Contains("StartOnlyWhenFree"));
  }
  SECTION("a read port that is too slow") {
    driver.give(driver.make_job(some_bytes(200)));
    driver.step();
    driver.read_block = true;
    CHECK_THAT(broken_rule([&] { driver.run(300); }), Contains("PayloadIsThere"));
  }
  SECTION("a packet for nobody") {
    driver.make_job(some_bytes(8), 0).put(driver.lanes->job_i);
    driver.lanes->job_valid_i = 1;
    CHECK_THAT(broken_rule([&] { driver.step(); }), Contains("StartHasDestinations"));
  }
  SECTION("a packet that is too long") {
    Job job = driver.make_job(some_bytes(8));
    job.offer.length = 400;
    driver.give(job);
    CHECK_THAT(broken_rule([&] { driver.run(300); }), Contains("PacketIsBounded"));
  }
  SECTION("a new packet and a moved one at once") {
    driver.answer = [](unsigned bus, unsigned) {
      return bus == x ? Answer::none : Answer::accepted;
    };
    driver.give(driver.make_job(some_bytes(8)));
    driver.run_until([&] { return driver.lanes->move_valid_o != 0; });
    driver.lanes->job_valid_i = 2;
    CHECK_THAT(broken_rule([&] { driver.step(); }), Contains("OnlyOneSource"));
  }
}
