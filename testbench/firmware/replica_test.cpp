#include "firmware/update/replica.h"

#include <catch2/catch.hpp>

using namespace xybus;
using Verdict = Replica::Verdict;

namespace {

/// Keeps every byte of every update, in order.
class Journal : public ReplicatedTable {
 public:
  void apply(std::span<const std::byte> update) override {
    bytes.insert(bytes.end(), update.begin(), update.end());
  }
  std::size_t image_bytes() const override { return bytes.size(); }
  void save(std::span<std::byte> into) const override {
    std::copy(bytes.begin(), bytes.end(), into.begin());
  }
  bool load(std::span<const std::byte> image) override {
    bytes.assign(image.begin(), image.end());
    return true;
  }

  std::vector<std::byte> bytes;
};

Update update(std::uint32_t number, unsigned sender, std::uint32_t counter, std::string_view text,
              unsigned table = 0) {
  Update result;
  result.header.set_table(table).set_length(static_cast<std::uint32_t>(text.size()));
  result.header.set_number(number).set_sender(sender).set_counter(counter);
  std::transform(text.begin(), text.end(), result.bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return result;
}

std::string text(const Journal& journal) {
  std::string result;
  for (const std::byte b : journal.bytes) result += static_cast<char>(b);
  return result;
}

}  // namespace

TEST_CASE("a replica applies each update once, and in the order of their numbers") {
  Journal journal;
  Replica replica;
  replica.add(0, journal);
  CHECK(replica.number() == 0);
  CHECK(replica.apply(update(2, 0, 2, "b")) == Verdict::gap);
  CHECK(replica.apply(update(1, 0, 1, "a")) == Verdict::applied);
  CHECK(replica.apply(update(1, 0, 1, "a")) == Verdict::known);
  CHECK(replica.apply(update(2, 3, 1, "b")) == Verdict::applied);
  CHECK(text(journal) == "ab");
  CHECK(replica.number() == 2);
}

TEST_CASE("a replica tells another update from the one that it has in that place") {
  Journal journal;
  Replica replica;
  replica.add(0, journal);
  CHECK(replica.apply(update(1, 0, 1, "a")) == Verdict::applied);
  CHECK(replica.apply(update(1, 1, 1, "b")) == Verdict::conflict);
  CHECK(replica.apply(update(1, 0, 2, "b")) == Verdict::conflict);
  CHECK(text(journal) == "a");
  CHECK(replica.apply(update(2, 0, 2, "b")) == Verdict::applied);
  CHECK(replica.apply(update(1, 3, 1, "?")) == Verdict::known);  // what was there it knows no more
}

TEST_CASE("a replica that has applied nothing knows the nothing of another") {
  Replica replica, other;
  CHECK(replica.apply(other.last()) == Verdict::known);
}

TEST_CASE("a replica knows which updates of each sender it has") {
  Journal journal;
  Replica replica;
  replica.add(0, journal);
  replica.apply(update(1, 3, 1, "a"));
  CHECK(replica.applied(update(0, 3, 1, "a").header));
  CHECK_FALSE(replica.applied(update(0, 3, 2, "b").header));
  CHECK_FALSE(replica.applied(update(0, 2, 1, "b").header));
  CHECK(replica.counter(3) == 1);
  CHECK(replica.counter(2) == 0);
}

TEST_CASE("an image makes another replica the same") {
  Journal first, second, copy_of_first, copy_of_second;
  Replica replica, copy;
  replica.add(0, first);
  replica.add(5, second);
  copy.add(0, copy_of_first);
  copy.add(5, copy_of_second);
  replica.apply(update(1, 0, 1, "odd", 0));
  replica.apply(update(2, 15, 1, "even", 5));
  REQUIRE(copy.load(replica.image()));
  CHECK(text(copy_of_first) == "odd");
  CHECK(text(copy_of_second) == "even");
  CHECK(copy.number() == 2);
  CHECK(copy.counter(15) == 1);
  CHECK(copy.apply(update(2, 15, 1, "even", 5)) == Verdict::known);
  CHECK(copy.apply(update(3, 15, 2, "!", 5)) == Verdict::applied);
  CHECK(text(copy_of_second) == "even!");
}

TEST_CASE("what is no image of these tables is not taken") {
  Journal journal, other;
  Replica replica, copy;
  replica.add(0, journal);
  copy.add(0, other);
  replica.apply(update(1, 0, 1, "abcde"));
  auto image = replica.image();
  for (std::size_t bytes = 0; bytes < image.size(); ++bytes) {
    INFO(bytes << " of " << image.size() << " bytes");
    CHECK_FALSE(copy.load(std::span(image).first(bytes)));
    CHECK(copy.number() == 0);
  }
  image.resize(image.size() + 4);
  CHECK_FALSE(copy.load(image));
}

TEST_CASE("an update is one only if its length says so") {
  std::array<std::byte, Update::max_bytes> bytes{};
  const Update sent = update(7, 2, 3, "hello");
  sent.save(bytes);
  Update came;
  CHECK_FALSE(came.load(std::span(bytes).first(sent.size() - 1)));
  CHECK_FALSE(came.load(std::span(bytes).first(sent.size() + 1)));
  CHECK_FALSE(came.load(std::span(bytes).first(Update::header_bytes - 1)));
  REQUIRE(came.load(std::span(bytes).first(sent.size())));
  CHECK(came.header.number() == 7);
  CHECK(std::ranges::equal(came.content(), sent.content()));
}

TEST_CASE("a table has a number of its own, and one that there is") {
  Journal journal;
  Replica replica;
  replica.add(15, journal);
  CHECK_THROWS_AS(replica.add(15, journal), std::invalid_argument);
  CHECK_THROWS_AS(replica.add(Replica::max_tables, journal), std::invalid_argument);
  CHECK(replica.has(15));
  CHECK_FALSE(replica.has(0));
  CHECK_FALSE(replica.has(Replica::max_tables));
}
