// Messages, answers and order. Windows are in receive_window_test.cpp, errors on the wires in
// receive_errors_test.cpp.
#include <catch2/catch.hpp>

#include "rtl/bench/rule_capture.h"
#include "rtl/module/receive_packets.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Answer;
using contract::EventType;
using contract::PacketKind;
using contract::TrafficClass;

TEMPLATE_TEST_CASE("receiving: messages of every length are delivered into their slots", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  for (unsigned length = 0; length <= contract::max_payload_bytes; ++length) {
    for (unsigned bus = 0; bus < 2; ++bus) {
      const Bytes payload = some_bytes(length, 2 * length + bus);
      const auto header = Packets::header(PacketKind::message, length, length % 256, 2 + bus);
      REQUIRE(driver.send(bus, Packets::message(header, payload)) == Answer::accepted);
      driver.steps(18);
      REQUIRE(driver.events.size() == 2 * length + bus + 1);
      const contract::EventEntry& event = driver.events.back();
      REQUIRE(event.event_type() == EventType::received);
      REQUIRE(static_cast<unsigned>(event.bus()) == bus);
      REQUIRE(event.cookie() == length);
      REQUIRE(event.header_0() == header.words[0]);
      REQUIRE(event.header_1() == header.words[1]);
      REQUIRE(driver.slot(bus, length, length) == payload);
      REQUIRE(driver.idle());
      driver.give_back(bus, length + 1);
    }
  }
  CHECK(driver.counts[0][count_received] == 257);
  CHECK(driver.counts[1][count_received] == 257);
  CHECK(driver.claims == 514);
}

TEMPLATE_TEST_CASE("receiving: packets without a gap on both buses are delivered whole or not", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.slot_count = 16;
  for (unsigned bus = 0; bus < 2; ++bus) driver.give_back(bus, 0);
  Random random(choose_seed(3));
  struct Stream {
    std::vector<Beat> beats;
    std::vector<Bytes> payloads;
    std::size_t ended = 0, delivered = 0;
    std::vector<unsigned> accepted;
  };
  std::array<Stream, 2> streams;
  for (unsigned bus = 0; bus < 2; ++bus) {
    for (unsigned i = 0; i < 300; ++i) {
      const unsigned length = random.below(random.once_in(2) ? 257 : 9);
      streams[bus].payloads.push_back(some_bytes(length, 1000 * bus + i));
      const auto header = Packets::header(PacketKind::message, length, i, bus);
      const Beats beats = Packets::message(header, streams[bus].payloads.back());
      for (std::size_t k = 0; k < beats.size(); ++k) {
        streams[bus].beats.push_back({true, k == 0, k + 1 == beats.size(), beats[k]});
      }
    }
  }
  std::size_t seen = 0;
  const auto look = [&] {
    for (unsigned bus = 0; bus < 2; ++bus) {
      const Answer answer = driver.answer(bus);
      if (answer == Answer::none) continue;
      // Short packets behind long ones can fill the queue.
      REQUIRE((answer == Answer::accepted || answer == Answer::busy));
      const auto number = static_cast<unsigned>(streams[bus].ended++);
      if (answer == Answer::accepted) streams[bus].accepted.push_back(number);
    }
    for (; seen < driver.events.size(); ++seen) {
      const auto bus = static_cast<unsigned>(driver.events[seen].bus());
      Stream& stream = streams[bus];
      const auto slot = static_cast<unsigned>(stream.delivered++);
      const Bytes& payload = stream.payloads[stream.accepted.at(slot)];
      REQUIRE(driver.events[seen].cookie() == slot);
      REQUIRE(driver.slot(bus, slot, payload.size()) == payload);
      driver.give_back(bus, slot + 1);
    }
  };
  for (std::size_t t = 0; t < std::max(streams[0].beats.size(), streams[1].beats.size()); ++t) {
    for (unsigned bus = 0; bus < 2; ++bus) {
      if (t < streams[bus].beats.size()) driver.put(bus, streams[bus].beats[t]);
    }
    driver.step();
    look();
  }
  for (unsigned i = 0; i < 60; ++i) {
    driver.step();
    look();
  }
  for (const Stream& stream : streams) {
    CHECK(stream.ended == 300);
    CHECK(stream.delivered == stream.accepted.size());
    CHECK(stream.delivered > (TestType::width == 32 ? 280 : 240));
  }
}

TEMPLATE_TEST_CASE("receiving: a duplicate is answered accepted and dropped, on either bus", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  const unsigned again = GENERATE(0, 1);
  CHECK(driver.send(0, Packets::message(40, 7)) == Answer::accepted);
  CHECK(driver.send(again, Packets::message(40, 7)) == Answer::accepted);
  CHECK(driver.send(again, Packets::message(40, 7)) == Answer::accepted);
  driver.steps(10);
  CHECK(driver.events.size() == 1);
  CHECK(driver.written.size() == 3);
  CHECK(driver.counts[again][count_duplicate] == 2);
  CHECK(driver.tail(0) + driver.tail(1) == 1);
}

TEMPLATE_TEST_CASE("receiving: a number that repeats in another flow or epoch is no duplicate", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  auto header = Packets::header(PacketKind::message, 0, 7);
  CHECK(driver.send(0, Packets::message(header, {})) == Answer::accepted);
  SECTION("another source") { header.set_source(3); }
  SECTION("the other class") { header.set_traffic_class(TrafficClass::control); }
  SECTION("another epoch") { header.set_epoch(1); }
  SECTION("the next number") { header.set_sequence_number(8); }
  CHECK(driver.send(0, Packets::message(header, {})) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.size() == 2);
  CHECK(driver.counts[0][count_duplicate] == 0);
}

TEST_CASE("receiving: the first packet is new whatever its number and epoch") {
  for (unsigned number = 0; number < 256; ++number) {
    ReceiveSideDriver<Narrow> driver;
    auto header = PacketsFor<Narrow>::header(PacketKind::message, 0, number, number % 16);
    header.set_epoch(number % 16);
    REQUIRE(driver.send(number % 2, PacketsFor<Narrow>::message(header, {})) == Answer::accepted);
    driver.steps(2);
    REQUIRE(driver.events.size() == 1);
  }
}

TEMPLATE_TEST_CASE("receiving: busy without a free slot, accepted when one is given back", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  using Driver = ReceiveSideDriver<TestType>;
  Driver driver;
  for (unsigned i = 0; i < Driver::slots; ++i) {
    CHECK(driver.send(0, Packets::message(16, i)) == Answer::accepted);
  }
  driver.steps(4);
  driver.written.clear();
  CHECK(driver.send(0, Packets::message(16, 4)) == Answer::busy);
  CHECK(driver.send(1, Packets::message(16, 0, 3)) == Answer::accepted);  // has its own slots
  driver.steps(4);
  CHECK(driver.events.size() == Driver::slots + 1);
  CHECK(driver.written == std::vector<unsigned>{Driver::base[1]});
  CHECK(driver.counts[0][count_refused] == 1);
  driver.give_back(0, 1);
  CHECK(driver.send(0, Packets::message(16, 4)) == Answer::accepted);
  driver.steps(4);
  CHECK(driver.events.back().cookie() == 4);
  CHECK(driver.slot(0, 4, 16) == some_bytes(16));
}

TEMPLATE_TEST_CASE("receiving: busy without room in the event ring, and nothing is kept", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.side->room_i = 0;
  CHECK(driver.send(0, Packets::message(8, 0)) == Answer::busy);
  check_nothing_accepted(driver);
  CHECK(driver.counts[0][count_refused] == 1);
  driver.side->room_i = 1;
  CHECK(driver.send(0, Packets::message(8, 0)) == Answer::accepted);
  driver.side->room_i = 0;
  CHECK(driver.send(0, Packets::message(8, 0)) == Answer::accepted);  // a duplicate needs none
  CHECK(driver.counts[0][count_duplicate] == 1);
}

TEMPLATE_TEST_CASE("receiving: payload goes before its event, and both wait for their turn", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  driver.port_busy = true;
  CHECK(driver.send(0, Packets::message(20, 0)) == Answer::accepted);
  driver.steps(5);
  CHECK(driver.events.empty());
  CHECK(driver.side->storing_o == 1);
  driver.port_busy = false;
  driver.side->event_ready_i = 0;
  driver.steps(5);
  CHECK(driver.written.size() == 2);
  CHECK(driver.side->storing_o == 1);
  driver.side->event_ready_i = 1;
  driver.step();
  CHECK(driver.events.size() == 1);
  CHECK(driver.side->storing_o == 0);
  CHECK(driver.idle());
}

TEMPLATE_TEST_CASE("receiving: a packet without a payload has its event two cycles after its end",
                   "", Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  const Beats beats = Packets::message(0, 0);
  for (std::size_t i = 0; i < beats.size(); ++i) {
    driver.step(0, {true, i == 0, i + 1 == beats.size(), beats[i]});
  }
  CHECK(driver.side->event_valid_o == 0);  // the verdict
  driver.step();
  CHECK(driver.side->event_valid_o == 1);  // the answer, too
  CHECK(driver.answer(0) == Answer::accepted);
}

TEMPLATE_TEST_CASE("receiving: busy while buffer or queue are full, and nothing is mixed up", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  const unsigned length = GENERATE(0u, 16u, 100u, 160u, 256u);
  ReceiveSideDriver<TestType> driver;
  driver.port_busy = true;
  driver.side->event_ready_i = 0;
  unsigned accepted[2] = {0, 0};
  std::vector<unsigned> order;
  for (unsigned round = 0; round < 2; ++round) {
    for (unsigned i = 0; i < 12; ++i) {
      const unsigned bus = i % 2;
      const auto header =
          Packets::header(PacketKind::message, length, accepted[bus], 2 + bus);
      const Bytes payload = some_bytes(length, 10 * accepted[bus] + bus);
      const Answer answer = driver.send(bus, Packets::message(header, payload));
      if (answer == Answer::accepted) {
        ++accepted[bus];
        order.push_back(bus);
      } else {
        REQUIRE(answer == Answer::busy);
      }
    }
    // 4 slots, 32 lines of buffer a bus; 7 or 8 packets in the queue.
    const unsigned lines = (length + 15) / 16;
    const unsigned most = lines == 0 ? 4 : std::min(4u, 32 / lines);
    CHECK(accepted[0] == most);
    CHECK(accepted[1] <= most);
    CHECK(accepted[0] + accepted[1] >= std::min(7u, 2 * most));
    CHECK(driver.events.empty());
    driver.port_busy = false;
    driver.side->event_ready_i = 1;
    driver.steps(100);
    REQUIRE(driver.events.size() == order.size());
    unsigned seen[2] = {0, 0};
    for (std::size_t i = 0; i < order.size(); ++i) {
      CHECK(static_cast<unsigned>(driver.events[i].bus()) == order[i]);
      const unsigned bus = order[i], number = seen[bus]++;
      CHECK(driver.events[i].cookie() == number);
      CHECK(driver.slot(bus, number, length) == some_bytes(length, 10 * number + bus));
    }
    return;
  }
}

TEMPLATE_TEST_CASE("receiving: events of one flow keep their order across the buses", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  Random random(choose_seed(5));
  unsigned next = 0;
  std::vector<unsigned> order;
  unsigned given_back[2] = {0, 0};
  std::size_t seen = 0;
  while (next < 400) {
    // Node RAM and event ring are slow at random, long packets go by X, short ones by Y.
    driver.port_busy = random.once_in(3);
    driver.side->event_ready_i = random.once_in(3) ? 0 : 1;
    const unsigned bus = next % 2;
    const Beats packet = Packets::message(bus == 0 ? 200 : random.below(20), next);
    if (driver.send(bus, packet) == Answer::accepted) ++next;
    for (; seen < driver.events.size(); ++seen) {
      const contract::PacketHeader header{{0, driver.events[seen].header_1()}};
      REQUIRE(header.sequence_number() == seen);
      const auto from = static_cast<unsigned>(driver.events[seen].bus());
      driver.give_back(from, ++given_back[from]);
    }
  }
  CHECK(seen > 380);
}

TEMPLATE_TEST_CASE("receiving: a packet that breaks off is forgotten and counted, in silence", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  const Beats beats = Packets::message(40, 0);
  for (std::size_t length = 1; length < beats.size(); ++length) {
    ReceiveSideDriver<TestType> driver;
    for (std::size_t i = 0; i < length; ++i) driver.step(0, {true, i == 0, false, beats[i]});
    SECTION("followed by nothing") {
      driver.steps(3);
      // What comes late does not count.
      driver.step(0, {true, false, true, beats.back()});
      driver.step();
      CHECK(driver.answer(0) == Answer::none);
    }
    SECTION("followed by a packet for another node") {
      const auto other = message_header(2, Packets::me + 1, 0, 0);
      CHECK(driver.send(0, Packets::message(other, {})) == Answer::none);
    }
    check_nothing_accepted(driver);
    CHECK(driver.counts[0][count_broken_off] == 1);
    CHECK(driver.send(0, beats) == Answer::accepted);
    driver.steps(6);
    REQUIRE(driver.events.size() == 1);
    CHECK(driver.slot(0, 0, 40) == some_bytes(40));
  }
}

TEMPLATE_TEST_CASE("receiving: a packet right behind a broken one is taken", "", Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  const Beats beats = Packets::message(40, 0);
  for (std::size_t length = 1; length < beats.size(); ++length) {
    ReceiveSideDriver<TestType> driver;
    for (std::size_t i = 0; i < length; ++i) driver.step(0, {true, i == 0, false, beats[i]});
    CHECK(driver.send(0, beats) == Answer::accepted);
    driver.steps(6);
    CHECK(driver.events.size() == 1);
    CHECK(driver.counts[0][count_broken_off] == 1);
    CHECK(driver.slot(0, 0, 40) == some_bytes(40));
  }
}

TEMPLATE_TEST_CASE("receiving: packets for others leave no trace, and the lanes sleep on", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  ReceiveSideDriver<TestType> driver;
  for (unsigned other = 0; other < contract::max_nodes; ++other) {
    if (other == Packets::me) continue;
    const Beats beats = Packets::message(message_header(2, other, 20, 0), some_bytes(20));
    for (std::size_t i = 0; i < beats.size(); ++i) {
      driver.step(0, {true, i == 0, i + 1 == beats.size(), beats[i]});
      CHECK(driver.idle());
      CHECK_FALSE(driver.busy());
    }
  }
  check_nothing_accepted(driver);
  CHECK(driver.counts[0] == Counts{});
}

TEMPLATE_TEST_CASE("receiving: a lane that wakes up in the middle of a packet ignores it", "",
                   Narrow, Wide) {
  using Packets = PacketsFor<TestType>;
  const Beats beats = Packets::message(40, 0);
  for (std::size_t wake = 1; wake < beats.size(); ++wake) {
    ReceiveSideDriver<TestType> driver;
    driver.gated = true;
    for (std::size_t i = 0; i < beats.size(); ++i) {
      // Its first beat is for this node, but the clock stood still in reset, say.
      driver.put(0, {true, i == 0 && i >= wake, i + 1 == beats.size(), beats[i]});
      if (i >= wake) driver.wake();
      driver.step();
    }
    driver.steps(3);
    check_nothing_accepted(driver);
    CHECK(driver.send(0, beats) == Answer::accepted);
  }
}

TEMPLATE_TEST_CASE("receiving: with its clock gated a node does the same as without", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  const std::uint64_t seed = choose_seed(11);
  struct Outcome {
    std::vector<std::vector<unsigned>> answers;
    std::vector<contract::EventEntry> events;
    std::vector<unsigned> written;
    std::array<Counts, 2> counts;
    std::vector<std::uint8_t> ram;
    bool operator==(const Outcome&) const = default;
  };
  unsigned clocks[2] = {0, 0};
  const auto run = [&](bool gated) {
    Random random(seed);
    ReceiveSideDriver<TestType> driver;
    driver.gated = gated;
    Outcome outcome;
    std::vector<Beat> ahead[2];
    std::vector<unsigned> answers[2];
    for (unsigned t = 0; t < 20000; ++t) {
      for (unsigned bus = 0; bus < 2; ++bus) {
        if (ahead[bus].empty()) {
          const unsigned to = random.once_in(4) ? Packets::me : random.below(16);
          const unsigned length = random.below(40);
          Beats beats = Packets::message(
              message_header(random.below(16), to, length, random.below(65536)),
              some_bytes(length, t));
          if (random.once_in(5)) beats.resize(1 + random.below(beats.size()));
          if (random.once_in(8)) beats[random.below(beats.size())] ^= 1U << random.below(32);
          const bool broken = random.once_in(6);
          ahead[bus].resize(random.below(30));
          for (std::size_t i = beats.size(); i-- > 0;) {
            ahead[bus].insert(ahead[bus].begin(),
                              Beat{true, i == 0, !broken && i + 1 == beats.size(), beats[i]});
          }
          if (random.once_in(3)) driver.give_back(bus, driver.tail(bus));
        }
        driver.put(bus, ahead[bus].empty() ? Beat{} : ahead[bus].front());
        if (!ahead[bus].empty()) ahead[bus].erase(ahead[bus].begin());
      }
      if (random.once_in(10)) driver.wake();
      driver.port_busy = random.once_in(4);
      driver.step();
      for (unsigned bus = 0; bus < 2; ++bus) {
        answers[bus].push_back(static_cast<unsigned>(driver.answer(bus)));
      }
    }
    outcome.answers = {answers[0], answers[1]};
    outcome.events = driver.events;
    outcome.written = driver.written;
    outcome.counts = driver.counts;
    outcome.ram = driver.ram;
    clocks[gated ? 1 : 0] = driver.clocks;
    return outcome;
  };
  const Outcome free = run(false), gated = run(true);
  CHECK(free.answers == gated.answers);
  CHECK(free.events == gated.events);
  CHECK((free == gated));
  CHECK(free.events.size() > 100);
  CHECK(clocks[1] < clocks[0] * 3 / 4);
}
