/// Files as programs see them: processes and devices that are opened, and $RECEIVE, by which a
/// process gets the requests of others. Guardian's calls; messages below.
///
///     open, close, read, write, writeread, control,  readupdate, reply, receiveinfo,
///     awaitio, cancel, cancelreq, position           set_timer
///        │ FileTable: OpenFile: PendingRequest          │ Receiver
///        ▼                                              ▼
///     Requestor ── PathRetry ── Dct                  ReceiveQueue  ReceiveTags  OpenerTable
///        │                                              │
///        └── Conversations: link, done, breaklink       └── listen, readlink, writelink
///
/// A file is opened with or without waiting. Without, calls give errors that show at once, and
/// awaitio gives the rest; buffers stay with the file system until then. A process's files work
/// when it calls the file system, and at no other time: what it did not look at waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "firmware/filesystem/file_table.h"
#include "firmware/filesystem/file_types.h"
#include "firmware/filesystem/receiver.h"
#include "firmware/filesystem/requestor.h"
#include "firmware/filesystem/sync_block.h"
#include "firmware/process/guardian.h"

namespace xybus {

class FileSystem : public Guardian::Extension {
 public:
  using Error = contract::Error;

  explicit FileSystem(Guardian& guardian);

  // ---- Files ---------------------------------------------------------------------------------

  /// Opens $RECEIVE, $NAME, $NAME.#PART or $DISK.FILE, and waits until the server has answered; a
  /// process that is not at $RECEIVE yet is waited for. Errors: `bad_name`, `no_process`,
  /// `too_many` (nowait_depth, or files), `bounds` (sync_depth, receive_depth), `invalid_state`
  /// ($RECEIVE is open), `path_down`, `cpu_failed`, and the server's own.
  /// With `nowait_open` only those that show at once; the others come by awaitio, and the file is
  /// not open then.
  Task<Opened> open(std::string_view name, const OpenOptions& options = {});
  /// The same for a process without a name, or for one member of a pair. `other_process`: that one
  /// has stopped, and another is in its place. Its path is not searched: sync_depth is no matter.
  Task<Opened> open(ProcessHandle process, const OpenOptions& options = {});

  /// Calls off what is outstanding; the server is told, and not waited for. $RECEIVE: messages
  /// that were read and not replied to fail with `path_down`. Errors: `not_open`.
  Task<Error> close(FileNumber file);

  /// Requests, with data `out` and room `in`, each at most `most_file_data`. Read is for devices
  /// and disks: `invalid_operation` for others. Other errors: `not_open`, `too_many` (nowait_depth
  /// are outstanding), `bounds`, `no_lcb`; `path_down`, `cpu_failed` (it may have been done or
  /// not), `other_process`; and the server's own. Without waiting they give {none, 0}, and the rest
  /// comes by awaitio, with the tag. Read of $RECEIVE is `read_receive`.
  Task<IoResult> read(FileNumber file, std::span<std::byte> in, std::uint32_t tag = 0);
  Task<IoResult> write(FileNumber file, std::span<const std::byte> out, std::uint32_t tag = 0);
  Task<IoResult> writeread(FileNumber file, std::span<const std::byte> out,
                           std::span<std::byte> in, std::uint32_t tag = 0);
  /// `what` is between program and server.
  Task<IoResult> control(FileNumber file, std::uint32_t what, std::span<const std::byte> out = {},
                         std::span<std::byte> in = {}, std::uint32_t tag = 0);

  /// Where in the file the next read or write begins; `end_of_file`: all writes are at its end.
  /// Errors: `not_open`; `invalid_operation` (not a disk); `invalid_state` (one is outstanding).
  Error position(FileNumber file, std::uint64_t at);

  /// Files of a disk that come and go, by name. Errors: `bad_name` (also one without a part),
  /// `no_process`, `invalid_operation` (that is no disk), and the disk's own.
  Task<Error> create(std::string_view name, const FileProperties& properties = {});
  Task<Error> purge(std::string_view name);

  // ---- Without waiting -----------------------------------------------------------------------

  /// Waits until a request has ended, at most `time_limit` cycles, and forgets it. In the order of
  /// calls for each file, unless that was opened for any order; with `any_file`, of what is first
  /// in its file that which ended first. Errors, apart from the request's: `not_open`;
  /// `nothing_outstanding`; and `timeout`, see there:
  ///
  ///     | file     | time_limit 0      | passed                          |
  ///     | one      | nothing cancelled | the oldest request is cancelled |
  ///     | any_file | nothing cancelled | nothing cancelled               |
  Task<FileCompletion> awaitio(FileNumber file, std::uint64_t time_limit = hal::never);

  /// Calls off the oldest request of a file, or the oldest with that tag: it is as if awaitio had
  /// given it. An open that is called off before its end, or that has failed, leaves no file. A
  /// server that has it already may still do it. Errors: `not_open`; `nothing_outstanding`.
  Error cancel(FileNumber file);
  Error cancelreq(FileNumber file, std::uint32_t tag);

  // ---- $RECEIVE ------------------------------------------------------------------------------

  /// Reads the next message; the program owes it a reply. Error `system_message` is a warning: it
  /// is one, see receiveinfo. Errors: `not_open` ($RECEIVE); `bad_tag` (as many were read as
  /// receive_depth allows); `too_many` (one is outstanding without waiting); `timeout`.
  Task<IoResult> readupdate(std::span<std::byte> in, std::uint64_t timeout = hal::never,
                            std::uint32_t tag = 0);
  /// The same, and replies to it at once, with no data. Always waits.
  Task<IoResult> read_receive(std::span<std::byte> in, std::uint64_t timeout = hal::never);

  /// Replies to the message read last, or the one with that tag: data `out`, and `error` for the
  /// sender. A reply that nobody wants any more is no error. Errors: `not_open` ($RECEIVE),
  /// `bad_tag` (there is none), `bounds` (no room for so much: it is still owed a reply).
  Task<Error> reply(std::span<const std::byte> out, Error error = Error::none,
                    std::optional<unsigned> tag = {});

  /// About the message read last.
  const ReceiveInfo& receiveinfo() const { return receiver_.info(); }

  /// A system message -22 in so many cycles, with this tag in its second word. Error: `too_many`
  /// (ReceiveQueue::most_timers run, or have gone off and were not read).
  Error set_timer(std::uint64_t cycles, std::uint32_t tag);

  /// Asks for system messages -2 and -3 about the CPUs of the mask; see MessageSystem.
  void monitor_cpus(std::uint32_t mask);

  /// Who has this process open.
  std::span<const Opener> openers() const { return receiver_.openers().openers(); }

  // ---- For process pairs ---------------------------------------------------------------------

  /// What the backup needs to go on with a file. Error: `not_open`.
  Result<SyncBlock> sync_block(FileNumber file) const;
  /// Takes over the state of a file of the primary, under its number; makes it if need be. Errors:
  /// `invalid_state` (requests of this process are outstanding on it), `bounds` (not a file's
  /// number).
  Error adopt(const SyncBlock& block);
  /// Tells the server that this process has the open too, as the backup of its opener; adopts it.
  Task<Error> open_too(const SyncBlock& block);
  /// Forgets a file that the primary has closed, and tells the server.
  Task<Error> close_too(FileNumber file) { return close(file); }
  /// Who has the primary open has its backup open too: it takes their requests once it has taken
  /// over.
  void adopt_opener(const Opener& opener);
  void forget_opener(const Opener& opener);

  /// A message of the other member of the pair, which does not come by readupdate: `tag` is its
  /// operation. Whoever waits for one calls this until there is none, and then waits for LREQ.
  Task<std::optional<Request>> take_pair_message();
  /// Whether this process takes them. While it does not, and has $RECEIVE open, they are refused
  /// with `wrong_owner`.
  void monitor_pair(bool on) { receiver_.set_monitors(on); }

  /// Replies with an error, as `wrong_owner`, to all requests that have come and were not read:
  /// this process is not the primary, and who sent them is to ask again.
  Task<> refuse_requests(Error error) { return receiver_.refuse_all(error); }

  /// Whether a message of that operation has come and was not read.
  bool has_arrived(contract::FileOperation operation) const {
    return receiver_.queue().has(operation);
  }

  /// Whether anything has come and was not read: readupdate would not wait.
  bool has_arrived();

  /// Closes on behalf of the process.
  void stopped() override;

 private:
  static constexpr std::uint16_t nameless_file = 0xffff;  // of create and purge

  void charge() const;
  Task<Opened> open(OpenFile& file, const OpenOptions& options);
  Task<Error> make_known(OpenFile& file);
  void tell_closed(OpenFile& file);
  void forget(OpenFile& file);
  Task<IoResult> request(FileNumber file, Requestor::Call call);
  Task<IoResult> finish(OpenFile& file);
  Task<Error> of_disk(contract::FileOperation operation, std::string_view name,
                      std::span<const std::byte> data);
  Task<> wait(std::uint64_t until);

  // awaitio.cpp
  bool outstanding(FileNumber file) const;
  std::uint64_t wake_at(FileNumber file) const;
  static const PendingRequest* ended(const OpenFile& file);
  Task<std::optional<FileCompletion>> first_ended(FileNumber file);
  FileCompletion completed(OpenFile& file, const PendingRequest& request);
  void cancel(OpenFile& file, PendingRequest& request);
  std::uint32_t cancel_oldest(FileNumber file);

  Task<IoResult> receive(std::span<std::byte> in, std::uint64_t timeout);

  /// A readupdate without waiting.
  struct PendingReceive {
    std::span<std::byte> in;
    std::uint32_t tag = 0;
  };

  Guardian& guardian_;
  FileTable files_;
  Requestor requestor_;
  Receiver receiver_;
  std::optional<PendingReceive> receive_;
  bool receive_first_ = false;        // its turn, when files have something too
  std::uint32_t disk_sync_id_ = 0;  // counts create and purge
};

/// That of a process.
inline FileSystem& files(Guardian& guardian) {
  return guardian.extension<FileSystem>(Guardian::Slot::files);
}

}  // namespace xybus
