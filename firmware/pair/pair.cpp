// The primary's half, and what both have.
#include "firmware/pair/pair.h"

#include <algorithm>
#include <cassert>

#include "firmware/filesystem/request_header.h"

namespace xybus {

using contract::EventBit;
using contract::FileOperation;

namespace {

// Cycles until a backup that does not answer is asked for in the table again, though that has not
// changed.
constexpr std::uint64_t retry_cycles = 5000;

// I'm-alive intervals in which a new backup has to come to checkmonitor.
constexpr std::uint64_t most_intervals = 16;

bool same(const Opener& a, const Opener& b) {
  return a.open == b.open && a.primary == b.primary && a.backup == b.backup;
}

}  // namespace

Pair::Pair(Guardian& guardian) : guardian_(guardian), files_(files(guardian)) {}

Pair::Role Pair::role() const {
  const DctEntry* mine = entry();
  if (mine == nullptr || !mine->backup) return Role::single;
  return mine->primary == guardian_.handle() ? Role::primary : Role::backup;
}

ProcessHandle Pair::other() const {
  const DctEntry* mine = entry();
  if (mine == nullptr) return {};
  return mine->primary == guardian_.handle() ? mine->backup : mine->primary;
}

void Pair::item(std::uint16_t number, std::span<std::byte> memory) {
  assert(find(number) == nullptr);
  items_.push_back({number, memory, nullptr});
}

void Pair::item(std::uint16_t number, PairItem& item) {
  assert(find(number) == nullptr);
  items_.push_back({number, {}, &item});
}

const Pair::Item* Pair::find(std::uint16_t number) const {
  const auto found = std::ranges::find(items_, number, &Item::number);
  return found == items_.end() ? nullptr : &*found;
}

Task<Pair::Error> Pair::start_backup(std::string_view program, unsigned cpu) {
  const Created made = co_await guardian_.newprocess(
      {.program = program, .cpu = cpu, .priority = guardian_.process().priority(), .backup = true});
  co_return made.error;
}

// ---- Messages to the backup ---------------------------------------------------------------------

void Pair::begin_message(FileOperation operation) {
  message_.assign(file_header_bytes, std::byte{0});
  auto header = file_header(operation, {guardian_.handle(), 0});
  header.set_server_created(static_cast<std::uint32_t>(other().created));
  store(header, message_);
}

std::uint64_t Pair::patience() const { return most_intervals * guardian_.alive_interval(); }

/// Sends `message_`. An error of the path does not say whether the backup lives: the table will.
/// One that has answered is in checkmonitor until the table changes; it is waited for as long as
/// that takes.
Task<CheckpointStatus> Pair::tell_backup(FileOperation operation) {
  const ProcessHandle backup = other();
  const std::uint64_t deadline = guardian_.now() + patience();
  bool refused = false;
  for (;;) {
    const std::uint64_t now = guardian_.now();
    const bool monitors = monitoring_ == backup;
    const Completion completion = co_await guardian_.conversations().converse(
        backup.at, message_, {}, static_cast<std::uint32_t>(operation),
        monitors ? hal::never : std::max(deadline, now + 1) - now);
    const Error error = completion.error;
    const bool may_pass = PathRetry::concerns_path(error) || error == Error::no_lcb ||
                          error == Error::timeout;
    if (!may_pass) monitoring_ = backup;
    if (error == Error::none) co_return CheckpointStatus{};
    if (!may_pass) co_return CheckpointStatus{CheckpointStatus::bad_parameter, error};
    refused = refused || error == Error::wrong_owner;
    const bool answers_not = error == Error::wrong_owner || error == Error::timeout;
    if (answers_not && !monitors && guardian_.now() >= deadline) {
      co_return CheckpointStatus{CheckpointStatus::no_backup,
                                 refused ? Error::wrong_owner : error};
    }
    if (role() != Role::primary || other() != backup) {
      co_return CheckpointStatus{CheckpointStatus::no_backup, error};
    }
    co_await guardian_.process().wait(EventBit::pon, retry_cycles);
    if (role() != Role::primary || other() != backup) {
      co_return CheckpointStatus{CheckpointStatus::no_backup, error};
    }
  }
}

bool Pair::openers_changed() const {
  return told_ != other() || !std::ranges::equal(files_.openers(), openers_, same);
}

Task<CheckpointStatus> Pair::checkpoint(std::span<const CheckpointData> data,
                                        std::span<const FileNumber> files,
                                        std::optional<RestartPoint> restart) {
  Environment& environment = guardian_.environment();
  environment.charge(environment.costs.checkpoint);
  if (data.size() + files.size() > Checkpoint::most_parts) {
    co_return CheckpointStatus{CheckpointStatus::bad_parameter, Error::bounds};
  }
  checkpoint_ = {};
  checkpoint_.restart = restart;
  checkpoint_.data.assign(data.begin(), data.end());
  for (const FileNumber file : files) {
    const auto block = files_.sync_block(file);
    if (!block) co_return CheckpointStatus{CheckpointStatus::bad_parameter, block.error()};
    checkpoint_.files.push_back(block.value());
  }
  for (const CheckpointData& piece : data) {
    if (find(piece.item) == nullptr) {
      co_return CheckpointStatus{CheckpointStatus::bad_parameter, Error::bounds};
    }
  }
  if (role() != Role::primary) {
    co_return CheckpointStatus{CheckpointStatus::no_backup, Error::no_process};
  }
  const auto openers = files_.openers();
  const bool changed = openers_changed();
  if (changed) checkpoint_.openers.emplace(openers.begin(), openers.end());
  const ProcessHandle backup = other();
  begin_message(FileOperation::checkpoint);
  checkpoint_.save(message_);
  guardian_.environment().observe({.kind = KernelEvent::checkpoint_sent,
                                   .pin = guardian_.process().pin(),
                                   .peer = backup.at,
                                   .bytes = static_cast<std::uint32_t>(message_.size())});
  const CheckpointStatus status = co_await tell_backup(FileOperation::checkpoint);
  if (status.code == CheckpointStatus::ok && changed) {
    openers_ = *checkpoint_.openers;
    told_ = backup;
  }
  guardian_.environment().observe({.kind = KernelEvent::checkpoint_done,
                                   .pin = guardian_.process().pin(),
                                   .peer = backup.at,
                                   .error = status.error});
  co_return status;
}

Task<CheckpointStatus> Pair::checkopen(FileNumber file) {
  const auto block = files_.sync_block(file);
  if (!block) co_return CheckpointStatus{CheckpointStatus::bad_parameter, block.error()};
  if (role() != Role::primary) {
    co_return CheckpointStatus{CheckpointStatus::no_backup, Error::no_process};
  }
  if (monitoring_ != other()) {
    // What the server of the file takes its time for is not to be taken for silence.
    begin_message(FileOperation::checkpoint);
    Checkpoint{}.save(message_);
    const CheckpointStatus status = co_await tell_backup(FileOperation::checkpoint);
    if (status.code != CheckpointStatus::ok) co_return status;
  }
  begin_message(FileOperation::checkopen);
  const auto bytes = block.value().save();
  message_.insert(message_.end(), bytes.begin(), bytes.end());
  co_return co_await tell_backup(FileOperation::checkopen);
}

Task<CheckpointStatus> Pair::checkclose(FileNumber file) {
  if (role() != Role::primary) {
    co_return CheckpointStatus{CheckpointStatus::no_backup, Error::no_process};
  }
  begin_message(FileOperation::checkclose);
  message_.resize(file_header_bytes + contract::word_bytes);
  store_word(static_cast<std::uint32_t>(file), std::span(message_).subspan(file_header_bytes));
  co_return co_await tell_backup(FileOperation::checkclose);
}

Task<CheckpointStatus> Pair::checkswitch() {
  if (role() != Role::primary) {
    co_return CheckpointStatus{CheckpointStatus::no_backup, Error::no_process};
  }
  begin_message(FileOperation::checkswitch);
  const CheckpointStatus status = co_await tell_backup(FileOperation::checkswitch);
  if (status.code != CheckpointStatus::ok) co_return status;
  const Error error = co_await guardian_.switch_roles();
  if (error == Error::none) co_return CheckpointStatus{};
  co_return CheckpointStatus{CheckpointStatus::no_backup, error};
}

}  // namespace xybus
