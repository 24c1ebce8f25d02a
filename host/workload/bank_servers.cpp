#include "workload/bank_servers.h"

#include <algorithm>

#include "firmware/pair/bytes.h"
#include "firmware/program/disk_server.h"
#include "workload/patience.h"

namespace xybus {

using contract::EventBit;

namespace {

constexpr std::uint64_t retry_cycles = 10'000;
constexpr unsigned sync_depth = 1;

PairedServer::Options options_of(const BankPartition& partition, std::string program) {
  return {.program = std::move(program), .backup_cpus = partition.cpus, .sync_depth = sync_depth};
}

/// Whether trying again may help.
bool may_pass(contract::Error error) {
  return error != contract::Error::device_down && error != contract::Error::bad_data &&
         error != contract::Error::disk_full && error != contract::Error::other_process &&
         error != contract::Error::none;
}

std::uint64_t at_record(std::uint64_t number) { return number * BankRecord::bytes; }

}  // namespace

// ---- Files --------------------------------------------------------------------------------------

Task<FileNumber> BankServer::begin_open(std::string name) {
  const Opened begun = co_await files().open(
      name, {.nowait_depth = 1, .sync_depth = sync_depth, .nowait_open = true});
  co_return begun.file;
}

Task<bool> BankServer::opened(FileNumber file) {
  if (file == no_file) co_return false;
  co_return (co_await files().awaitio(file)).error == Error::none;
}

Task<FileNumber> BankServer::open_file(std::string name, std::uint64_t max_bytes,
                                        bool took_over) {
  const std::string_view volume = std::string_view(name).substr(0, name.find('.'));
  const std::uint64_t deadline = guardian().now() + start_patience(guardian());
  for (;;) {
    const Opened opened =
        co_await files().open(name, {.nowait_depth = 1, .sync_depth = sync_depth});
    if (opened.error == Error::none) co_return opened.file;
    const bool lost = took_over && is_lost(guardian(), volume);
    if (lost || guardian().now() >= deadline) throw Abend{};
    if (opened.error == Error::not_found) {
      const Error made = co_await files().create(name, {.max_bytes = max_bytes});
      if (made == Error::disk_full || made == Error::table_full) throw Abend{};
    } else {
      co_await guardian().process().wait(EventBit{}, retry_cycles);
    }
  }
}

Task<std::vector<std::byte>> BankServer::read_file(FileNumber file) {
  std::vector<std::byte> all;
  std::vector<std::byte> piece(DiskServer::most_io_bytes / 2);
  const std::uint64_t deadline = guardian().now() + long_patience(guardian());
  for (;;) {
    files().position(file, all.size());
    IoResult read = co_await files().read(file, piece);
    if (read.error == Error::none) {
      const FileCompletion completion = co_await files().awaitio(file);
      read = {completion.error, completion.bytes};
    }
    if (read.error == Error::end_of_file) co_return all;
    if (read.error != Error::none) {
      if (!may_pass(read.error) || guardian().now() >= deadline) throw Abend{};
      co_await guardian().process().wait(EventBit{}, retry_cycles);
      continue;
    }
    all.insert(all.end(), piece.begin(), piece.begin() + read.bytes);
  }
}

Task<BankServer::Error> BankServer::perform(std::span<const Action> actions) {
  std::array<bool, 8> done{};
  Error result = Error::none;
  const std::uint64_t deadline = guardian().now() + long_patience(guardian());
  for (;;) {
    std::array<bool, 8> started{};
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (done[i]) continue;
      const Action& action = actions[i];
      // Several calls in a row are long on a CPU that is slow; its I'm-alives go between them.
      co_await guardian().process().compute(1);
      if (action.writes) files().position(action.file, action.position);
      const IoResult begun = action.writes
                                 ? co_await files().write(action.file, action.out)
                                 : co_await files().writeread(action.file, action.out, action.in);
      started[i] = begun.error == Error::none;
    }
    Error lasting = Error::none;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (!started[i]) continue;
      const FileCompletion completion = co_await files().awaitio(actions[i].file);
      done[i] = completion.error == Error::none;
      if (!done[i] && !may_pass(completion.error)) lasting = Error::device_down;
    }
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (done[i] || !is_lost(guardian(), actions[i].server)) continue;
      if (actions[i].writes) throw Abend{};
      done[i] = true;
      result = Error::path_down;
    }
    if (lasting != Error::none) co_return lasting;
    if (std::all_of(done.begin(), done.begin() + static_cast<std::ptrdiff_t>(actions.size()),
                    [](bool it) { return it; })) {
      co_return result;
    }
    if (guardian().now() >= deadline) co_return Error::device_down;
    co_await guardian().process().wait(EventBit{}, retry_cycles);
  }
}

// ---- Accounts -----------------------------------------------------------------------------------

AccountServer::AccountServer(Guardian& guardian, const BankLayout& layout, unsigned partition)
    : BankServer(guardian, options_of(layout.partitions.at(partition),
                                      "account-server-" + std::to_string(partition + 1))),
      layout_(layout),
      partition_(layout.partitions.at(partition)),
      balances_(layout.accounts),
      done_(layout.partitions.size()) {}

void AccountServer::store_request(std::uint32_t partition, std::uint64_t number,
                                  const BankTransaction& transaction, std::span<std::byte> to) {
  store_word(partition, to);
  store_word(transaction.account, to.subspan(4));
  store_64(number, to.subspan(8));
  store_64(static_cast<std::uint64_t>(transaction.delta), to.subspan(16));
}

Task<> AccountServer::begin(bool took_over) {
  file_ = co_await open_file(partition_.volume + ".ACCOUNT", at_record(layout_.accounts),
                             took_over);
  if (took_over) co_return;
  const auto records = co_await read_file(file_);
  for (std::size_t i = 0; at_record(i + 1) <= records.size() && i < balances_.size(); ++i) {
    balances_[i] = BankRecord::load(std::span(records).subspan(at_record(i))).balance;
  }
}

Task<Decision> AccountServer::decide(const ServerRequest& request) {
  if (request.data.size() != request_bytes) co_return Decision{.error = Error::bounds};
  const std::uint32_t branch = load_word(request.data);
  const std::uint32_t account = load_word(request.data.subspan(4));
  const std::uint64_t number = load_64(request.data.subspan(8));
  const auto delta = static_cast<std::int64_t>(load_64(request.data.subspan(16)));
  if (branch >= done_.size() || account >= balances_.size()) {
    co_return Decision{.error = Error::bounds};
  }
  const bool again = number <= done_[branch];
  const std::int64_t balance = balances_[account] + (again ? 0 : delta);
  store_64(static_cast<std::uint64_t>(balance), reply_);
  if (again) co_return Decision{.reply = reply_};
  change_.clear();
  ByteWriter writer(change_);
  writer.put(branch);
  writer.put(account);
  writer.put64(number);
  writer.put64(static_cast<std::uint64_t>(balance));
  co_return Decision{.reply = reply_, .change = change_};
}

void AccountServer::apply(std::span<const std::byte> change) {
  ByteReader reader(change);
  const std::uint32_t branch = reader.number();
  const std::uint32_t account = reader.number();
  done_.at(branch) = reader.number64();
  balances_.at(account) = static_cast<std::int64_t>(reader.number64());
}

Task<AccountServer::Error> AccountServer::carry_out(std::span<const std::byte> change) {
  const std::uint32_t account = load_word(change.subspan(4));
  BankRecord{balances_.at(account)}.store(record_);
  const Action write{.file = file_,
                     .server = partition_.volume,
                     .position = at_record(account),
                     .out = record_};
  co_return co_await perform({&write, 1});
}

std::vector<std::byte> AccountServer::save() const {
  std::vector<std::byte> state;
  ByteWriter writer(state);
  for (const std::uint64_t number : done_) writer.put64(number);
  for (const std::int64_t balance : balances_) writer.put64(static_cast<std::uint64_t>(balance));
  return state;
}

bool AccountServer::load(std::span<const std::byte> state) {
  ByteReader reader(state);
  for (std::uint64_t& number : done_) number = reader.number64();
  for (std::int64_t& balance : balances_) balance = static_cast<std::int64_t>(reader.number64());
  return reader.done();
}

// ---- Branches -----------------------------------------------------------------------------------

void BranchServer::Change::store(std::span<std::byte> to) const {
  store_64(number, to);
  store_64(static_cast<std::uint64_t>(teller), to.subspan(8));
  store_64(static_cast<std::uint64_t>(branch), to.subspan(16));
  store_transaction(transaction, to.subspan(24));
}

BranchServer::Change BranchServer::Change::load(std::span<const std::byte> from) {
  return {.number = load_64(from),
          .teller = static_cast<std::int64_t>(load_64(from.subspan(8))),
          .branch = static_cast<std::int64_t>(load_64(from.subspan(16))),
          .transaction = load_transaction(from.subspan(24))};
}

BranchServer::BranchServer(Guardian& guardian, const BankLayout& layout, unsigned partition)
    : BankServer(guardian, options_of(layout.partitions.at(partition),
                                      "branch-server-" + std::to_string(partition + 1))),
      layout_(layout),
      partition_(partition),
      tellers_(layout.tellers) {}

/// None if it is lost. At the beginning it may be yet to come.
Task<FileNumber> BranchServer::open_server(const std::string& name, bool took_over) {
  const std::uint64_t deadline = guardian().now() + start_patience(guardian());
  for (;;) {
    const Opened opened =
        co_await files().open(name, {.nowait_depth = 1, .sync_depth = sync_depth});
    if (opened.error == Error::none) co_return opened.file;
    const bool lost = took_over && is_lost(guardian(), name);
    if (lost || guardian().now() >= deadline) co_return no_file;
    co_await guardian().process().wait(EventBit{}, retry_cycles);
  }
}

/// Asks for all opens at once, as others wait for it; those that do not succeed are tried again.
Task<> BranchServer::begin(bool took_over) {
  const std::string& volume = layout_.partitions[partition_].volume;
  const std::string branch_name = volume + ".BRANCH", teller_name = volume + ".TELLER",
                    history_name = volume + ".HISTORY";
  branch_file_ = co_await begin_open(branch_name);
  teller_file_ = co_await begin_open(teller_name);
  history_file_ = co_await begin_open(history_name);
  for (const BankPartition& partition : layout_.partitions) {
    account_servers_.push_back(co_await begin_open(partition.account_server));
  }
  if (!co_await opened(branch_file_)) {
    branch_file_ = co_await open_file(branch_name, BankRecord::bytes, took_over);
  }
  if (!co_await opened(teller_file_)) {
    teller_file_ = co_await open_file(teller_name, at_record(layout_.tellers), took_over);
  }
  if (!co_await opened(history_file_)) {
    history_file_ = co_await open_file(history_name, layout_.history_bytes, took_over);
  }
  for (std::size_t i = 0; i < account_servers_.size(); ++i) {
    if (co_await opened(account_servers_[i])) continue;
    account_servers_[i] = co_await open_server(layout_.partitions[i].account_server, took_over);
  }
  if (took_over) co_return;
  const auto branch = co_await read_file(branch_file_);
  if (branch.size() >= 8) branch_ = BankRecord::load(branch).balance;
  const auto tellers = co_await read_file(teller_file_);
  for (std::size_t i = 0; at_record(i + 1) <= tellers.size() && i < tellers_.size(); ++i) {
    tellers_[i] = BankRecord::load(std::span(tellers).subspan(at_record(i))).balance;
  }
  const auto history = co_await read_file(history_file_);
  number_ = history.size() / HistoryRecord::bytes;
}

Task<Decision> BranchServer::decide(const ServerRequest& request) {
  if (request.data.empty()) {
    store_64(static_cast<std::uint64_t>(branch_), reply_);
    co_return Decision{.reply = reply_};
  }
  if (request.data.size() != transaction_bytes) co_return Decision{.error = Error::bounds};
  Change change{.number = number_ + 1, .transaction = load_transaction(request.data)};
  const BankTransaction& transaction = change.transaction;
  if (transaction.teller >= tellers_.size() || transaction.account >= layout_.accounts ||
      transaction.account_partition >= layout_.partitions.size()) {
    co_return Decision{.error = Error::bounds};
  }
  const auto& accounts = layout_.partitions[transaction.account_partition].account_server;
  if (account_servers_[transaction.account_partition] == no_file ||
      is_lost(guardian(), accounts)) {
    co_return Decision{.error = Error::device_down};
  }
  change.teller = tellers_[transaction.teller] + transaction.delta;
  change.branch = branch_ + transaction.delta;
  change.store(change_);
  store_64(static_cast<std::uint64_t>(change.branch), reply_);
  co_return Decision{.reply = reply_, .change = change_};
}

void BranchServer::apply(std::span<const std::byte> bytes) {
  const Change change = Change::load(bytes);
  number_ = change.number;
  branch_ = change.branch;
  tellers_.at(change.transaction.teller) = change.teller;
}

Task<BranchServer::Error> BranchServer::carry_out(std::span<const std::byte> bytes) {
  const Change change = Change::load(bytes);
  const BankTransaction& transaction = change.transaction;
  std::array<std::byte, AccountServer::request_bytes> request{};
  std::array<std::byte, 8> balance{};
  std::array<std::byte, BankRecord::bytes> branch{}, teller{};
  std::array<std::byte, HistoryRecord::bytes> history{};
  AccountServer::store_request(partition_, change.number, transaction, request);
  BankRecord{change.branch}.store(branch);
  BankRecord{change.teller}.store(teller);
  HistoryRecord{change.number, transaction}.store(history);
  const std::string& volume = layout_.partitions[partition_].volume;
  const std::array<Action, 4> actions{
      Action{.file = account_servers_.at(transaction.account_partition),
             .server = layout_.partitions[transaction.account_partition].account_server,
             .writes = false,
             .out = request,
             .in = balance},
      Action{.file = branch_file_, .server = volume, .position = 0, .out = branch},
      Action{.file = teller_file_,
             .server = volume,
             .position = at_record(transaction.teller),
             .out = teller},
      Action{.file = history_file_,
             .server = volume,
             .position = (change.number - 1) * HistoryRecord::bytes,
             .out = history}};
  co_return co_await perform(actions);
}

std::vector<std::byte> BranchServer::save() const {
  std::vector<std::byte> state;
  ByteWriter writer(state);
  writer.put64(number_);
  writer.put64(static_cast<std::uint64_t>(branch_));
  for (const std::int64_t teller : tellers_) writer.put64(static_cast<std::uint64_t>(teller));
  return state;
}

bool BranchServer::load(std::span<const std::byte> state) {
  ByteReader reader(state);
  number_ = reader.number64();
  branch_ = static_cast<std::int64_t>(reader.number64());
  for (std::int64_t& teller : tellers_) teller = static_cast<std::int64_t>(reader.number64());
  return reader.done();
}

}  // namespace xybus
