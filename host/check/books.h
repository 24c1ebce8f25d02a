/// The books of a bank, against what its terminals were told.
///
/// Rules, each with a test that breaks it:
///   balance   accounts, tellers, branches and history have the same sum, over all volumes
///   once      a transaction that a terminal was told of is in the history once, as it was asked for
///   at most   any other one that was asked for is there once or not at all
///   known     nothing else is there
///   answered  no terminal is told of an error, unless errors are allowed
///   mirrors   drives of a volume that have the same label have the same contents
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

/// What a terminal asks for: `delta` cents more for an account of some partition, by a teller of its
/// own.
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

  // ---- What terminals see, with the cycle -----------------------------------------------------
  void asked(const BankTransaction& transaction, std::uint64_t cycle);
  void acknowledged(std::uint32_t terminal, std::uint32_t sequence, std::uint64_t cycle);
  void failed(std::uint32_t terminal, std::uint32_t sequence, contract::Error error,
              std::uint64_t cycle);

  std::uint64_t ended() const override { return acknowledged_ + failed_; }
  /// The check "books". Its detail has the sums, and how long terminals waited.
  CheckResult result(const DriveContents& drives) const override;

 private:
  struct Entry {
    BankTransaction transaction;
    std::uint64_t asked = 0;  // cycle
    bool acknowledged = false;
  };
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // terminal, sequence

  std::vector<Volume> volumes_;
  bool errors_allowed_;
  std::map<Key, Entry> entries_;
  std::vector<std::uint64_t> waits_;  // cycles, of those acknowledged
  std::uint64_t acknowledged_ = 0, failed_ = 0;
  Complaints errors_;
};

}  // namespace xybus
