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
  void word(std::size_t at, std::uint32_t value) {
    store_word(value, std::span(bytes_).subspan(at));
  }

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

TEST_CASE("books that have what terminals were told of, and what they were not told of once, are "
          "good") {
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
  CHECK_THAT(result.detail,
             Contains("drives 0 and 1 have the same label, and differ from byte 32767"));
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
    bank.books.lost(0, BankPart::branch_server, "$BR1");
    bank.books.lost(0, BankPart::account_server, "$ACC1");
    bank.books.lost(0, BankPart::branch_server, "$BR1");
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
  if (unavailable) books.lost(1, BankPart::branch_server, "$BR2");
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

namespace {

/// Two partitions with two accounts each. Branch 1 alone has transactions, all on accounts of
/// partition 0 and none acknowledged: those of `done` are in its history, those of `refused` are
/// not; `had` is what the accounts have.
struct Halves {
  using Deltas = std::vector<std::pair<std::uint32_t, std::int64_t>>;  // account, cents
  Deltas done{}, refused{};
  std::array<std::int64_t, 2> had{};

  /// What is wrong with its books once `tell` has told them what an auditor saw.
  template <class Tell>
  std::string complaint(Tell tell) const {
    Books books({{"$DATA1", 1}, {"$DATA2", 1}}, true);
    std::vector<std::byte> lines, accounts(2 * BankRecord::bytes), sum(BankRecord::bytes);
    std::int64_t branch = 0;
    std::uint32_t sequence = 0;
    const auto ask = [&](const auto& change) {
      BankTransaction t = transaction(1, ++sequence, change.second);
      t.account = change.first;
      books.asked(t, 1);
      return t;
    };
    for (const auto& change : done) {
      lines.resize(lines.size() + HistoryRecord::bytes);
      HistoryRecord{sequence + 1, ask(change)}.store(
          std::span(lines).last(HistoryRecord::bytes));
      branch += change.second;
    }
    for (const auto& change : refused) ask(change);
    for (std::size_t i = 0; i < had.size(); ++i)
      BankRecord{had[i]}.store(std::span(accounts).subspan(i * BankRecord::bytes));
    BankRecord{branch + wrong_branch}.store(sum);
    std::array drives{Drive(1), Drive(1)};
    drives[0].add("ACCOUNT", accounts);
    drives[1].add("HISTORY", lines);
    drives[1].add("BRANCH", sum);
    drives[1].add("TELLER", sum);
    tell(books);
    const CheckResult its = books.result([&](std::string_view name, unsigned) {
      return std::span<const std::byte>(drives[name == "$DATA2" ? 1 : 0].bytes());
    }, true);
    return its.ok ? "" : its.detail;
  }
  std::int64_t wrong_branch = 0;
};

void lose_branch(Books& books) { books.lost(1, BankPart::branch_server, "$BR2"); }
void lose_volume(Books& books) { books.lost(1, BankPart::volume, "$DATA2"); }
void lose_accounts(Books& books) { books.lost(1, BankPart::account_server, "$ACC2"); }

}  // namespace

TEST_CASE("books: a lost branch was in the middle of one transaction, not of more") {
  for (const auto& lose : {lose_branch, lose_volume}) {
    const Halves::Deltas two{{0, 20}, {0, 30}};
    CHECK(Halves{.refused = two, .had = {20, 0}}.complaint(lose) == "");
    CHECK(Halves{.refused = two, .had = {30, 0}}.complaint(lose) == "");
    CHECK_THAT((Halves{.refused = two, .had = {50, 0}}.complaint(lose)),
               Contains("account 0 has 50, by the history it has 0"));
    // Nor one on each of two accounts.
    const Halves::Deltas apart{{0, 20}, {1, 30}};
    CHECK(Halves{.refused = apart, .had = {20, 0}}.complaint(lose) == "");
    CHECK_THAT((Halves{.refused = apart, .had = {20, 30}}.complaint(lose)),
               Contains("2 accounts differ") && Contains("there is 1"));
  }
}

TEST_CASE("books: of a lost branch's history only the last line may have no account") {
  const Halves::Deltas two{{0, 20}, {0, 30}};
  CHECK(Halves{.done = two, .had = {50, 0}}.complaint(lose_branch) == "");
  CHECK(Halves{.done = two, .had = {20, 0}}.complaint(lose_branch) == "");
  CHECK_THAT((Halves{.done = two, .had = {30, 0}}.complaint(lose_branch)),
             Contains("account 0 has 30, by the history it has 50"));
  CHECK_FALSE(Halves{.done = two, .had = {0, 0}}.complaint(lose_branch).empty());
}

TEST_CASE("books: many transactions that a lost branch refused are looked at one by one") {
  const Halves many{.refused = Halves::Deltas(60, {0, 2}), .had = {119, 0}};
  CHECK_THAT(many.complaint(lose_branch), Contains("account 0 has 119"));
}

TEST_CASE("books: two lost branches may each have changed the same account") {
  Books books({{"$DATA1", 1}, {"$DATA2", 1}, {"$DATA3", 1}}, true);
  books.asked(transaction(1, 1, 20), 1);
  books.asked(transaction(2, 1, 30), 2);
  books.lost(1, BankPart::volume, "$DATA2");
  books.lost(2, BankPart::volume, "$DATA3");
  using Case = std::pair<std::int64_t, bool>;  // what the account has, whether that is good
  for (const auto& [cents, good] : {Case{50, true}, Case{30, true}, Case{10, false}}) {
    std::vector<std::byte> accounts(BankRecord::bytes);
    BankRecord{cents}.store(accounts);
    Drive first(1), empty(1);
    first.add("ACCOUNT", accounts);
    CHECK(books.result([&](std::string_view name, unsigned) {
      return std::span<const std::byte>((name == "$DATA1" ? first : empty).bytes());
    }, true).ok == good);
  }
}

TEST_CASE("books: a branch that has lost its accounts alone is held against all else") {
  CHECK_THAT((Halves{.refused = {{0, 20}}, .had = {20, 0}}.complaint(lose_accounts)),
             Contains("account 0 has 20, by the history it has 0"));
  CHECK_THAT((Halves{.done = {{0, 20}}, .had = {20, 0}, .wrong_branch = 1}.complaint(
                 lose_accounts)),
             Contains("teller 0 has 21") && Contains("branch 0 has 21"));
  // Its own accounts are not looked at.
  const auto lose_the_first = [](Books& books) {
    books.lost(0, BankPart::account_server, "$ACC1");
  };
  CHECK(Halves{.done = {{0, 20}}}.complaint(lose_the_first) == "");
}

TEST_CASE("books: drives and replies of a branch that has lost its accounts alone are looked at") {
  Bank bank;
  bank.books = Books({{"$DATA1", 2}}, true);
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  bank.book(t);
  bank.tell(t, 51);
  bank.books.lost(0, BankPart::account_server, "$ACC1");
  std::array drives{bank.drive(1), bank.drive(1)};
  drives[0].bytes().back() = std::byte{1};
  CHECK_THAT(bank.result(drives).detail,
             Contains("was 51, by the history it is 50") && Contains("differ from byte 32767"));
}

TEST_CASE("books: a branch that has answered one auditor is there, whatever another one saw") {
  const Halves half{.refused = {{0, 20}}, .had = {20, 0}};
  const auto unfinished = [](Books& books) { books.unfinished(1, "$BR2"); };
  CHECK(half.complaint(unfinished) == "");
  CHECK_THAT(half.complaint([](Books& books) {
    books.unfinished(1, "$BR2");
    books.audited(1);
    books.unfinished(1, "$BR2");
  }), Contains("account 0 has 20"));
  Bank bank;  // no error is allowed
  bank.books.unfinished(0, "$BR1");
  CHECK_THAT(bank.complaint(), Contains("$DATA1 unavailable ($BR1)"));
  bank.books.audited(0);
  CHECK(bank.complaint() == "");
}

TEST_CASE("books: what is forged for a test is of a branch that there is") {
  Bank bank;
  CHECK_THROWS_AS(bank.books.asked(transaction(1, 1, 1), 1), std::out_of_range);
  bank.books.forge(5000);
  CHECK_THAT(bank.complaint(), Contains("was acknowledged, and is not in the history"));
}

TEST_CASE("books: balances are not compared, and not said to be, when what was under way was cut off") {
  Bank bank;
  const auto t = transaction(1, 1, 50);
  bank.ask(t);
  bank.book(t);
  bank.account -= 50;  // not done yet
  std::array drives{bank.drive(1), bank.drive(1)};
  const DriveContents contents = [&](std::string_view, unsigned number) {
    return std::span<const std::byte>(drives[number].bytes());
  };
  const CheckResult powerless = bank.books.result(contents, false);
  CHECK(powerless.ok);
  CHECK_THAT(powerless.detail, Contains("history = 50; balances not compared, as the power failed"));
  CHECK_FALSE(bank.books.result(contents, true).ok);
  bank.books.abandoned();
  CHECK_THAT(bank.books.result(contents, true).detail, Contains("no CPU is left"));
  CHECK_FALSE(bank.books.result(contents, true).ok);  // as no errors are allowed
  Books forgiving({{"$DATA1", 2}}, true);
  forgiving.asked(t);
  forgiving.abandoned();
  CHECK(forgiving.result(contents, true).ok);
}
