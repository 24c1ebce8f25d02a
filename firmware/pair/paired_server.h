/// A server that a dead CPU does not stop, as one class.
///
///     class Counter : public PairedServer {
///       using PairedServer::PairedServer;
///       Task<Decision> decide(const ServerRequest&) override {         // what is to be done
///         next_ = count_ + 1;
///         co_return Decision{.reply = bytes_of(next_), .change = bytes_of(next_)};
///       }
///       void apply(std::span<const std::byte> change) override { load(change); }
///       std::vector<std::byte> save() const override { return copy(bytes_of(count_)); }
///       bool load(std::span<const std::byte> state) override;
///       ...
///     };
///     library.add("counter", [](Guardian& guardian) -> Task<> {
///       Counter counter(guardian, {.program = "counter", .backup_cpus = 0b0110});
///       co_await counter.run();
///     });
///
/// `apply` is the only place where the state changes, on primary and backup alike, so they cannot
/// come to differ. The order of things is not the author's:
///
///     primary   readupdate   decide   checkpoint   apply   carry_out   reply
///     backup                          apply                          ╲
///                                     saves the reply                 ╲ takes over: carry_out once
///                                                                       more, then serves
///
/// A change, the reply to it and the sync id of its request go to the backup in one checkpoint
/// before anything of it is seen outside. So a request that comes again, for its reply was lost
/// with the primary, gets that same reply and is done once: exactly once holds only if the saved
/// reply is checkpointed before it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/pair/pair.h"
#include "firmware/pair/saved_replies.h"

namespace xybus {

/// A request that the server has not done yet.
struct ServerRequest {
  const ReceiveInfo& info;
  std::span<const std::byte> data;
};

/// What is to become of one. The bytes stay where they are until the next `decide`.
struct Decision {
  contract::Error error = contract::Error::none;  ///< For the requestor.
  std::span<const std::byte> reply = {};
  std::span<const std::byte> change = {};  ///< Empty: nothing changes, and nothing is checkpointed.
};

class PairedServer {
 public:
  using Error = contract::Error;

  struct Options {
    std::string program;            ///< Of which the backup is made: the one that runs this.
    std::uint32_t backup_cpus = 0;  ///< Where the backup may be: the lowest that is up, not here.
    unsigned sync_depth = 1;        ///< Replies kept for each open, at least 1.
    std::uint32_t most_request_bytes = 4096;
    FileKind kind = FileKind::process;
    bool opens = false;  ///< Opens and closes are requests to decide about, too.
  };

  PairedServer(Guardian& guardian, Options options);
  virtual ~PairedServer();
  PairedServer(const PairedServer&) = delete;
  PairedServer& operator=(const PairedServer&) = delete;

  /// The program: as the process was made, it begins as the primary or as the backup. Does not end.
  /// A backup that takes over before it has all of the state abends: no answer is better than a
  /// wrong one.
  Task<> run();

 protected:
  /// What to do with a request. Changes nothing of the state; may wait, and use files.
  virtual Task<Decision> decide(const ServerRequest& request) = 0;

  /// Does it, to the state in memory.
  virtual void apply(std::span<const std::byte> change) = 0;

  /// Does what else belongs to it, such as writes to files, before the reply. Doing it twice, also
  /// the last one of another incarnation, must be the same as doing it once. An error is given to
  /// the requestor instead of the reply. After `device_down` and `ownership_changed` the change is
  /// carried out once more before anything else is decided, and while that fails so does all else;
  /// after any other error it is given up.
  virtual Task<Error> carry_out(std::span<const std::byte> change);

  /// All of the state, and becoming that; false if those bytes are none.
  virtual std::vector<std::byte> save() const = 0;
  virtual bool load(std::span<const std::byte> state) = 0;

  /// Before the first request that this process serves, as the primary from the beginning or as a
  /// backup that has taken over.
  virtual Task<> begin(bool took_over);

  /// System messages that are none of the pair's business; answered with no error.
  virtual Task<> system_message(const ReceiveInfo& info, std::span<const std::byte> data);

  Guardian& guardian() { return guardian_; }
  FileSystem& files() { return files_; }
  Pair& pair() { return pair_; }

 private:
  /// What checkpoints change in the backup.
  class Record;
  class State;

  Task<> serve();
  Task<Error> finish_pending();
  Task<> answer(const ReceiveInfo& info, std::span<const std::byte> data);
  Task<Error> commit(const ReceiveInfo& info, const Decision& decision);
  bool counted(const ReceiveInfo& info) const;
  Task<> keep_backup();
  Task<Error> send_state();
  Task<> stop_backup();
  void take_record(std::span<const std::byte> data);
  void take_state(std::uint32_t offset, std::span<const std::byte> data);
  Task<> until_operational();

  Guardian& guardian_;
  FileSystem& files_;
  Pair& pair_;
  const Options options_;
  SavedReplies replies_;
  std::unique_ptr<Record> record_item_;
  std::unique_ptr<State> state_item_;
  std::vector<std::byte> request_, record_, state_;
  // The change made last: it may have to be carried out again. And whose it was.
  std::vector<std::byte> pending_;
  OpenId pending_open_;
  std::uint32_t pending_sync_id_ = 0;
  bool unfinished_ = false;         // it could not be carried out, and has to be
  bool whole_ = false;              // this process has all of the state
  bool want_backup_ = true;         // something has happened since it was tried to have one
  std::uint64_t no_backup_before_ = 0;  // the last one was none; until then, or a CPU comes up
};

}  // namespace xybus
