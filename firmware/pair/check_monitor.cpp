// The backup's half of a pair.
#include <algorithm>

#include "firmware/filesystem/request_header.h"
#include "firmware/pair/pair.h"

namespace xybus {

using contract::EventBit;
using contract::FileOperation;

namespace {
// More than any checkpoint: what is longer is none.
constexpr std::uint32_t most_checkpoint_bytes = 1 << 24;
}  // namespace

/// What has come is taken before the table is looked at: the primary counts on it.
Task<Takeover> Pair::checkmonitor() {
  if (const DctEntry* mine = entry(); mine != nullptr && mine->primary != guardian_.handle()) {
    primary_ = mine->primary;
  }
  monitoring_ = {};  // if this one becomes the primary again, the other has to come here anew
  files_.monitor_pair(true);
  for (;;) {
    while (const auto request = co_await files_.take_pair_message()) co_await take(*request);
    if (const auto left = taken_over()) {
      files_.monitor_pair(false);
      guardian_.environment().observe({.kind = KernelEvent::took_over,
                                       .pin = guardian_.process().pin(),
                                       .peer = primary_.at,
                                       .tag = static_cast<std::uint32_t>(left->reason)});
      co_return *left;
    }
    // What was meant for a primary: this process before it changed places, a former life of this
    // CPU, or this process once it will have taken over. Who sent it looks at the table, and asks
    // again.
    co_await files_.refuse_requests(Error::wrong_owner);
    co_await guardian_.process().wait(EventBit::lreq | EventBit::lcan | EventBit::pon);
  }
}

std::optional<Takeover> Pair::taken_over() {
  const DctEntry* mine = entry();
  if (mine == nullptr || mine->primary != guardian_.handle()) return std::nullopt;
  Takeover left{Takeover::stopped, restart_};
  const Membership& membership = guardian_.membership();
  const unsigned cpu = primary_.at.cpu;
  if (mine->backup == primary_) {
    left.reason = Takeover::checkswitch;
  } else if (!membership.up(cpu) || membership.epoch_of(cpu) != primary_.epoch) {
    left.reason = Takeover::cpu_failed;
  } else if (files_.has_arrived(FileOperation::process_abended)) {
    left.reason = Takeover::abended;
  }
  return left;
}

/// One that is cancelled meanwhile wants its reply all the same.
Task<> Pair::take(const Request& request) {
  const Error error = co_await perform(request);
  co_await guardian_.messages().writelink(guardian_.process(), request.link, {}, error);
}

Task<Pair::Error> Pair::perform(const Request& request) {
  if (request.length < file_header_bytes || request.length > most_checkpoint_bytes) {
    co_return Error::bounds;
  }
  message_.resize(request.length);
  const Error read =
      co_await guardian_.messages().readlink(guardian_.process(), request.link, message_);
  if (read != Error::none) co_return read;
  const auto header = load<contract::FileRequest>(message_);
  if (header.server_created() != static_cast<std::uint32_t>(guardian_.handle().created)) {
    co_return Error::other_process;
  }
  const DctEntry* mine = entry();
  if (mine == nullptr || mine->backup != guardian_.handle()) co_return Error::wrong_owner;
  if (open_of(header).opener != mine->primary) co_return Error::wrong_owner;
  primary_ = mine->primary;
  const auto data = std::span<const std::byte>(message_).subspan(file_header_bytes);
  switch (header.operation()) {
    case FileOperation::checkpoint: co_return keep(data);
    case FileOperation::checkopen: {
      const auto block = SyncBlock::load(data);
      co_return block ? co_await files_.open_too(*block) : Error::bounds;
    }
    case FileOperation::checkclose:
      if (data.size() != contract::word_bytes) co_return Error::bounds;
      co_return co_await files_.close_too(static_cast<FileNumber>(load_word(data)));
    case FileOperation::checkswitch: co_return Error::none;
    default: co_return Error::invalid_operation;
  }
}

/// All or nothing.
Pair::Error Pair::keep(std::span<const std::byte> data) {
  if (!checkpoint_.load(data)) return Error::bounds;
  for (const CheckpointData& piece : checkpoint_.data) {
    const Item* known = find(piece.item);
    if (known == nullptr) return Error::bounds;
    if (known->item != nullptr) continue;
    if (piece.offset > known->memory.size()) return Error::bounds;
    if (piece.data.size() > known->memory.size() - piece.offset) return Error::bounds;
  }
  for (const SyncBlock& file : checkpoint_.files) {
    if (const Error error = files_.adopt(file); error != Error::none) return error;
  }
  for (const CheckpointData& piece : checkpoint_.data) {
    const Item& known = *find(piece.item);
    if (known.item != nullptr) {
      known.item->apply(piece.offset, piece.data);
    } else {
      guardian_.environment().copy(piece.data, known.memory.subspan(piece.offset));
    }
  }
  if (checkpoint_.openers) {
    const std::vector<Opener> before(files_.openers().begin(), files_.openers().end());
    for (const Opener& opener : before) files_.forget_opener(opener);  // its members may have changed
    for (const Opener& opener : *checkpoint_.openers) files_.adopt_opener(opener);
  }
  if (checkpoint_.restart) restart_ = checkpoint_.restart;
  return Error::none;
}

}  // namespace xybus
