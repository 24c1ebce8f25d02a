/// The end-to-end scoreboard: every message arrives exactly once, in order, with the bytes that
/// were sent, or its sender is told that it failed.
///
/// It is told what processes see (a link made, listened to, read, done) and compares that with
/// what must be. It never changes what the machine does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "check/complaints.h"
#include "check/latency.h"
#include "check/message.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

/// The server of a broken link knows within so many cycles, if nothing is done to the machine.
inline constexpr std::uint64_t cancel_patience = 100'000;

class Scoreboard {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::optional<std::uint64_t> sabotage;  ///< see RunOptions
    /// Whether what was done to the machine explains that a message between two CPUs fails that was
    /// sent in this cycle.
    std::function<bool(unsigned from, unsigned to, std::uint64_t sent_cycle)> excused;
    /// How a message came, for a diagnosis: "bus x, cycle 1234". May be empty.
    std::function<std::string(const MessageId&)> route;
  };

  explicit Scoreboard(Options options);

  const Content& content() const { return content_; }

  // ---- At the requestor; `id` is always the request's ---------------------------------------

  /// It is about to call link. The server is to reply with so many bytes and that error.
  void sent(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes,
            std::uint32_t reply_bytes, contract::Error reply_error = contract::Error::none);

  /// The message was refused before it was delivered, without anything being wrong (no link
  /// control block free, the other CPU busy for long): it counts as not sent.
  void refused(const MessageId& id);

  /// The link ended: without error, `reply` is what came; else it was told `error`.
  void done(const MessageId& id, std::uint64_t cycle, contract::Error error,
            std::span<const std::byte> reply);

  /// It is about to break the link, which has not ended as far as it knows. The message may still
  /// be delivered once; its requestor hears no more of it.
  void cancelled(const MessageId& id, std::uint64_t cycle);

  // ---- At the server ------------------------------------------------------------------------

  /// listen gave it this message, `bytes` long.
  void listened(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes);

  /// It has read the whole message. (A sabotaged run changes the bytes first.)
  void read(const MessageId& id, std::uint64_t cycle, std::span<std::byte> bytes);

  /// It has read the bytes from `offset` on, and wants no more of it.
  void read_part(const MessageId& id, std::uint64_t cycle, std::uint32_t offset,
                 std::span<const std::byte> bytes);

  /// It was told by LCAN that the link is cancelled.
  void told(const MessageId& id, std::uint64_t cycle);

  /// Its writelink gave `error`; `told`: it knew before that the link was cancelled.
  void answered(const MessageId& id, std::uint64_t cycle, contract::Error error, bool told);

  // ---- From outside -------------------------------------------------------------------------

  /// A workload itself saw something about a message that must not be.
  void violated(const MessageId& id, std::uint64_t cycle, const std::string& what) {
    complain(id, cycle, what);
  }

  /// A CPU was halted: nobody is left to be told of what it sent.
  void cpu_halted(unsigned cpu);

  /// It was started again. What is open to it may be listened to once more: a requestor's node that
  /// had no answer when the CPU halted sends again, and the CPU does not remember.
  void cpu_restarted(unsigned cpu);

  /// The run is over: what is still open is lost, and a sabotage that has not struck has failed.
  void finish();

  /// The cycle in which a message was listened to or done last; 0 without any.
  std::uint64_t progress_cycle() const { return progress_cycle_; }
  std::uint64_t ended() const {
    return result_.delivered + result_.failed + result_.cancelled;
  }
  std::uint64_t open() const { return open_; }
  /// One line for each open message, at most `most`.
  std::vector<std::string> open_messages(std::size_t most) const;

  const MessageResult& result() const { return result_; }
  /// One way, from link to listen.
  LatencyResult latency() const { return latency_.result(); }
  /// From link to done, of messages that ended without an error.
  LatencyResult round_trip() const { return round_trip_.result(); }
  CheckResult check() const;
  /// When the first thing went wrong, as far as it has a place in time.
  std::optional<std::uint64_t> first_complaint() const { return complaints_.first_cycle(); }

 private:
  struct Entry {
    std::uint64_t sent_cycle;
    std::uint32_t number;
    std::uint32_t bytes, reply_bytes;
    contract::Error reply_error;
    bool listened = false;
    bool read = false;
    bool once_more = false;  // may be listened to again: its server's CPU was started anew
    bool answered = false;
  };
  // A message whose link its requestor has broken.
  struct Broken {
    std::uint64_t cycle, sent_cycle;
    std::uint32_t bytes;
    bool listened;
  };
  // What one requestor process sends to one CPU.
  struct Flow {
    std::vector<Entry> open;  // in the order sent
    std::optional<std::uint32_t> last_listened;
    // Not listened to when their sender was told that they failed, or was halted; or not by the
    // server that there is since the CPU was started anew. They may have been on their way, and
    // still come once.
    std::set<std::uint32_t> given_up;
    std::map<std::uint32_t, Broken> broken;  // until their server is through with them
  };

  Flow& flow(const MessageId& id);
  static Entry* find(Flow& flow, std::uint32_t number);
  void close(Flow& flow, const Entry& entry);
  void complain(const MessageId& id, std::uint64_t cycle, const std::string& what);
  void verify(const MessageId& id, std::uint64_t cycle, std::span<const std::byte> bytes,
              std::uint32_t expected_bytes);
  void refute(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes,
              const std::optional<Mismatch>& mismatch);
  bool excused(const MessageId& id);
  void finish_broken();
  MessageId id_of(std::uint16_t workload, std::size_t flow, std::uint32_t number) const;

  Options options_;
  Content content_;
  // [workload][(requestor * max_nodes + from) * max_nodes + to]
  std::vector<std::vector<Flow>> flows_;
  std::uint64_t open_ = 0;
  std::uint64_t progress_cycle_ = 0;
  std::uint64_t requests_read_ = 0;
  bool sabotaged_ = false;
  std::uint64_t refused_ = 0;
  std::uint64_t orphaned_ = 0;
  MessageResult result_;
  LatencyHistogram latency_;
  LatencyHistogram round_trip_;
  Complaints complaints_;
};

}  // namespace xybus
