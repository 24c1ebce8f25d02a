/// The books of a bank, against what its terminals were told.
///
/// Rules, each with a test that breaks it:
///   balance   every account, teller and branch has what the history says, from 0 on; not when the
///             power has failed
///   once      a transaction that a terminal was told of is in the history once, as asked for
///   reply     what its terminal was told is the branch's balance at that line of the history
///   at most   any other one that was asked for is there once or not at all
///   known     nothing else is there, but what was there before the run
///   answered  no terminal is told of an error, unless errors are allowed
///   mirrors   drives of a volume that have the same label have the same contents
///   there     no partition is unavailable at the end, unless errors are allowed
///
/// Of a partition whose accounts' server alone is lost, the accounts need not balance. Of one whose
/// branch is lost, which it is with its volume, only `once`, `at most` and `known` hold. A branch
/// does one transaction at a time, so one, which no terminal was told of, may have met the end in
/// the middle: it is the last line of the history and not on an account elsewhere, or it is on that
/// account and not in the history.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "check/complaints.h"
#include "check/workload_check.h"
#include "contract/contract.h"

namespace xybus {

/// What a terminal asks for: `delta` cents more for an account of some partition, by a teller of
/// its own.
struct BankTransaction {
  std::uint32_t terminal = 0;
  std::uint32_t sequence = 0;  ///< Of that terminal, from 1.
  std::uint32_t account_partition = 0, account = 0;
  std::uint32_t teller = 0;
  std::int64_t delta = 0;
  bool operator==(const BankTransaction&) const = default;
};

/// What a partition of a bank consists of.
enum class BankPart { branch_server, account_server, volume };

class Books : public WorkloadCheck {
 public:
  /// One volume, such as "$DATA1", for each partition, with this many drives.
  struct Volume {
    std::string name;
    unsigned drives = 2;
  };

  Books(std::vector<Volume> volumes, bool errors_allowed)
      : volumes_(std::move(volumes)),
        partitions_(volumes_.size()),
        errors_allowed_(errors_allowed) {}

  // ---- What terminals see -----------------------------------------------------------------------
  /// `branch`: of the partition with this number; std::out_of_range if there is none.
  void asked(const BankTransaction& transaction, std::uint32_t branch = 0);
  /// `balance`: of the branch, as the reply has it.
  void acknowledged(std::uint32_t terminal, std::uint32_t sequence, std::int64_t balance);
  void failed(std::uint32_t terminal, std::uint32_t sequence, contract::Error error,
              std::uint64_t cycle);

  // ---- What auditors see, when nobody asks any more; any number of them ------------------------
  /// A process of a partition, such as "$BR1", is lost for good.
  void lost(std::uint32_t partition, BankPart part, const std::string& process);
  /// Its branch server did not answer in time. Does not count if another auditor was answered.
  void unfinished(std::uint32_t partition, const std::string& process);
  /// Its branch server has answered: it has come to the end of what it had begun.
  void audited(std::uint32_t partition) { partitions_.at(partition).audited = true; }

  std::string_view name() const override { return "books"; }
  void forge(std::uint64_t cycle) override;
  /// No CPU is left that could look whether what was under way has come to its end.
  void abandoned() { abandoned_ = true; }

  std::uint64_t ended() const override { return acknowledged_ + failed_; }
  /// The check "books". Its detail has the sums.
  CheckResult result(const DriveContents& drives, bool powered) const override;
  void begin(const DriveContents& drives) override;
  std::optional<std::uint64_t> first_complaint() const override { return errors_.first_cycle(); }

 private:
  struct Entry {
    BankTransaction transaction;
    std::uint32_t branch = 0;
    bool acknowledged = false;
    std::int64_t balance = 0;  // that its terminal was told of
  };
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // terminal, sequence
  /// What the history says that records have, by partition and number of the record.
  struct Sums {
    std::map<Key, std::int64_t> accounts, tellers, branches;
    std::int64_t all = 0;
  };
  struct Found {
    std::map<Key, std::uint64_t> times;   // of this run, in any history
    // The last line of a history, by partition, if it is of this run.
    std::map<std::uint32_t, Key> newest;
  };
  struct Partition {
    std::vector<std::string> lost;  // processes
    bool branch_lost = false, accounts_lost = false;
    std::string unfinished;  // the branch server that an auditor had no answer from
    bool audited = false;

    bool stuck() const { return !unfinished.empty() && !audited; }
    bool has_branch() const { return !branch_lost && !stuck(); }
    bool has_accounts() const { return has_branch() && !accounts_lost; }
  };
  /// Of one lost branch: by what each account may differ from the history, one of them at most.
  /// By partition and number of the account.
  using HalfDone = std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::int64_t>>;

  std::vector<HalfDone> half_done(const Found& found) const;
  std::string sums_text(std::int64_t sum, bool powered) const;
  void read_history(std::size_t partition, std::span<const std::byte> file, bool whole, Sums& sums,
                    Found& found, Complaints& complaints) const;
  void compare_records(std::span<const std::span<const std::byte>> drives, const Sums& sums,
                       const Found& found, Complaints& complaints) const;
  std::string missing() const;

  std::vector<Volume> volumes_;
  std::vector<Partition> partitions_;
  std::vector<std::size_t> lines_before_;  // of each volume's history
  bool errors_allowed_;
  bool abandoned_ = false;
  std::map<Key, Entry> entries_;
  std::uint64_t acknowledged_ = 0, failed_ = 0;
  Complaints errors_;
};

}  // namespace xybus
