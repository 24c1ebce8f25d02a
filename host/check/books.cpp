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

std::int64_t sum_of_balances(std::span<const std::byte> file) {
  std::int64_t sum = 0;
  for (; file.size() >= BankRecord::bytes; file = file.subspan(BankRecord::bytes)) {
    sum += BankRecord::load(file).balance;
  }
  return sum;
}

}  // namespace

void Books::asked(const BankTransaction& transaction, std::uint64_t cycle) {
  entries_[{transaction.terminal, transaction.sequence}] = {transaction, cycle, false};
}

void Books::acknowledged(std::uint32_t terminal, std::uint32_t sequence, std::uint64_t cycle) {
  Entry& entry = entries_.at({terminal, sequence});
  entry.acknowledged = true;
  waits_.push_back(cycle - entry.asked);
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

CheckResult Books::result(const DriveContents& drives) const {
  Complaints complaints = errors_;
  std::int64_t accounts = 0, tellers = 0, branches = 0, history = 0;
  std::map<Key, std::uint64_t> found;
  for (const Volume& volume : volumes_) {
    const auto drive = best_drive(volume, drives, complaints);
    accounts += sum_of_balances(file_on_drive(drive, "ACCOUNT"));
    tellers += sum_of_balances(file_on_drive(drive, "TELLER"));
    branches += sum_of_balances(file_on_drive(drive, "BRANCH"));
    auto file = file_on_drive(drive, "HISTORY");
    for (; file.size() >= HistoryRecord::bytes; file = file.subspan(HistoryRecord::bytes)) {
      const HistoryRecord record = HistoryRecord::load(file);
      if (record.number == 0) continue;
      const BankTransaction& t = record.transaction;
      history += t.delta;
      const auto entry = entries_.find({t.terminal, t.sequence});
      if (entry == entries_.end() || entry->second.transaction != t) {
        complaints.add(fmt::format("{}: the history has {}, which nobody asked for", volume.name,
                                   describe(t)));
      } else if (++found[entry->first] == 2) {
        complaints.add(fmt::format("{}: the history has {} twice", volume.name, describe(t)));
      }
    }
  }
  for (const auto& [key, entry] : entries_) {
    if (entry.acknowledged && !found.contains(key)) {
      complaints.add(fmt::format("{} was acknowledged, and is not in the history",
                                 describe(entry.transaction)));
    }
  }
  if (accounts != tellers || tellers != branches || branches != history) {
    complaints.add(fmt::format("the books do not balance: accounts {}, tellers {}, branches {}, "
                               "history {}",
                               accounts, tellers, branches, history));
  }
  std::vector<std::uint64_t> waits = waits_;
  std::ranges::sort(waits);
  const auto of = [&](double share) {
    return waits.empty() ? 0 : waits[static_cast<std::size_t>(share * double(waits.size() - 1))];
  };
  return complaints.result(
      "books", fmt::format("{} transactions acknowledged, {} failed; accounts = tellers = branches = "
                           "history = {}; terminals waited {} cycles (half of them), {} (99 %), {} "
                           "(longest)",
                           acknowledged_, failed_, history, of(0.5), of(0.99), of(1)));
}

}  // namespace xybus
