#include "check/books.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "firmware/program/disk_server.h"
#include "workload/bank_records.h"

namespace xybus {

namespace {

std::string describe(const BankTransaction& t) {
  return fmt::format(
      "transaction {} of terminal {} ({} for account {} of partition {} by teller {})", t.sequence,
      t.terminal, t.delta, t.account, t.account_partition, t.teller);
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
      complaints.add(fmt::format("{}: drives {} and {} have the same label, and differ from byte "
                                 "{} on",
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

/// Whether each record of a file has the sum that is meant for it. `excused` says whether a record
/// may have so much more.
template <class Excused>
void compare(const std::string& volume, const char* what, std::span<const std::byte> file,
             std::uint32_t partition,
             const std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t>& sums,
             Excused excused, Complaints& complaints) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> left;
  for (const auto& [key, sum] : sums) {
    if (key.first == partition) left.emplace(key, sum);
  }
  const auto complain = [&](std::uint32_t number, const std::string& found, std::int64_t sum) {
    complaints.add(fmt::format("{}: the books do not balance: {} {} {}, by the history it has {}",
                               volume, what, number, found, sum));
  };
  for (std::uint32_t number = 0; (number + 1) * BankRecord::bytes <= file.size(); ++number) {
    const std::int64_t balance =
        BankRecord::load(file.subspan(number * BankRecord::bytes)).balance;
    const auto expected = left.find({partition, number});
    const std::int64_t sum = expected == left.end() ? 0 : expected->second;
    if (expected != left.end()) left.erase(expected);
    if (balance == sum || excused(number, balance - sum)) continue;
    complain(number, fmt::format("has {}", balance), sum);
  }
  for (const auto& [key, sum] : left) {
    if (sum != 0 && !excused(key.second, -sum)) complain(key.second, "is not there", sum);
  }
}

}  // namespace

void Books::asked(const BankTransaction& transaction, std::uint32_t branch) {
  if (branch >= volumes_.size()) throw std::out_of_range("there is no such branch");
  entries_[{transaction.terminal, transaction.sequence}] = {.transaction = transaction,
                                                            .branch = branch};
}

void Books::lost(std::uint32_t partition, BankPart part, const std::string& process) {
  Partition& its = partitions_.at(partition);
  (part == BankPart::account_server ? its.accounts_lost : its.branch_lost) = true;
  if (std::ranges::find(its.lost, process) == its.lost.end()) its.lost.push_back(process);
}

void Books::unfinished(std::uint32_t partition, const std::string& process) {
  partitions_.at(partition).unfinished = process;
}

std::vector<Books::HalfDone> Books::half_done(const Found& found) const {
  std::map<std::uint32_t, HalfDone> branches;
  for (std::uint32_t i = 0; i < partitions_.size(); ++i) {
    if (!partitions_[i].has_branch()) branches.emplace(i, HalfDone{});
  }
  for (const auto& [key, entry] : entries_) {
    const auto branch = branches.find(entry.branch);
    if (entry.acknowledged || branch == branches.end()) continue;
    const bool in_history = found.times.contains(key);
    const auto newest = found.newest.find(entry.branch);
    if (in_history && (newest == found.newest.end() || newest->second != key)) continue;
    const BankTransaction& t = entry.transaction;
    branch->second[{t.account_partition, t.account}].push_back(in_history ? -t.delta : t.delta);
  }
  std::vector<HalfDone> all;
  for (auto& [number, its] : branches) all.push_back(std::move(its));
  return all;
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

void Books::forge(std::uint64_t /*cycle*/) {
  const BankTransaction transaction{.terminal = ~std::uint32_t{0}, .sequence = 1, .delta = 1};
  asked(transaction);
  acknowledged(transaction.terminal, transaction.sequence, transaction.delta);
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
                         Sums& sums, Found& found, Complaints& complaints) const {
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
      continue;
    }
    found.newest[branch] = entry->first;
    if (++found.times[entry->first] == 2) {
      complaints.add(fmt::format("{}: the history has {} twice", volume, describe(t)));
    } else if (whole && entry->second.acknowledged && entry->second.balance != balance) {
      complaints.add(fmt::format("{}: the reply to {} was {}, by the history it is {}", volume,
                                 describe(t), entry->second.balance, balance));
    }
  }
}

void Books::compare_records(std::span<const std::span<const std::byte>> drives, const Sums& sums,
                            const Found& found, Complaints& complaints) const {
  const std::vector<HalfDone> branches = half_done(found);
  std::size_t excused = 0;
  for (std::uint32_t partition = 0; partition < volumes_.size(); ++partition) {
    const auto check = [&](const char* what, const char* file, const auto& its, auto may) {
      compare(volumes_[partition].name, what, file_on_drive(drives[partition], file), partition,
              its, may, complaints);
    };
    const auto never = [](std::uint32_t, std::int64_t) { return false; };
    const auto unsure = [&](std::uint32_t account, std::int64_t difference) {
      std::set<std::int64_t> sums_of_one_each{0};
      for (const HalfDone& branch : branches) {
        const auto deltas = branch.find({partition, account});
        if (deltas == branch.end()) continue;
        const auto without = sums_of_one_each;
        for (const std::int64_t delta : deltas->second)
          for (const std::int64_t sum : without) sums_of_one_each.insert(sum + delta);
      }
      const bool may = sums_of_one_each.contains(difference);
      if (may) ++excused;
      return may;
    };
    const Partition& there = partitions_[partition];
    if (there.has_accounts()) check("account", "ACCOUNT", sums.accounts, unsure);
    if (there.has_branch()) check("teller", "TELLER", sums.tellers, never);
    if (there.has_branch()) check("branch", "BRANCH", sums.branches, never);
  }
  if (excused > branches.size())
    complaints.add(fmt::format("the books do not balance: {} accounts differ from the history by "
                               "what a lost branch may have had under way, of which there {} {}",
                               excused, branches.size() == 1 ? "is" : "are", branches.size()));
}

std::string Books::missing() const {
  std::string text;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    std::vector<std::string> processes = partitions_[i].lost;
    const std::string& unfinished = partitions_[i].unfinished;
    if (partitions_[i].stuck() && std::ranges::find(processes, unfinished) == processes.end())
      processes.insert(processes.begin(), unfinished);
    if (processes.empty()) continue;
    text += fmt::format("{}{} unavailable ({})", text.empty() ? "" : "; ", volumes_[i].name,
                        fmt::join(processes, ", "));
  }
  return text;
}

/// `sum`: of the history. What was under way may be in some of the files and not in others when it
/// was cut off, so then there is nothing to compare.
std::string Books::sums_text(std::int64_t sum, bool powered) const {
  if (!powered) return fmt::format("history = {}; balances not compared, as the power failed", sum);
  if (abandoned_) return fmt::format("history = {}; balances not compared: no CPU is left", sum);
  return fmt::format("accounts = tellers = branches = history = {}", sum);
}

CheckResult Books::result(const DriveContents& drives, bool powered) const {
  const bool whole = powered && !abandoned_;
  Complaints complaints = errors_;
  Complaints mirrors;  // what was under way when the power failed may be on one drive alone
  Sums sums;
  Found found;
  std::vector<std::span<const std::byte>> best;
  for (std::size_t partition = 0; partition < volumes_.size(); ++partition) {
    const bool ended = whole && partitions_[partition].has_branch();
    best.push_back(best_drive(volumes_[partition], drives, ended ? complaints : mirrors));
    read_history(partition, file_on_drive(best.back(), "HISTORY"), ended, sums, found, complaints);
  }
  if (whole) compare_records(best, sums, found, complaints);
  const std::string unavailable = missing();
  if (!unavailable.empty() && !errors_allowed_) complaints.add(unavailable);
  if (abandoned_ && powered && !errors_allowed_) complaints.add("no CPU is left");
  for (const auto& [key, entry] : entries_) {
    if (entry.acknowledged && !found.times.contains(key)) {
      complaints.add(fmt::format("{} was acknowledged, and is not in the history",
                                 describe(entry.transaction)));
    }
  }
  return complaints.result(
      "books",
      fmt::format("{} transactions acknowledged, {} failed; {}{}{}", acknowledged_, failed_,
                  sums_text(sums.all, powered), unavailable.empty() ? "" : "; ", unavailable));
}

}  // namespace xybus
