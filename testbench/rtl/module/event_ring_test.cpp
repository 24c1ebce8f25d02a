#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <vector>

#include "Vevent_ring_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

/// Delivery, lanes X and Y, scheduler, bulk sender, read server: the most urgent first.
constexpr unsigned writers = 6;
/// Receive lanes X and Y, scheduler, bulk sender, read server: those that receive and serve first.
constexpr unsigned claimers = 5;
constexpr unsigned first = 0x13, senders = 0x0c;

contract::EventEntry event(std::uint32_t cookie) {
  contract::EventEntry entry;
  entry.set_event_type(contract::EventType::sent).set_cookie(cookie);
  entry.words[3] = ~cookie;
  return entry;
}

class Ring {
 public:
  static constexpr unsigned base = 0x20;  // line

  explicit Ring(unsigned size) : memory(size), size_(size) {
    consume(0);
    ring->claim_i = 0;
    ring->valid_i = 0;
    ring->write_ready_i = 1;
    ring.reset();
  }

  /// By writer: an event that waits.
  std::array<std::optional<contract::EventEntry>, writers> waiting;
  std::vector<contract::EventEntry> memory;
  unsigned written = 0;

  /// The CPU has consumed so many in all.
  void consume(unsigned head) {
    ring->ring_i = (head & 0xffff) | std::uint64_t{size_ - 1} << 16 | std::uint64_t{base} << 32;
    ring.settle();
  }
  bool room() {
    ring.settle();
    return ring->room_o != 0;
  }
  bool room_first() {
    ring.settle();
    return ring->room_first_o != 0;
  }
  void claim(unsigned mask) {
    ring->claim_i = mask;
    step();
    ring->claim_i = 0;
  }
  /// One cycle; gives back who was served.
  std::optional<unsigned> step() {
    ring->valid_i = 0;
    for (unsigned i = 0; i < writers; ++i) {
      if (!waiting[i]) continue;
      ring->valid_i |= 1U << i;
      for (unsigned k = 0; k < 4; ++k) ring->event_i[i][k] = waiting[i]->words[k];
    }
    ring.settle();
    std::optional<unsigned> served;
    for (unsigned i = 0; i < writers; ++i) {
      if ((ring->ready_o >> i & 1) == 0) continue;
      CHECK_FALSE(served.has_value());
      served = i;
      waiting[i].reset();
    }
    if (ring->write_valid_o != 0 && ring->write_ready_i != 0) {
      CHECK(served.has_value());
      CHECK(ring->write_address_o == base + written % size_);
      memory.at(written % size_) = get_event(ring->write_data_o);
      ++written;
    }
    ring.tick();
    ring->valid_i = 0;
    ring.settle();
    return served;
  }

  Clocked<Vevent_ring_bench> ring;

 private:
  unsigned size_;
};

}  // namespace

TEST_CASE("event ring: events lie in order, and the phase tells each pass from the one before") {
  const unsigned size = GENERATE(8u, 16u, 64u);
  Ring ring(size);
  for (std::uint32_t i = 0; i < 5 * size; ++i) {
    ring.claim(4);
    ring.waiting[4] = event(i);
    ring.step();
    REQUIRE(ring.written == i + 1);
    REQUIRE(ring.ring->tail_o == i + 1);
    const auto expected = event(i).set_phase(i / size % 2 == 0 ? 1 : 0);
    REQUIRE(ring.memory[i % size] == expected);
    ring.consume(i + 1);
  }
}

TEST_CASE("event ring: the counts wrap at 16 bits, and the phase goes on") {
  Ring ring(32768);
  for (std::uint32_t i = 0; i < 70000; ++i) {
    ring.claim(1);
    ring.waiting[0] = event(i);
    ring.step();
    REQUIRE(ring.memory[i % 32768].phase() == (i / 32768 % 2 == 0 ? 1 : 0));
    ring.consume(i + 1);
  }
  CHECK(ring.ring->tail_o == 70000 - 65536);
}

TEST_CASE("event ring: there is room as long as one entry for each claimer is free") {
  const unsigned size = GENERATE(8u, 32u);
  Ring ring(size);
  unsigned claimed = 0;
  while (ring.room()) {
    ring.claim(1U << claimed % claimers);
    ++claimed;
  }
  CHECK(claimed == size - claimers + 1);
  // Writing the events makes no room; the CPU does, when it has consumed one.
  for (unsigned i = 0; i < claimed; ++i) {
    ring.waiting[0] = event(i);
    ring.step();
    CHECK_FALSE(ring.room());
  }
  ring.consume(1);
  CHECK(ring.room());
}

TEST_CASE("event ring: those who go first need room only for each other") {
  const unsigned size = GENERATE(8u, 32u);
  Ring ring(size);
  unsigned claimed = 0;
  for (; ring.room(); ++claimed) {
    REQUIRE(ring.room_first());
    ring.claim(1U << (2 + claimed % 2));
  }
  CHECK(claimed == size - claimers + 1);
  // What senders hold leaves each of the others an entry, and here one more.
  CHECK(ring.room_first());
  ring.claim(0x01);
  CHECK(ring.room_first());
  ring.claim(first);
  CHECK_FALSE(ring.room_first());
  CHECK_FALSE(ring.room());
  // The ring is full: room comes back for those who go first when three are consumed, for all
  // when five are.
  for (unsigned i = 0; i < size; ++i) {
    ring.waiting[0] = event(i);
    ring.step();
  }
  CHECK(ring.written == size);
  for (unsigned consumed = 0; consumed <= claimers; ++consumed) {
    ring.consume(consumed);
    CHECK(ring.room_first() == (consumed >= 3));
    CHECK(ring.room() == (consumed >= claimers));
  }
}

TEST_CASE("event ring: senders that claim all they may keep nobody from receiving") {
  Ring ring(8);
  while (ring.room()) ring.claim(senders);
  for (std::uint32_t i = 0; i < 100; ++i) {
    REQUIRE(ring.room_first());
    ring.claim(1U << (i % 3 == 2 ? 4 : i % 3));
    ring.waiting[0] = event(i);
    ring.step();
    ring.consume(i + 1);
    REQUIRE_FALSE(ring.room());
  }
}

TEST_CASE("event ring: claims of one cycle count each for itself") {
  Ring ring(16);
  ring.claim(0x1f);
  CHECK(ring.room());
  ring.claim(0x15);
  ring.claim(0x0a);
  ring.claim(0x02);
  CHECK(ring.room());
  ring.claim(0x10);
  CHECK_FALSE(ring.room());
  ring.consume(1);
  CHECK(ring.room());
}

TEST_CASE("event ring: under random claims and a slow CPU nothing is overwritten or lost") {
  const std::uint64_t seed = choose_seed(61);
  Random random(seed);
  Ring ring(8);
  std::uint32_t next = 0, consumed = 0;
  std::array<unsigned, writers> owed{};  // claimed, and its event not yet brought
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 20000; ++i) {
    // Writers bring events for what they have claimed.
    for (unsigned w = 0; w < writers; ++w) {
      if (owed[w] != 0 && !ring.waiting[w] && random.once_in(3)) {
        ring.waiting[w] = event(next++);
        --owed[w];
      }
    }
    unsigned claim = 0;
    const unsigned may = (ring.room_first() ? first : 0) | (ring.room() ? senders : 0);
    if (may != 0) {
      for (unsigned k = 0; k < claimers; ++k) {
        if ((may >> k & 1) == 0) continue;
        // The receive lanes claim for delivery, the scheduler for itself and the lanes.
        const unsigned w = k < 2 ? 0 : k == 2 ? 1 + random.below(3) : k + 1;
        if (random.once_in(4)) {
          claim |= 1U << k;
          ++owed[w];
        }
      }
    }
    ring.ring->write_ready_i = !random.once_in(4);
    const std::array<std::optional<contract::EventEntry>, writers> before = ring.waiting;
    ring.ring->claim_i = claim;
    if (const auto served = ring.step()) order.push_back(before[*served]->cookie());
    ring.ring->claim_i = 0;
    REQUIRE(ring.written - consumed <= 8);
    // The CPU reads what is new, by the phase alone.
    if (random.once_in(10)) {
      for (;;) {
        const auto& entry = ring.memory[consumed % 8];
        if (entry.phase() != (consumed / 8 % 2 == 0 ? 1U : 0U)) break;
        REQUIRE(entry.cookie() == order.at(consumed));
        ++consumed;
      }
      REQUIRE(consumed == ring.written);
      ring.consume(consumed);
    }
  }
  CHECK(consumed > 2000);
}

TEST_CASE("event ring: of several writers the most urgent goes first, one event a cycle") {
  Ring ring(16);
  ring.claim(0x1f);
  ring.claim(1);
  for (unsigned i = 0; i < writers; ++i) ring.waiting[i] = event(i);
  for (unsigned i = 0; i < writers; ++i) CHECK(ring.step() == i);
  CHECK(ring.step() == std::nullopt);
  CHECK(ring.ring->idle_o == 1);
  CHECK(ring.ring->busy_o == 0);
}

TEST_CASE("event ring: an event waits for the RAM port and is not lost") {
  Ring ring(16);
  ring.claim(1);
  ring.ring->write_ready_i = 0;
  ring.waiting[3] = event(77);
  for (int i = 0; i < 3; ++i) CHECK(ring.step() == std::nullopt);
  CHECK(ring.ring->tail_o == 0);
  ring.ring->write_ready_i = 1;
  CHECK(ring.step() == 3u);
  CHECK(ring.memory[0].cookie() == 77);
}

TEST_CASE("event ring: its rules break when its surroundings break theirs") {
  Ring ring(8);
  SECTION("a sender's claim without room for all") {
    while (ring.room()) ring.claim(1);
    REQUIRE(ring.room_first());
    const unsigned claim = GENERATE(0x04u, 0x08u, 0x05u);
    CHECK_THAT(broken_rule([&] { ring.claim(claim); }), Contains("ClaimNeedsRoom"));
  }
  SECTION("a claim without room for those who go first") {
    while (ring.room_first()) ring.claim(1);
    const unsigned claim = GENERATE(0x01u, 0x02u, 0x10u);
    CHECK_THAT(broken_rule([&] { ring.claim(claim); }), Contains("ClaimNeedsRoom"));
  }
  SECTION("an event that nobody claimed") {
    ring.waiting[0] = event(1);
    CHECK_THAT(broken_rule([&] { ring.step(); }), Contains("EventWasClaimed"));
  }
}
