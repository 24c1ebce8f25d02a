/// $RECEIVE: gives a program its messages one by one, keeps what it owes replies for, and who has
/// it open. What the program does not want to see of opens and closes is answered here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "firmware/filesystem/file_types.h"
#include "firmware/filesystem/opener_table.h"
#include "firmware/filesystem/receive_queue.h"
#include "firmware/filesystem/receive_tags.h"
#include "firmware/process/guardian.h"

namespace xybus {

class Receiver {
 public:
  using Error = contract::Error;

  explicit Receiver(Guardian& guardian) : guardian_(guardian), queue_(guardian) {}

  Error open(const OpenOptions& options);
  bool is_open() const { return open_; }
  /// Whether messages of the other member of the pair are taken by take_pair_message. They are
  /// refused with `wrong_owner` while they are not, and $RECEIVE is open: this process serves.
  void set_monitors(bool monitors) { monitors_ = monitors; }
  const OpenOptions& options() const { return options_; }
  /// All that was read and not replied to fails with `path_down`.
  Task<> close();

  /// The next message that is for the program, if there is one; its data go into `in`, as much of
  /// them as fits. $RECEIVE is open, and a tag is free.
  Task<std::optional<IoResult>> next(std::span<std::byte> in);
  bool full() const { return tags_.full(); }

  /// Errors: `bad_tag`; `bounds` (more than the sender has room for; it still waits).
  Task<Error> reply(std::span<const std::byte> out, Error error, std::optional<unsigned> tag);

  /// Answers what needs no program: opens, if it does not want to see them, in front of all else.
  Task<> serve();

  /// Replies with an error to all requests that have come and were not read. Opens and closes are
  /// requests too; messages of process control and the kernel are not.
  Task<> refuse_all(Error error);

  const ReceiveInfo& info() const { return info_; }
  ReceiveQueue& queue() { return queue_; }
  const ReceiveQueue& queue() const { return queue_; }
  OpenerTable& openers() { return openers_; }
  const OpenerTable& openers() const { return openers_; }

 private:
  void look_at_view();
  Task<> settle();
  Task<std::optional<IoResult>> take(const Arrival& arrival, std::span<std::byte> in);
  IoResult take_own(const Arrival& arrival, std::span<std::byte> in);
  Task<std::optional<IoResult>> take_kernels(const Arrival& arrival, std::span<std::byte> in);
  Task<std::optional<IoResult>> take_request(const Request& request, std::span<std::byte> in);
  Task<Error> read_member(LinkId link);
  Task<std::optional<IoResult>> take_open(const Request& request, std::span<std::byte> in);
  Task<std::optional<IoResult>> take_close(const Request& request, std::span<std::byte> in);
  Task<std::optional<IoResult>> deliver(const Request& request, std::span<std::byte> in,
                                        std::size_t offset);
  std::optional<Error> refusal(const Request& request) const;
  Task<std::optional<IoResult>> refuse(LinkId link, Error error);
  Task<Error> accept_open(LinkId link);

  Guardian& guardian_;
  bool open_ = false;
  bool monitors_ = false;
  OpenOptions options_;
  ReceiveQueue queue_;
  ReceiveTags tags_;
  OpenerTable openers_;
  ReceiveInfo info_;
  contract::FileRequest header_;  // of the message that is being taken
  ProcessHandle member_;          // who sent it, of an open
  std::uint32_t view_ = 0;        // number of the view that openers were looked at in
};

}  // namespace xybus
