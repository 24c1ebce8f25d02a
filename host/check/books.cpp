#include "check/books.h"

#include <fmt/format.h>

#include <algorithm>

#include "firmware/program/disk_server.h"
#include "workload/bank_records.h"

namespace xybus {

namespace {

std::string describe(const BankTransaction& t) {
  return fmt::format("transaction {} of terminal {} ({} for account {} of partition {} by teller {})",
                     t.sequence, t.terminal, t.delta, t.account, t.account_partition, t.teller);
}

/// The drive that has all; and whether one that says so too has something else.
std::span<const std::byte> best_drive(const Books::Volume& volume, const DriveContents& drives,
                                      Complaints& complaints) {
  std::span<const std::byte> best;
  unsigned best_number = 0;
  std::uint32_t generation = 0;
  for (unsigned drive = 0; drive < volume.drives; ++drive) {
    const auto contents = drives(volume.name, drive);
    const std::uint32_t its = volume_generation(contents);
    if (!best.empty() && its == generation && !std::ranges::equal(best, contents)) {
      const auto at = std::ranges::mismatch(best, contents).in1 - best.begin();
      complaints.add(fmt::format("{}: drives {} and {} have the same label, and differ from byte {} "
                                 "on",
                                 volume.name, best_number, drive, at));
    }
    if (best.empty() || its > generation) {
      best = contents;
      best_number = drive;
      generation = its;
    }
  }
  return best;
}

/// Whether some of the numbers, or none, have that sum. There are few.
bool makes_up(std::int64_t sum, std::span<const std::int64_t> numbers) {
  if (sum == 0) return true;
  if (numbers.empty()) return false;
  return makes_up(sum - numbers[0], numbers.subspan(1)) || makes_up(sum, numbers.subspan(1));
}

/// Whether each record of a file has the sum that is meant for it. `unsure` gives, for a record, by
/// what it may have more.
template <class Unsure>
void compare(const std::string& volume, const char* what, std::span<const std::byte> file,
             std::uint32_t partition,
             const std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t>& sums,
             Unsure unsure, Complaints& complaints) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> left;
  for (const auto& [key, sum] : sums) {
    if (key.first == partition) left.emplace(key, sum);
  }
  for (std::uint32_t number = 0; (number + 1) * BankRecord::bytes <= file.size(); ++number) {
    const std::int64_t balance =
        BankRecord::load(file.subspan(number * BankRecord::bytes)).balance;
    const auto expected = left.find({partition, number});
    const std::int64_t sum = expected == left.end() ? 0 : expected->second;
    if (expected != left.end()) left.erase(expected);
    if (balance == sum || makes_up(balance - sum, unsure(number))) continue;
    complaints.add(fmt::format("{}: the books do not balance: {} {} has {}, by the history it has {}",
                               volume, what, number, balance, sum));
  }
  for (const auto& [key, sum] : left) {
    if (sum == 0 || makes_up(-sum, unsure(key.second))) continue;
    complaints.add(fmt::format("{}: the books do not balance: {} {} is not there, by the history it "
                               "has {}",
                               volume, what, key.second, sum));
  }
}

}  // namespace

void Books::asked(const BankTransaction& transaction, std::uint32_t branch) {
  entries_[{transaction.terminal, transaction.sequence}] = {.transaction = transaction,
                                                            .branch = branch};
}

void Books::unavailable(std::uint32_t partition, const std::string& process) {
  std::vector<std::string>& processes = unavailable_[partition];
  if (std::ranges::find(processes, process) == processes.end()) processes.push_back(process);
}

/// By what an account may differ from the history: of what branches that are unavailable have
/// begun, the one may have it and the other not.
std::vector<std::int64_t> Books::unsure(std::uint32_t partition, std::uint32_t account,
                                        const std::map<Key, std::uint64_t>& found) const {
  std::vector<std::int64_t> deltas;
  if (unavailable_.empty()) return deltas;
  for (const auto& [key, entry] : entries_) {
    const BankTransaction& t = entry.transaction;
    if (entry.acknowledged || !unavailable_.contains(entry.branch)) continue;
    if (t.account_partition != partition || t.account != account) continue;
    deltas.push_back(found.contains(key) ? -t.delta : t.delta);
  }
  return deltas;
}

void Books::acknowledged(std::uint32_t terminal, std::uint32_t sequence, std::int64_t balance) {
  Entry& entry = entries_.at({terminal, sequence});
  entry.acknowledged = true;
  entry.balance = balance;
  ++acknowledged_;
}

void Books::failed(std::uint32_t terminal, std::uint32_t sequence, contract::Error error,
                   std::uint64_t cycle) {
  ++failed_;
  if (errors_allowed_) return;
  errors_.add(fmt::format("terminal {} was told error {} ({}) of transaction {}", terminal,
                          static_cast<unsigned>(error), contract::name(error), sequence),
              cycle);
}

void Books::forge(std::uint64_t cycle) {
  const BankTransaction transaction{.terminal = ~std::uint32_t{0}, .sequence = 1, .delta = 1};
  asked(transaction, cycle);
  acknowledged(transaction.terminal, transaction.sequence, cycle);
}

void Books::begin(const DriveContents& drives) {
  lines_before_.clear();
  for (const Volume& volume : volumes_) {
    Complaints none;
    const auto file = file_on_drive(best_drive(volume, drives, none), "HISTORY");
    lines_before_.push_back(file.size() / HistoryRecord::bytes);
  }
}

void Books::read_history(std::size_t partition, std::span<const std::byte> file, bool whole,
                         Sums& sums, std::map<Key, std::uint64_t>& found,
                         Complaints& complaints) const {
  const std::string& volume = volumes_[partition].name;
  const auto branch = static_cast<std::uint32_t>(partition);
  for (std::size_t line = 0; (line + 1) * HistoryRecord::bytes <= file.size(); ++line) {
    const auto record = HistoryRecord::load(file.subspan(line * HistoryRecord::bytes));
    if (record.number == 0) continue;  // lines behind it came first, and the power failed
    const BankTransaction& t = record.transaction;
    sums.all += t.delta;
    sums.accounts[{t.account_partition, t.account}] += t.delta;
    sums.tellers[{branch, t.teller}] += t.delta;
    const std::int64_t balance = sums.branches[{branch, 0}] += t.delta;
    if (record.number != line + 1) {
      complaints.add(fmt::format("{}: line {} of the history has number {}", volume, line + 1,
                                 record.number));
    }
    if (partition < lines_before_.size() && line < lines_before_[partition]) continue;
    const auto entry = entries_.find({t.terminal, t.sequence});
    if (entry == entries_.end() || entry->second.transaction != t) {
      complaints.add(
          fmt::format("{}: the history has {}, which nobody asked for", volume, describe(t)));
    } else if (++found[entry->first] == 2) {
      complaints.add(fmt::format("{}: the history has {} twice", volume, describe(t)));
    } else if (whole && entry->second.acknowledged && entry->second.balance != balance) {
      complaints.add(fmt::format("{}: the reply to {} was {}, by the history it is {}", volume,
                                 describe(t), entry->second.balance, balance));
    }
  }
}

CheckResult Books::result(const DriveContents& drives, bool whole) const {
  Complaints complaints = errors_;
  Complaints mirrors;  // what was under way when the power failed may be on one drive alone
  Sums sums;
  std::map<Key, std::uint64_t> found;
  std::vector<std::span<const std::byte>> best;
  for (std::size_t partition = 0; partition < volumes_.size(); ++partition) {
    const bool there = !unavailable_.contains(static_cast<std::uint32_t>(partition));
    best.push_back(
        best_drive(volumes_[partition], drives, whole && there ? complaints : mirrors));
    read_history(partition, file_on_drive(best.back(), "HISTORY"), whole && there, sums, found,
                 complaints);
  }
  for (std::uint32_t partition = 0; whole && partition < volumes_.size(); ++partition) {
    if (unavailable_.contains(partition)) continue;
    const auto check = [&](const char* what, const char* file, const auto& its, auto may) {
      compare(volumes_[partition].name, what, file_on_drive(best[partition], file), partition, its,
              may, complaints);
    };
    const auto nothing = [](std::uint32_t) { return std::vector<std::int64_t>{}; };
    check("account", "ACCOUNT", sums.accounts,
          [&](std::uint32_t account) { return unsure(partition, account, found); });
    check("teller", "TELLER", sums.tellers, nothing);
    check("branch", "BRANCH", sums.branches, nothing);
  }
  std::string missing;
  for (const auto& [partition, processes] : unavailable_) {
    const std::string text =
        fmt::format("{} unavailable ({})", volumes_[partition].name, fmt::join(processes, ", "));
    if (!errors_allowed_) complaints.add(text);
    missing += "; " + text;
  }
  for (const auto& [key, entry] : entries_) {
    if (entry.acknowledged && !found.contains(key)) {
      complaints.add(fmt::format("{} was acknowledged, and is not in the history",
                                 describe(entry.transaction)));
    }
  }
  return complaints.result(
      "books", fmt::format("{} transactions acknowledged, {} failed; accounts = tellers = branches = "
                           "history = {}{}",
                           acknowledged_, failed_, sums.all, missing));
}

}  // namespace xybus
