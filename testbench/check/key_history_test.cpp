#include "check/key_history.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

/// A history written down: each operation with its call, its answer, and what it found.
class Book {
 public:
  void read(std::uint64_t from, std::uint64_t to, std::uint64_t found) {
    answer({.kind = KeyOperation::read, .called = from}, to, found, false);
  }
  void write(std::uint64_t from, std::uint64_t to, std::uint64_t found, std::uint64_t value) {
    answer({.kind = KeyOperation::write, .value = value, .called = from}, to, found, true);
  }
  /// That was done if it found what it expected.
  void swap(std::uint64_t from, std::uint64_t to, std::uint64_t found, std::uint64_t expected,
            std::uint64_t value) {
    answer({.kind = KeyOperation::swap, .expected = expected, .value = value, .called = from}, to,
           found, found == expected);
  }
  void open_write(std::uint64_t from, std::uint64_t value) {
    history.call({.kind = KeyOperation::write, .value = value, .called = from});
  }
  void open_swap(std::uint64_t from, std::uint64_t expected, std::uint64_t value) {
    history.call(
        {.kind = KeyOperation::swap, .expected = expected, .value = value, .called = from});
  }
  bool good() const { return history.check().ok; }

  KeyHistory history;

 private:
  void answer(KeyOperation operation, std::uint64_t to, std::uint64_t found, bool swapped) {
    history.answer(history.call(operation), to, found, swapped);
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
        if (done && operation.found != value) fits = false;
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
  book.write(10, 20, 0, 1);
  book.write(30, 40, 1, 2);
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
  book.write(10, 100, 0, 1);
  book.read(20, 30, 0);
  book.read(40, 50, 1);
  CHECK(book.good());
  book.read(60, 70, 0);
  CHECK_FALSE(book.good());
}

TEST_CASE("Of two swaps of the same value one succeeds") {
  Book book;
  book.swap(10, 50, 0, 0, 1);
  book.swap(20, 60, 1, 0, 2);
  CHECK(book.good());
  Book both;
  both.swap(10, 50, 0, 0, 1);
  both.swap(20, 60, 0, 0, 2);
  CHECK_FALSE(both.good());
  Book neither;
  neither.swap(10, 50, 1, 0, 1);
  CHECK_FALSE(neither.good());
  Book wrong;  // it says that it has not replaced what it says that it was to replace
  const auto number =
      wrong.history.call({.kind = KeyOperation::swap, .value = 1, .called = 10});
  wrong.history.answer(number, 20, 0, false);
  CHECK_FALSE(wrong.good());
}

TEST_CASE("A write finds what the one before it has left, and one map gives each value once") {
  Book book;
  book.write(10, 50, 0, 1);
  book.write(20, 60, 1, 2);
  CHECK(book.good());
  Book both;  // both found the map as it was at first: the first of them was lost
  both.write(10, 50, 0, 1);
  both.write(20, 60, 0, 2);
  CHECK_FALSE(both.good());
  CHECK_THAT(both.history.check().detail,
             Contains("explains the write of 2 (client 0, cycle 20 to 60); before it, 1 is from "
                      "the write of 1 (client 0, cycle 10 to 50); it found 0, which is what it has "
                      "at first"));
}

TEST_CASE("A write that ended with an error may happen late or never, but happens once") {
  Book book;
  book.open_write(10, 7);
  book.read(20, 30, 0);
  book.write(40, 50, 0, 1);
  book.read(60, 70, 7);
  CHECK(book.good());
  book.write(80, 90, 7, 2);
  book.read(100, 110, 7);
  CHECK_FALSE(book.good());
}

TEST_CASE("A complaint names who wrote what was found, and what was expected, and when") {
  KeyHistory history;
  const auto write = [&](std::uint32_t client, std::uint64_t from, std::uint64_t found,
                         std::uint64_t value) {
    history.answer(history.call({.kind = KeyOperation::write,
                                 .key = 4,
                                 .client = client,
                                 .value = value,
                                 .called = from}),
                   from + 10, found, true);
  };
  write(1, 10, 0, 100);
  write(2, 30, 100, 200);
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

TEST_CASE("What was refused did not happen, and is an error all the same") {
  for (const bool allowed : {false, true}) {
    KeyHistory history(allowed);
    const auto number = history.call({.kind = KeyOperation::write, .value = 7, .called = 10});
    history.refuse(number, 15, contract::Error::not_found);
    CHECK(history.ended() == 1);
    CHECK(history.check().ok == allowed);
    history.answer(history.call({.called = 20}), 30, 7, false);
    CHECK_THAT(history.check().detail, Contains("7 was written by nobody"));
  }
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

TEST_CASE("What was never answered, and seen by nobody, is no trouble, however much it is") {
  Book book;
  for (std::uint64_t value = 1; value <= 2000; ++value) book.open_write(value, value);
  book.read(3000, 3010, 3);
  book.write(3020, 3030, 1000, 5000);
  CHECK(book.good());
  book.read(3040, 3050, 3);
  CHECK_FALSE(book.good());
}

TEST_CASE("A swap that was never answered may need another one that was seen by nobody") {
  Book book;
  book.open_write(10, 5);
  book.open_swap(20, 5, 6);
  book.open_swap(30, 6, 7);
  book.read(40, 50, 7);
  CHECK(book.good());
  book.read(60, 70, 6);
  CHECK_FALSE(book.good());
  Book without;
  without.open_swap(20, 5, 6);
  without.read(40, 50, 6);
  CHECK_FALSE(without.good());
}

TEST_CASE("A key that cannot be judged is a complaint, and takes no more time than others") {
  // Reads of the same time in any order, each of a value that was never acknowledged.
  Book book;
  for (std::uint64_t value = 1; value <= 40; ++value) book.open_write(value, value);
  for (std::uint64_t value = 1; value <= 40; ++value) book.read(100, 200 + value, value);
  const CheckResult result = book.history.check();
  CHECK_FALSE(result.ok);
  CHECK_THAT(result.detail, Contains("key 0, and those after it, cannot be judged"));
}

TEST_CASE("A long history of many clients on one key is judged, and quickly") {
  constexpr unsigned clients = 32, each = 500;
  std::mt19937 random(1);
  KeyHistory history;
  struct Client {
    std::uint64_t called, at, answered;
    KeyOperation::Kind kind;
    std::uint64_t value = 0, expected = 0;
    KeyHistory::Number number = 0;
  };
  std::vector<Client> all;
  for (unsigned client = 0; client < clients; ++client) {
    std::uint64_t now = client;
    for (unsigned i = 0; i < each; ++i) {
      Client one{.called = now, .at = now + 1 + random() % 1000, .answered = 0, .kind = {}};
      one.answered = one.at + 1 + random() % 1000;
      const unsigned draw = static_cast<unsigned>(random() % 5);
      one.kind = draw == 0 ? KeyOperation::read
                           : draw == 4 ? KeyOperation::swap : KeyOperation::write;
      one.value = client * 1000 + i + 1;
      all.push_back(one);
      now = one.answered + 1;
    }
  }
  // One map does them in the order of `at`; one in a hundred is never answered.
  std::ranges::sort(all, {}, &Client::at);
  std::uint64_t value = 0;
  for (Client& one : all) {
    if (random() % 2 != 0) one.expected = value;
    const auto number = history.call({.kind = one.kind,
                                      .expected = one.expected,
                                      .value = one.value,
                                      .called = one.called});
    const bool swapped = one.expected == value;
    if (random() % 100 != 0) history.answer(number, one.answered, value, swapped);
    const bool sets = one.kind == KeyOperation::write ||
                      (one.kind == KeyOperation::swap && swapped);
    if (sets) value = one.value;
  }
  CHECK(history.check().detail.find("16000 operations on 1 keys") == 0);
  CHECK(history.check().ok);
  history.answer(history.call({.called = 2'000'000}), 2'000'001, value + 1, false);
  CHECK_FALSE(history.check().ok);
}

TEST_CASE("Short random histories are judged as the definition says") {
  const unsigned seed = GENERATE(range(0U, 40U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&random](unsigned bound) { return random() % bound; };
  unsigned good = 0, bad = 0;
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<KeyOperation> operations;
    const unsigned count = 2 + below(5), pending_from = 3 + below(5);
    for (unsigned i = 0; i < count; ++i) {
      KeyOperation operation;
      operation.kind = static_cast<KeyOperation::Kind>(below(3));
      const bool answered = below(8) < pending_from;
      operation.outcome = static_cast<KeyOperation::Outcome>(answered ? 1 : 2 * below(2));
      operation.expected = below(3);
      operation.value = 1 + below(2);
      operation.found = below(3);
      operation.swapped = below(8) != 0 ? operation.found == operation.expected : below(2) != 0;
      operation.called = 2 * below(20);
      operation.answered = operation.called + 1 + 2 * below(10);  // no call in the same cycle
      operations.push_back(operation);
    }
    std::uint64_t steps = 1'000'000;
    const bool judged_good = !judge_key(operations, steps).has_value();
    CAPTURE(round);
    REQUIRE(steps != 0);
    REQUIRE(judged_good == some_order_explains(operations));
    ++(judged_good ? good : bad);
  }
  CHECK(good > 0);
  CHECK(bad > 0);
}
