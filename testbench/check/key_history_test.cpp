#include "check/key_history.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

/// A history written down: each operation with its call and its answer.
class Book {
 public:
  void read(std::uint64_t from, std::uint64_t to, std::uint64_t found) {
    answer({.kind = KeyOperation::read, .called = from}, to, found, false);
  }
  void write(std::uint64_t from, std::uint64_t to, std::uint64_t value) {
    answer({.kind = KeyOperation::write, .value = value, .called = from}, to, 0, false);
  }
  void swap(std::uint64_t from, std::uint64_t to, std::uint64_t expected, std::uint64_t value,
            bool swapped) {
    answer({.kind = KeyOperation::swap, .expected = expected, .value = value, .called = from}, to, 0,
           swapped);
  }
  void open_write(std::uint64_t from, std::uint64_t value) {
    history.call({.kind = KeyOperation::write, .value = value, .called = from});
  }
  bool good() const { return history.check().ok; }

  KeyHistory history;

 private:
  void answer(KeyOperation operation, std::uint64_t to, std::uint64_t value, bool swapped) {
    history.answer(history.call(operation), to, value, swapped);
  }
};

/// The definition, by trying: some order of some of the operations, all that were answered among
/// them, in which none goes before one that was answered before its call, and each is answered as
/// a register would.
bool some_order_explains(const std::vector<KeyOperation>& all) {
  const auto is_done = [&](std::size_t i) { return all[i].outcome == KeyOperation::done; };
  for (unsigned subset = 0; subset < 1U << all.size(); ++subset) {
    std::vector<std::size_t> chosen;
    bool whole = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool in = (subset >> i & 1) != 0;
      if (in) chosen.push_back(i);
      if (is_done(i) && !in) whole = false;
      if (all[i].outcome == KeyOperation::refused && in) whole = false;
    }
    if (!whole) continue;
    do {
      std::uint64_t value = 0;
      bool fits = true;
      for (std::size_t a = 0; a < chosen.size() && fits; ++a) {
        const KeyOperation& operation = all[chosen[a]];
        const bool done = is_done(chosen[a]);
        for (std::size_t b = a + 1; b < chosen.size(); ++b) {
          const KeyOperation& later = all[chosen[b]];
          if (is_done(chosen[b]) && later.answered < operation.called) fits = false;
        }
        if (operation.kind == KeyOperation::read && done && operation.value != value) fits = false;
        if (operation.kind == KeyOperation::write) value = operation.value;
        if (operation.kind == KeyOperation::swap) {
          const bool equal = operation.expected == value;
          if (done && operation.swapped != equal) fits = false;
          if (equal) value = operation.value;
        }
      }
      if (fits) return true;
    } while (std::next_permutation(chosen.begin(), chosen.end()));
  }
  return false;
}

}  // namespace

TEST_CASE("A read that finds what was overwritten before it began is not explained") {
  Book book;
  book.write(10, 20, 1);
  book.write(30, 40, 2);
  CHECK(book.good());
  book.read(50, 60, 1);
  const CheckResult result = book.history.check();
  CHECK_FALSE(result.ok);
  CHECK_THAT(result.detail, Contains("read, which found 1") &&
                                Contains("before it, 2 is from the write of 2") &&
                                Contains("cycle 50 to 60"));
}

TEST_CASE("Reads that overlap a write may find either value, but not the old one after the new") {
  Book book;
  book.write(10, 100, 1);
  book.read(20, 30, 0);
  book.read(40, 50, 1);
  CHECK(book.good());
  book.read(60, 70, 0);
  CHECK_FALSE(book.good());
}

TEST_CASE("Of two swaps of the same value one succeeds") {
  Book book;
  book.swap(10, 50, 0, 1, true);
  book.swap(20, 60, 0, 2, false);
  CHECK(book.good());
  Book both;
  both.swap(10, 50, 0, 1, true);
  both.swap(20, 60, 0, 2, true);
  CHECK_FALSE(both.good());
  Book neither;
  neither.swap(10, 50, 0, 1, false);
  CHECK_FALSE(neither.good());
}

TEST_CASE("A write that ended with an error may happen late or never, but happens once") {
  Book book;
  book.open_write(10, 7);
  book.read(20, 30, 0);
  book.write(40, 50, 1);
  book.read(60, 70, 7);
  CHECK(book.good());
  book.write(80, 90, 2);
  book.read(100, 110, 7);
  CHECK_FALSE(book.good());
}

TEST_CASE("A complaint names who wrote what was found, and what was expected, and when") {
  KeyHistory history;
  const auto write = [&](std::uint32_t client, std::uint64_t from, std::uint64_t value) {
    history.answer(history.call({.kind = KeyOperation::write,
                                 .key = 4,
                                 .client = client,
                                 .value = value,
                                 .called = from}),
                   from + 10, 0, true);
  };
  write(1, 10, 100);
  write(2, 30, 200);
  history.answer(history.call({.key = 4, .client = 3, .called = 50}), 60, 100, false);
  CHECK(history.check().name == "history");
  CHECK(history.check().detail ==
        "key 4: no order of the operations explains the read, which found 100 (client 3, cycle 50 "
        "to 60); before it, 200 is from the write of 200 (client 2, cycle 30 to 40); 100 is from "
        "the write of 100 (client 1, cycle 10 to 20)");
  CHECK(history.first_complaint() == 60);
}

TEST_CASE("A client that is told of an error is a complaint, unless errors are allowed") {
  for (const bool allowed : {false, true}) {
    KeyHistory history(allowed);
    const auto number =
        history.call({.kind = KeyOperation::swap, .key = 2, .client = 5, .value = 9, .called = 10});
    history.fail(number, 30, contract::Error::path_down);
    CHECK(history.ended() == 1);
    CHECK(history.check().ok == allowed);
    if (!allowed) {
      CHECK_THAT(history.check().detail, Contains("client 5 was told error 201 (path_down) of its "
                                                  "swap of key 2, called at cycle 10"));
      CHECK(history.first_complaint() == 30);
    }
    // It may have happened all the same.
    history.answer(history.call({.key = 2, .called = 40}), 50, 9, false);
    CHECK(history.check().ok == allowed);
  }
}

TEST_CASE("What was refused did not happen") {
  Book book;
  const auto number = book.history.call({.kind = KeyOperation::write, .value = 7, .called = 10});
  book.history.refuse(number);
  book.read(20, 30, 7);
  CHECK_FALSE(book.good());
}

TEST_CASE("Keys are judged each for itself") {
  KeyHistory history;
  history.answer(history.call({.kind = KeyOperation::write, .key = 1, .value = 5, .called = 1}), 2,
                 0, false);
  history.answer(history.call({.kind = KeyOperation::read, .key = 2, .called = 3}), 4, 0, false);
  CHECK(history.check().ok);
  history.answer(history.call({.kind = KeyOperation::read, .key = 2, .called = 5}), 6, 5, false);
  CHECK_FALSE(history.check().ok);
}

TEST_CASE("With too many writes open a key is not judged, and the detail says so") {
  Book book;
  for (std::uint64_t value = 1; value <= 20; ++value) book.open_write(value, value);
  book.read(100, 110, 3);
  const CheckResult result = book.history.check();
  CHECK(result.ok);
  CHECK_THAT(result.detail, Contains("1 keys not judged"));
}

TEST_CASE("Short random histories are judged as the definition says") {
  const unsigned seed = GENERATE(range(0U, 40U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&random](unsigned bound) { return random() % bound; };
  unsigned good = 0, bad = 0;
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<KeyOperation> operations;
    const unsigned count = 2 + below(5);
    for (unsigned i = 0; i < count; ++i) {
      KeyOperation operation;
      operation.kind = static_cast<KeyOperation::Kind>(below(3));
      operation.outcome = static_cast<KeyOperation::Outcome>(below(8) < 6 ? 1 : 2 * below(2));
      operation.expected = below(3);
      operation.value = operation.kind == KeyOperation::read ? below(3) : 1 + below(2);
      operation.swapped = below(2) != 0;
      operation.called = 2 * below(20);
      operation.answered = operation.called + 1 + 2 * below(10);  // no call in the same cycle
      operations.push_back(operation);
    }
    bool given_up = false;
    const bool judged_good = !judge_key(operations, given_up).has_value();
    CAPTURE(round);
    REQUIRE_FALSE(given_up);
    REQUIRE(judged_good == some_order_explains(operations));
    ++(judged_good ? good : bad);
  }
  CHECK(good > 0);
  CHECK(bad > 0);
}
