#include "firmware/pair/paired_server.h"

#include <algorithm>
#include <utility>

#include "firmware/pair/bytes.h"

namespace xybus {

using contract::EventBit;
using contract::FileOperation;

namespace {

constexpr std::uint16_t record_item = 1, state_item = 2;
constexpr std::size_t piece_bytes = 16 * 1024;
constexpr std::uint32_t retry_tag = 0x5052'5452;   // of the timer
constexpr std::uint64_t shortest_retry = 100'000;  // cycles
// Opens whose replies are kept beyond those that are there, before the others are forgotten.
constexpr std::size_t most_stale = 64;

}  // namespace

class PairedServer::Record : public PairItem {
 public:
  explicit Record(PairedServer& server) : server_(server) {}
  void apply(std::uint32_t, std::span<const std::byte> data) override { server_.take_record(data); }

 private:
  PairedServer& server_;
};

class PairedServer::State : public PairItem {
 public:
  explicit State(PairedServer& server) : server_(server) {}
  void apply(std::uint32_t offset, std::span<const std::byte> data) override {
    server_.take_state(offset, data);
  }

 private:
  PairedServer& server_;
};

PairedServer::PairedServer(Guardian& guardian, Options options)
    : guardian_(guardian),
      files_(xybus::files(guardian)),
      pair_(xybus::pair(guardian)),
      options_(std::move(options)),
      replies_(options_.sync_depth),
      record_item_(std::make_unique<Record>(*this)),
      state_item_(std::make_unique<State>(*this)),
      request_(options_.most_request_bytes) {
  pair_.item(record_item, *record_item_);
  pair_.item(state_item, *state_item_);
}

PairedServer::~PairedServer() = default;

Task<PairedServer::Error> PairedServer::carry_out(std::span<const std::byte>) {
  co_return Error::none;
}
Task<> PairedServer::begin(bool) { co_return; }
Task<> PairedServer::system_message(const ReceiveInfo&, std::span<const std::byte>) { co_return; }

Task<> PairedServer::run() {
  const bool backup = guardian_.made_as_backup();
  if (backup) {
    co_await pair_.checkmonitor();
    if (!whole_) throw Abend{};
  }
  whole_ = true;
  files_.monitor_cpus(options_.backup_cpus);
  co_await begin(backup);
  if (backup) {
    co_await finish_pending();
  } else if (std::exchange(want_backup_, false)) {
    // What a pair has promised outlives either of it, so there are two before anybody asks.
    co_await keep_backup();
  }
  co_await files_.open("$RECEIVE", {.receive_depth = 1,
                                    .system_messages = options_.opens,
                                    .kind = options_.kind});
  for (;;) {
    if (std::exchange(want_backup_, false)) co_await keep_backup();
    co_await serve();
  }
}

// ---- Requests -----------------------------------------------------------------------------------

Task<> PairedServer::serve() {
  const IoResult read = co_await files_.readupdate(request_);
  const ReceiveInfo info = files_.receiveinfo();
  const auto data = std::span<const std::byte>(request_).first(read.bytes);
  const bool opens = options_.opens && (info.operation == FileOperation::open ||
                                        info.operation == FileOperation::close);
  if (opens) {
    co_await answer(info, data);
  } else if (read.error == Error::system_message && !counted(info)) {
    // Of a CPU, of the other one of the pair, or the time to try once more.
    want_backup_ = true;
    if (info.system == system_number::cpu_up) no_backup_before_ = 0;
    co_await system_message(info, data);
    co_await files_.reply({});
  } else if (read.error != Error::none && read.error != Error::system_message) {
    co_await files_.reply({}, read.error);
  } else if (info.system == system_number::startup) {
    co_await files_.reply({});
  } else if (info.bytes > request_.size()) {
    co_await files_.reply({}, Error::bounds);
  } else {
    co_await answer(info, data);
  }
}

/// Whether the requestor counts it among its requests, and may send it again under its number.
bool PairedServer::counted(const ReceiveInfo& info) const {
  switch (info.operation) {
    case FileOperation::write:
    case FileOperation::read:
    case FileOperation::writeread:
    case FileOperation::control:
    case FileOperation::create:
    case FileOperation::purge: return true;
    default: return false;
  }
}

Task<> PairedServer::answer(const ReceiveInfo& info, std::span<const std::byte> data) {
  if (unfinished_) {
    if (const Error error = co_await finish_pending(); unfinished_) {
      co_await files_.reply({}, error);
      co_return;
    }
  }
  if (counted(info)) {
    const auto known = replies_.look(info.opener, info.sync_id);
    if (known.verdict == SavedReplies::Verdict::again) {
      co_await files_.reply(known.reply->data, known.reply->error);
      co_return;
    }
    if (known.verdict == SavedReplies::Verdict::too_old) {
      co_await files_.reply({}, Error::invalid_state);
      co_return;
    }
  }
  Decision decision = co_await decide({info, data});
  const bool opens = !counted(info);
  if (decision.reply.size() > (opens ? 0 : info.read_count)) decision = {.error = Error::bounds};
  if (decision.change.empty()) {
    co_await until_operational();
  } else if (const Error error = co_await commit(info, decision); error != Error::none) {
    decision = {.error = error};
  }
  co_await files_.reply(decision.reply, decision.error);
}

/// The backup has it, or there is none, before anything is done.
Task<PairedServer::Error> PairedServer::commit(const ReceiveInfo& info, const Decision& decision) {
  record_.clear();
  ByteWriter writer(record_);
  writer.put(std::uint32_t{counted(info)});
  writer.put(info.opener);
  writer.put(info.sync_id);
  writer.put(static_cast<std::uint32_t>(decision.error));
  writer.put(decision.reply);
  writer.put(decision.change);
  const CheckpointData piece{record_item, record_};
  const CheckpointStatus status = co_await pair_.checkpoint({&piece, 1});
  if (status.code != CheckpointStatus::ok) {
    co_await stop_backup();
    want_backup_ = true;
  }
  co_await until_operational();
  take_record(record_);
  co_return co_await finish_pending();
}

Task<PairedServer::Error> PairedServer::finish_pending() {
  if (pending_.empty()) co_return Error::none;
  const Error error = co_await carry_out(pending_);
  unfinished_ = error == Error::device_down || error == Error::ownership_changed;
  // Who is told that another has the devices asks again.
  if (error != Error::none && error != Error::ownership_changed) {
    replies_.fail(pending_open_, pending_sync_id_, error);
  }
  co_return error;
}

/// Who has no backup to ask might be one whom the others have given up.
Task<> PairedServer::until_operational() {
  while (!guardian_.membership().operational()) {
    constexpr std::uint64_t look_again = 1000;
    co_await guardian_.process().wait(EventBit{}, look_again);
  }
}

/// On both sides.
void PairedServer::take_record(std::span<const std::byte> data) {
  ByteReader reader(data);
  const bool counted = reader.number() != 0;
  const OpenId open = reader.open();
  SavedReply reply;
  reply.sync_id = reader.number();
  reply.error = static_cast<Error>(reader.number());
  const auto bytes = reader.bytes();
  const auto change = reader.bytes();
  if (!reader.done() || change.empty()) return;
  if (counted && replies_.look(open, reply.sync_id).verdict != SavedReplies::Verdict::fresh) return;
  pending_open_ = open;
  pending_sync_id_ = reply.sync_id;
  reply.data.assign(bytes.begin(), bytes.end());
  if (counted) replies_.save(open, std::move(reply));
  if (replies_.opens() > files_.openers().size() + most_stale) {
    replies_.keep_only(files_.openers());
  }
  pending_.assign(change.begin(), change.end());
  apply(change);
}

// ---- The backup ---------------------------------------------------------------------------------

Task<> PairedServer::keep_backup() {
  if (pair_.role() != Pair::Role::single || !guardian_.name()) co_return;
  if (guardian_.now() < no_backup_before_) co_return;
  for (unsigned cpu = 0; cpu < guardian_.environment().cpus(); ++cpu) {
    const bool may = (options_.backup_cpus >> cpu & 1U) != 0 && cpu != guardian_.cpu();
    if (!may || !guardian_.membership().up(cpu)) continue;
    Error error = co_await pair_.start_backup(options_.program, cpu);
    if (error == Error::none) error = co_await send_state();
    if (error == Error::none) co_return;
    co_await stop_backup();
    const bool answers_not = error == Error::timeout || error == Error::wrong_owner;
    const std::uint64_t pause = std::max(shortest_retry, guardian_.alive_interval()) *
                                (answers_not ? 64 : 1);
    no_backup_before_ = guardian_.now() + pause;
    files_.set_timer(pause, retry_tag);
    co_return;
  }
}

/// What has not all that was done must never take over. The table has to be without it before
/// anything more is done.
Task<> PairedServer::stop_backup() {
  constexpr std::uint64_t look_again = 5000;
  while (pair_.role() == Pair::Role::primary) {
    co_await guardian_.stop(pair_.other());
    if (pair_.role() == Pair::Role::primary) {
      co_await guardian_.process().wait(EventBit::pon, look_again);
    }
  }
}

/// In pieces; the last one, which may be empty, says that it is.
Task<PairedServer::Error> PairedServer::send_state() {
  std::vector<std::byte> all;
  ByteWriter writer(all);
  writer.put(std::span<const std::byte>(save()));
  writer.put(std::span<const std::byte>(pending_));
  writer.put(pending_open_);
  writer.put(pending_sync_id_);
  replies_.store(all);
  for (std::size_t at = 0; at <= all.size(); at += piece_bytes) {
    const auto rest = std::span<const std::byte>(all).subspan(at);
    const CheckpointData piece{state_item, rest.first(std::min(rest.size(), piece_bytes)),
                               static_cast<std::uint32_t>(at)};
    const CheckpointStatus status = co_await pair_.checkpoint({&piece, 1});
    if (status.code != CheckpointStatus::ok) {
      co_return status.error == Error::none ? Error::path_down : status.error;
    }
  }
  co_return Error::none;
}

void PairedServer::take_state(std::uint32_t offset, std::span<const std::byte> data) {
  if (offset == 0) state_.clear();
  if (offset != state_.size()) return;
  state_.insert(state_.end(), data.begin(), data.end());
  if (data.size() == piece_bytes) return;
  ByteReader reader(state_);
  const auto state = reader.bytes();
  const auto pending = reader.bytes();
  pending_.assign(pending.begin(), pending.end());
  pending_open_ = reader.open();
  pending_sync_id_ = reader.number();
  const std::size_t rest = state_.size() - reader.left();
  whole_ = reader.whole() && load(state) && replies_.load(std::span(state_).subspan(rest));
  state_ = {};
}

}  // namespace xybus
