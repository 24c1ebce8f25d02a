#include "check/books.h"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "workload/bank_records.h"

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

constexpr std::size_t block = 512;

/// A drive, put together by hand as the heads of volume.h and disk_server.h have it: the label in
/// block 0, eight blocks of directory, and files behind it.
class Drive {
 public:
  explicit Drive(std::uint32_t generation) : bytes_(64 * block) {
    word(0, 0x56595558);
    word(4, generation);
  }
  /// A file in the next blocks.
  void add(const std::string& name, const std::vector<std::byte>& contents) {
    const std::size_t entry = block + 64 * files_;
    const auto blocks = static_cast<std::uint32_t>((contents.size() + block - 1) / block);
    word(entry, ++files_);
    word(entry + 4, next_);
    word(entry + 8, blocks);
    word(entry + 12, static_cast<std::uint32_t>(contents.size()));
    for (std::size_t i = 0; i < name.size(); ++i) bytes_[entry + 20 + i] = std::byte(name[i]);
    std::copy(contents.begin(), contents.end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(next_ * block));
    next_ += blocks;
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  void word(std::size_t at, std::uint32_t value) { store_word(value, std::span(bytes_).subspan(at)); }

  std::vector<std::byte> bytes_;
  std::uint32_t files_ = 0;
  std::uint32_t next_ = 9;
};

BankTransaction transaction(std::uint32_t terminal, std::uint32_t sequence, std::int64_t delta) {
  return {.terminal = terminal, .sequence = sequence, .delta = delta};
}

/// A bank of one partition on one or two drives, and what its terminals were told.
struct Bank {
  Books books{{{"$DATA1", 2}}, false};
  std::vector<BankTransaction> history;
  std::int64_t account = 0, teller = 0, branch = 0;
  std::array<std::uint32_t, 2> generations{1, 1};

  void ask(const BankTransaction& t) { books.asked(t); }
  /// Its reply is what the branch has after it, wherever in the history that is.
  void tell(const BankTransaction& t) {
    std::int64_t balance = 0;
    for (const BankTransaction& its : history) {
      if (its == t) break;
      balance += its.delta;
    }
    tell(t, balance + t.delta);
  }
  void tell(const BankTransaction& t, std::int64_t balance) {
    books.acknowledged(t.terminal, t.sequence, balance);
  }
  /// It is done on the volume.
  void book(const BankTransaction& t) {
    history.push_back(t);
    account += t.delta;
    teller += t.delta;
    branch += t.delta;
  }

  Drive drive(std::uint32_t generation) const {
    Drive its(generation);
    const auto balance = [](std::int64_t cents) {
      std::vector<std::byte> record(2 * BankRecord::bytes);  // the second one is empty
      BankRecord{cents}.store(record);
      return record;
    };
    its.add("ACCOUNT", balance(account));
    its.add("TELLER", balance(teller));
    its.add("BRANCH", balance(branch));
    std::vector<std::byte> lines(history.size() * HistoryRecord::bytes);
    for (std::size_t i = 0; i < history.size(); ++i) {
      HistoryRecord{i + 1, history[i]}.store(
          std::span(lines).subspan(i * HistoryRecord::bytes, HistoryRecord::bytes));
    }
    its.add("HISTORY", lines);
    return its;
  }
  CheckResult result() {
    std::array drives{drive(generations[0]), drive(generations[1])};
    return result(drives);
  }
  CheckResult result(std::array<Drive, 2>& drives) const {
    return books.result([&](std::string_view, unsigned number) {
      return std::span<const std::byte>(drives[number].bytes());
    }, true);
  }
  std::string complaint() {
    const CheckResult its = result();
    return its.ok ? "" : its.detail;
  }
};

}  // namespace

TEST_CASE("books that have what terminals were told of, and what they were not told of once, are good") {
  Bank bank;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const auto t = transaction(4, i, 100 * i);
    bank.ask(t);
    bank.book(t);
    if (i != 3) bank.tell(t);
  }
  bank.ask(transaction(5, 1, 7));  // neither told nor done
  const CheckResult result = bank.result();
  CHECK(result.ok);
  CHECK(result.name == "books");
  CHECK_THAT(result.detail, Contains("2 transactions acknowledged") && Contains("= 600"));
}

TEST_CASE("books: sums that differ are found, whichever it is") {
  for (std::int64_t Bank::*sum : {&Bank::account, &Bank::teller, &Bank::branch}) {
    Bank bank;
    const auto t = transaction(1, 1, 50);
    bank.ask(t);
    bank.tell(t);
    bank.book(t);
    bank.*sum -= 1;
    CHECK_THAT(bank.complaint(), Contains("the books do not balance") && Contains("49"));
  }
}

TEST_CASE("books: what a terminal was told of has to be in the history") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  bank.tell(t);
  CHECK_THAT(bank.complaint(), Contains("transaction 1 of terminal 1") &&
                                   Contains("was acknowledged, and is not in the history"));
}

TEST_CASE("books: a reply has the balance of the branch") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  const auto next = transaction(1, 2, 30);
  for (const auto& its : {t, next}) {
    bank.ask(its);
    bank.book(its);
  }
  bank.tell(t);
  bank.tell(next, 81);
  CHECK_THAT(bank.complaint(), Contains("the reply to transaction 2 of terminal 1") &&
                                   Contains("was 81, by the history it is 80"));
}

TEST_CASE("books: nothing is in the history twice, told or not") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  bank.book(t);
  bank.book(t);
  CHECK_THAT(bank.complaint(), Contains("transaction 1 of terminal 1") && Contains("twice"));
}

TEST_CASE("books: nothing is there that nobody asked for, or not so") {
  Bank bank;
  bank.book(transaction(1, 1, 50));
  CHECK_THAT(bank.complaint(), Contains("which nobody asked for"));
  Bank other;
  other.ask(transaction(1, 1, 50));
  other.book(transaction(1, 1, 51));
  CHECK_THAT(other.complaint(), Contains("(51 for account") && Contains("which nobody asked for"));
}

TEST_CASE("books: an error that a terminal was told of is found, unless errors are allowed") {
  for (const bool allowed : {false, true}) {
    Books books({{"$DATA1", 1}}, allowed);
    books.asked(transaction(3, 9, 1));
    books.failed(3, 9, contract::Error::path_down, 200);
    Drive drive(1);
    const CheckResult result = books.result([&](std::string_view, unsigned) {
      return std::span<const std::byte>(drive.bytes());
    }, true);
    CHECK(result.ok == allowed);
    if (!allowed) CHECK_THAT(result.detail, Contains("terminal 3 was told error 201 (path_down)"));
  }
}

TEST_CASE("books: of two drives the one with the later label counts, and equal ones are equal") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  std::array drives{bank.drive(2), Drive(1)};
  bank.book(t);
  bank.tell(t);
  drives[1] = bank.drive(3);
  CHECK(bank.result(drives).ok);
  drives[0] = bank.drive(3);
  CHECK(bank.result(drives).ok);
  drives[0].bytes().back() = std::byte{1};
  const CheckResult result = bank.result(drives);
  CHECK_FALSE(result.ok);
  CHECK_THAT(result.detail, Contains("drives 0 and 1 have the same label, and differ from byte 32767"));
}

TEST_CASE("books: each record is held against the history, not only their sum") {
  Bank bank;
  auto t = transaction(1, 1, 50);
  t.account = 1;  // and it was the first one that was changed
  bank.ask(t);
  bank.tell(t);
  bank.book(t);
  CHECK_THAT(bank.complaint(), Contains("account 0 has 50, by the history it has 0") &&
                                   Contains("account 1 has 0, by the history it has 50"));
}

TEST_CASE("books: what was there before the run is nobody's fault, and counts") {
  Bank bank;
  bank.book(transaction(1, 1, 50));
  std::array drives{bank.drive(1), bank.drive(1)};
  bank.books.begin([&](std::string_view, unsigned number) {
    return std::span<const std::byte>(drives[number].bytes());
  });
  const auto t = transaction(1, 1, 20);  // the same terminal, another run
  bank.ask(t);
  bank.tell(t);
  bank.book(t);
  CHECK(bank.complaint() == "");
}

TEST_CASE("books: after a loss of power they need not balance, but have what was acknowledged") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  bank.book(t);
  bank.account = 0;
  std::array drives{bank.drive(1), bank.drive(1)};
  const auto contents = [&](std::string_view, unsigned number) {
    return std::span<const std::byte>(drives[number].bytes());
  };
  CHECK(bank.books.result(contents, false).ok);
  CHECK_FALSE(bank.books.result(contents, true).ok);
  const auto lost = transaction(1, 2, 50);
  bank.ask(lost);
  bank.tell(lost);
  CHECK_THAT(bank.books.result(contents, false).detail, Contains("is not in the history"));
}

TEST_CASE("books: an unavailable partition is named, and is wrong unless errors are allowed") {
  for (const bool allowed : {false, true}) {
    Bank bank;
    bank.books = Books({{"$DATA1", 2}}, allowed);
    const auto t = transaction(1, 1, 50);
    bank.ask(t);
    bank.tell(t);
    bank.book(t);
    bank.account = 0;  // nobody has come to the end with it
    bank.books.unavailable(0, "$BR1");
    bank.books.unavailable(0, "$ACC1");
    bank.books.unavailable(0, "$BR1");
    const CheckResult result = bank.result();
    CHECK(result.ok == allowed);
    CHECK_THAT(result.detail, Contains("$DATA1 unavailable ($BR1, $ACC1)"));
    bank.history.clear();
    CHECK_THAT(bank.complaint(), Contains("was acknowledged, and is not in the history"));
  }
}

namespace {

/// Two partitions, of which the second is unavailable; an account of the first has `balance`, and
/// the history of the second has a transaction on it, or has not. `told`: that was acknowledged.
bool good_with(std::int64_t balance, bool in_history, bool told, bool unavailable = true) {
  Books books({{"$DATA1", 1}, {"$DATA2", 1}}, true);
  const auto t = transaction(1, 1, 50);  // on account 0 of partition 0
  books.asked(t, 1);
  if (told) books.acknowledged(1, 1, 50);
  if (unavailable) books.unavailable(1, "$BR2");
  Bank first, second;
  first.account = balance;
  if (in_history) second.book(t);
  second.account = 0;
  std::array drives{first.drive(1), second.drive(1)};
  return books.result([&](std::string_view name, unsigned) {
    return std::span<const std::byte>(drives[name == "$DATA2" ? 1 : 0].bytes());
  }, true).ok;
}

}  // namespace

TEST_CASE("books: what a lost branch was in the middle of may be on the account or not") {
  for (const bool in_history : {false, true}) {
    CHECK(good_with(0, in_history, false));
    CHECK(good_with(50, in_history, false));
    CHECK_FALSE(good_with(49, in_history, false));
    CHECK_FALSE(good_with(100, in_history, false));
    CHECK_FALSE(good_with(-50, in_history, false));
  }
  CHECK(good_with(50, true, true));
  CHECK_FALSE(good_with(0, true, true));
  // And only of a lost one.
  CHECK_FALSE(good_with(50, false, false, false));
  CHECK_FALSE(good_with(0, true, false, false));
}
