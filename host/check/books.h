/// The books of a bank, against what its terminals were told.
///
/// Rules, each with a test that breaks it:
///   balance   every account, teller and branch has what the history says, from 0 on; not when the
///             power has failed
///   once      a transaction that a terminal was told of is in the history once, as it was asked for
///   reply     what its terminal was told is the branch's balance at that line of the history
///   at most   any other one that was asked for is there once or not at all
///   known     nothing else is there, but what was there before the run
///   answered  no terminal is told of an error, unless errors are allowed
///   mirrors   drives of a volume that have the same label have the same contents
///   there     no partition is unavailable at the end, unless errors are allowed
///
/// Of a partition that is unavailable only `once`, `at most` and `known` hold. A transaction of its
/// branch that no terminal was told of may have met the end in the middle: it is in the history and
/// not on an account elsewhere, or the other way round.
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

class Books : public WorkloadCheck {
 public:
  /// One volume, such as "$DATA1", for each partition, with this many drives.
  struct Volume {
    std::string name;
    unsigned drives = 2;
  };

  Books(std::vector<Volume> volumes, bool errors_allowed)
      : volumes_(std::move(volumes)), errors_allowed_(errors_allowed) {}

  // ---- What terminals see -----------------------------------------------------------------------
  /// `branch`: of the partition with this number.
  void asked(const BankTransaction& transaction, std::uint32_t branch = 0);
  /// `balance`: of the branch, as the reply has it.
  void acknowledged(std::uint32_t terminal, std::uint32_t sequence, std::int64_t balance);
  void failed(std::uint32_t terminal, std::uint32_t sequence, contract::Error error,
              std::uint64_t cycle);

  /// A process of a partition, such as "$BR1", is lost for good, or does not come to an end.
  void unavailable(std::uint32_t partition, const std::string& process);

  std::string_view name() const override { return "books"; }
  void forge(std::uint64_t cycle) override;
  std::uint64_t ended() const override { return acknowledged_ + failed_; }
  /// The check "books". Its detail has the sums.
  CheckResult result(const DriveContents& drives, bool whole) const override;
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

  std::vector<std::int64_t> unsure(std::uint32_t partition, std::uint32_t account,
                                   const std::map<Key, std::uint64_t>& found) const;
  void read_history(std::size_t partition, std::span<const std::byte> file, bool whole, Sums& sums,
                    std::map<Key, std::uint64_t>& found, Complaints& complaints) const;

  std::vector<Volume> volumes_;
  std::vector<std::size_t> lines_before_;  // of each volume's history
  bool errors_allowed_;
  std::map<std::uint32_t, std::vector<std::string>> unavailable_;  // processes, by partition
  std::map<Key, Entry> entries_;
  std::uint64_t acknowledged_ = 0, failed_ = 0;
  Complaints errors_;
};

}  // namespace xybus
