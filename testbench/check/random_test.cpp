#include "random/random.h"

#include <catch2/catch.hpp>
#include <set>

using namespace xybus;

TEST_CASE("SplitMix64 gives its published sequence") {
  // For seed 1234567, as in the reference implementation's test vectors.
  std::uint64_t counter = 1234567;
  CHECK(mix64(counter += golden) == 6457827717110365317U);
  CHECK(mix64(counter += golden) == 3203168211198807973U);
  CHECK(mix64(counter += golden) == 9817491932198370423U);
}

TEST_CASE("a stream is xoshiro256**") {
  // From state {1, 2, 3, 4}: worked out by hand from the definition for the first two; the others
  // are the published test vector.
  RandomStream stream({1, 2, 3, 4});
  CHECK(stream.next() == 11520U);
  CHECK(stream.next() == 0U);
  CHECK(stream.next() == 1509978240U);
  CHECK(stream.next() == 1215971899390074240U);
}

TEST_CASE("a stream depends on the seed and its name, and on nothing else") {
  RandomStream one(7, "fault.0.x");
  RandomStream same(7, "fault.0.x");
  RandomStream other_name(7, "fault.0.y");
  RandomStream other_seed(8, "fault.0.x");
  std::set<std::uint64_t> all;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t drawn = one.next();
    CHECK(same.next() == drawn);
    all.insert({drawn, other_name.next(), other_seed.next()});
  }
  CHECK(all.size() == 300);
}

TEST_CASE("numbers below a limit are below it and spread over it") {
  RandomStream stream(1, "below");
  std::array<int, 10> count{};
  for (int i = 0; i < 10000; ++i) ++count.at(stream.below(10));
  for (const int each : count) CHECK((each > 850 && each < 1150));
  CHECK(stream.below(1) == 0);
}

TEST_CASE("chance 0 never comes, chance 1 always, one half about half of the time") {
  RandomStream stream(1, "chance");
  int half = 0;
  for (int i = 0; i < 10000; ++i) {
    CHECK_FALSE(stream.chance(0));
    CHECK(stream.chance(1));
    half += stream.chance(0.5);
  }
  CHECK((half > 4800 && half < 5200));
}
