/// The two servers of a bank's partition, each a process pair.
///
///     terminals ──▶ $BR1  branch, tellers, history ──▶ $ACC2, the account's partition
///                     │                                   │
///                     ▼                                   ▼
///                   $DATA1  BRANCH TELLER HISTORY       $DATA2  ACCOUNT
///
/// The branch server checkpoints what a transaction makes of its records, then has the account
/// changed and writes its own, all at once, then replies. An account server knows the number of the
/// last transaction of each branch, so that one that is asked for again, by a branch server that
/// has taken over, is done once.
///
/// Nobody waits for ever for a pair that is lost for good, which is one whose name nobody has after
/// it was opened. A transaction on an account of such a partition is refused with `device_down`;
/// the one that its loss meets in the middle is in the history without the account, and its
/// terminal is told `path_down`. A server whose own volume is lost abends. Whatever else does not
/// come is waited for long_patience cycles; what is not there yet at the beginning, start_patience.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "firmware/pair/paired_server.h"
#include "workload/bank_records.h"

namespace xybus {

/// Where a partition is.
struct BankPartition {
  std::string volume;       ///< "$DATA1"
  std::uint32_t cpus = 0;   ///< that its volume is connected to: where its servers may be
  unsigned primary = 0;     ///< CPU of the primaries at first
  std::string branch_server, account_server;  ///< "$BR1", "$ACC1"
};

struct BankLayout {
  std::vector<BankPartition> partitions;
  std::uint32_t accounts = 0;  ///< of each partition
  std::uint32_t tellers = 0;   ///< of each branch, of which each partition has one
  std::uint64_t history_bytes = 0;  ///< that each branch's history may have
};

/// What the two have in common: files of records, which are made if they are not there, and written
/// until that has succeeded.
class BankServer : public PairedServer {
 protected:
  using PairedServer::PairedServer;

  /// Opens a file or a server without waiting; whether it has succeeded is given by opened().
  Task<FileNumber> begin_open(std::string name);
  Task<bool> opened(FileNumber file);

  /// Opens a file, and makes it before if need be; a volume that is not there yet is waited for,
  /// start_patience cycles: then this process abends, so that those who wait for it are told. For
  /// one that has taken over, a volume that is not there is lost.
  Task<FileNumber> open_file(std::string name, std::uint64_t max_bytes, bool took_over);
  /// All of a file that there is.
  Task<std::vector<std::byte>> read_file(FileNumber file);

  /// A write, or a request to another server, of several at once.
  struct Action {
    FileNumber file = no_file;
    std::string_view server;  ///< Who serves it, such as "$DATA1".
    bool writes = true;
    std::uint64_t position = 0;
    std::span<const std::byte> out;
    std::span<std::byte> in = {};
  };
  /// Does all of them; each again until it has succeeded. Errors: `device_down` (the volume is
  /// down, or something else did not come for long_patience cycles: what was not done is to be done
  /// later), `path_down` (a server that was asked is lost, and all else is done). Abends if the
  /// volume is lost.
  Task<Error> perform(std::span<const Action> actions);
};

/// Requests: number of the branch's partition, the branch's number of the transaction, account,
/// delta; see request(). The reply is the account's balance.
class AccountServer : public BankServer {
 public:
  static constexpr std::size_t request_bytes = 24;
  static void store_request(std::uint32_t partition, std::uint64_t number,
                            const BankTransaction& transaction, std::span<std::byte> to);

  AccountServer(Guardian& guardian, const BankLayout& layout, unsigned partition);

 protected:
  Task<Decision> decide(const ServerRequest& request) override;
  void apply(std::span<const std::byte> change) override;
  Task<Error> carry_out(std::span<const std::byte> change) override;
  std::vector<std::byte> save() const override;
  bool load(std::span<const std::byte> state) override;
  Task<> begin(bool took_over) override;

 private:
  const BankLayout& layout_;
  const BankPartition& partition_;
  std::vector<std::int64_t> balances_;
  std::vector<std::uint64_t> done_;  // last transaction of each branch
  FileNumber file_ = no_file;
  std::vector<std::byte> change_;
  std::array<std::byte, 8> reply_{};
  std::array<std::byte, BankRecord::bytes> record_{};
};

/// Requests: a BankTransaction; the reply is the branch's balance. A request without data asks for
/// that alone.
class BranchServer : public BankServer {
 public:
  BranchServer(Guardian& guardian, const BankLayout& layout, unsigned partition);

 protected:
  Task<Decision> decide(const ServerRequest& request) override;
  void apply(std::span<const std::byte> change) override;
  Task<Error> carry_out(std::span<const std::byte> change) override;
  std::vector<std::byte> save() const override;
  bool load(std::span<const std::byte> state) override;
  Task<> begin(bool took_over) override;

 private:
  /// What a transaction makes of the records.
  struct Change {
    static constexpr std::size_t bytes = 24 + transaction_bytes;
    std::uint64_t number = 0;
    std::int64_t teller = 0, branch = 0;  // balances
    BankTransaction transaction;
    void store(std::span<std::byte> to) const;
    static Change load(std::span<const std::byte> from);
  };

  Task<FileNumber> open_server(const std::string& name, bool took_over);

  const BankLayout& layout_;
  const unsigned partition_;
  std::uint64_t number_ = 0;  // of the last transaction
  std::int64_t branch_ = 0;
  std::vector<std::int64_t> tellers_;
  FileNumber branch_file_ = no_file, teller_file_ = no_file, history_file_ = no_file;
  std::vector<FileNumber> account_servers_;  // by partition; none: it is lost
  std::array<std::byte, Change::bytes> change_{};
  std::array<std::byte, 8> reply_{};
};

}  // namespace xybus
