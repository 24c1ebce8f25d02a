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

/// Received on X and Y, sent on X and Y, and one more: the most urgent first.
constexpr unsigned writers = 5;

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
    ring->base_i = base;
    ring->mask_i = size - 1;
    ring->head_i = 0;
    ring->claim_i = 0;
    ring->valid_i = 0;
    ring->write_ready_i = 1;
    ring.reset();
  }

  /// By writer: an event that waits.
  std::array<std::optional<contract::EventEntry>, writers> waiting;
  std::vector<contract::EventEntry> memory;
  unsigned written = 0;

  bool room() {
    ring.settle();
    return ring->room_o != 0;
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
    REQUIRE(ring.ring->pending_o == 1);
    const auto expected = event(i).set_phase(i / size % 2 == 0 ? 1 : 0);
    REQUIRE(ring.memory[i % size] == expected);
    ring.ring->head_i = i + 1;
    ring.ring.settle();
    REQUIRE(ring.ring->pending_o == 0);
  }
}

TEST_CASE("event ring: the counts wrap at 16 bits, and the phase goes on") {
  Ring ring(32768);
  for (std::uint32_t i = 0; i < 70000; ++i) {
    ring.claim(1);
    ring.waiting[0] = event(i);
    ring.step();
    REQUIRE(ring.memory[i % 32768].phase() == (i / 32768 % 2 == 0 ? 1 : 0));
    ring.ring->head_i = (i + 1) & 0xffff;
  }
  ring.ring.settle();
  CHECK(ring.ring->pending_o == 0);
  CHECK(ring.ring->tail_o == 70000 - 65536);
}

TEST_CASE("event ring: there is room as long as three more entries are free") {
  const unsigned size = GENERATE(8u, 32u);
  Ring ring(size);
  unsigned claimed = 0;
  while (ring.room()) {
    ring.claim(1U << claimed % 3);
    ++claimed;
  }
  CHECK(claimed == size - 2);
  // Writing the events makes no room; the CPU does, when it has consumed one.
  for (unsigned i = 0; i < claimed; ++i) {
    ring.waiting[0] = event(i);
    ring.step();
    CHECK_FALSE(ring.room());
  }
  ring.ring->head_i = 1;
  CHECK(ring.room());
}

TEST_CASE("event ring: three claims in one cycle count as three") {
  Ring ring(8);
  ring.claim(7);
  CHECK(ring.room());
  ring.claim(7);
  CHECK_FALSE(ring.room());
  ring.ring->head_i = 1;
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
      if (owed[w] != 0 && !ring.waiting[w] && (w < 2 || random.once_in(3))) {
        ring.waiting[w] = event(next++);
        --owed[w];
      }
    }
    unsigned claim = 0;
    if (ring.room()) {
      // A writer claims only when it has no other event under way.
      for (unsigned k = 0; k < 3; ++k) {
        const unsigned w = k == 2 ? 2 + random.below(3) : k;
        if (random.once_in(3) && owed[w] == 0 && !ring.waiting[w]) {
          claim |= 1U << k;
          ++owed[w];
        }
      }
    }
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
      ring.ring->head_i = consumed & 0xffff;
    }
  }
  CHECK(consumed > 2000);
}

TEST_CASE("event ring: received events go before sent ones, one a cycle") {
  Ring ring(16);
  ring.claim(7);
  ring.claim(3);
  for (unsigned i = 0; i < writers; ++i) ring.waiting[i] = event(i);
  for (unsigned i = 0; i < writers; ++i) CHECK(ring.step() == i);
  CHECK(ring.step() == std::nullopt);
  CHECK(ring.ring->idle_o == 1);
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
  SECTION("a claim without room") {
    while (ring.room()) ring.claim(1);
    CHECK_THAT(broken_rule([&] { ring.claim(1); }), Contains("ClaimNeedsRoom"));
  }
  SECTION("an event that nobody claimed") {
    ring.waiting[0] = event(1);
    CHECK_THAT(broken_rule([&] { ring.step(); }), Contains("EventWasClaimed"));
  }
  SECTION("a received event that waits so long that its successor could overtake it") {
    ring.claim(1);
    ring.ring->write_ready_i = 0;
    ring.waiting[1] = event(1);
    CHECK_THAT(broken_rule([&] {
                 for (int i = 0; i < 6; ++i) ring.step();
               }),
               Contains("OrderAcrossBuses"));
  }
}
