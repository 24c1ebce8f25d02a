#include <catch2/catch.hpp>

#include <bit>
#include <vector>

#include "Varbiters_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

/// One of the arbiters; the others rest.
class Arbiter {
 public:
  explicit Arbiter(unsigned width) : width_(width) {
    drive(0, false);
    top_.reset();
  }
  unsigned width() const { return width_; }

  /// Who is granted, when these ask.
  std::uint32_t grant(std::uint32_t request) {
    drive(request, false);
    top_.settle();
    return granted();
  }
  /// The same, and the grant is used.
  std::uint32_t take(std::uint32_t request) {
    const std::uint32_t winner = grant(request);
    drive(request, true);
    top_.tick();
    return winner;
  }

 private:
  void drive(std::uint32_t request, bool take) {
    top_->request_1_i = width_ == 1 ? request : 0;
    top_->request_2_i = width_ == 2 ? request : 0;
    top_->request_5_i = width_ == 5 ? request : 0;
    top_->request_16_i = width_ == 16 ? request : 0;
    top_->take_1_i = width_ == 1 && take;
    top_->take_2_i = width_ == 2 && take;
    top_->take_5_i = width_ == 5 && take;
    top_->take_16_i = width_ == 16 && take;
  }
  std::uint32_t granted() {
    switch (width_) {
      case 1: return top_->grant_1_o;
      case 2: return top_->grant_2_o;
      case 5: return top_->grant_5_o;
      default: return top_->grant_16_o;
    }
  }

  unsigned width_;
  Clocked<Varbiters_bench> top_;
};

}  // namespace

TEST_CASE("round robin: whoever asks, exactly one who asks is granted") {
  Arbiter arbiter(GENERATE(1u, 2u, 5u, 16u));
  Random random(choose_seed(31));
  CHECK(arbiter.grant(0) == 0);
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t request = random.word() & ((1U << arbiter.width()) - 1);
    if (request == 0) continue;
    const std::uint32_t winner = random.once_in(2) ? arbiter.take(request) : arbiter.grant(request);
    REQUIRE(std::popcount(winner) == 1);
    REQUIRE((winner & ~request) == 0);
  }
}

TEST_CASE("round robin: when all ask all the time, they win in turn") {
  Arbiter arbiter(GENERATE(1u, 2u, 5u, 16u));
  const unsigned width = arbiter.width();
  const auto first = static_cast<unsigned>(std::countr_zero(arbiter.take((1U << width) - 1)));
  for (unsigned i = 1; i < 3 * width; ++i) {
    CHECK(arbiter.take((1U << width) - 1) == 1U << (first + i) % width);
  }
}

TEST_CASE("round robin: nobody who keeps asking sees another win twice") {
  Arbiter arbiter(GENERATE(1u, 2u, 5u, 16u));
  const unsigned width = arbiter.width();
  Random random(choose_seed(32));
  std::uint32_t asking = 0;
  // For each requestor that waits: who has won since it began to ask.
  std::vector<std::uint32_t> won_since(width, 0);
  for (int i = 0; i < 5000; ++i) {
    asking |= random.word() & random.word() & ((1U << width) - 1);
    if (asking == 0) continue;
    const std::uint32_t winner = arbiter.take(asking);
    for (unsigned who = 0; who < width; ++who) {
      if ((winner >> who & 1) != 0) {
        won_since[who] = 0;
      } else if ((asking >> who & 1) != 0) {
        REQUIRE((won_since[who] & winner) == 0);
        won_since[who] |= winner;
      }
    }
    asking &= ~winner;
  }
}

TEST_CASE("round robin: a grant that is not used does not pass the turn on") {
  Arbiter arbiter(5);
  arbiter.take(0b00001);
  for (int i = 0; i < 5; ++i) CHECK(arbiter.grant(0b11111) == 0b00010);
}

TEST_CASE("round robin: taking a grant that nobody got breaks a rule") {
  Arbiter arbiter(GENERATE(1u, 2u, 5u, 16u));
  CHECK_THAT(broken_rule([&] { arbiter.take(0); }), Contains("TakeNeedsGrant"));
}
