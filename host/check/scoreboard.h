/// The end-to-end scoreboard: every message arrives exactly once, in order, with the bytes that
/// were sent, or its sender is told that it failed.
///
/// It is told what processes see (a link made, listened to, read, done) and compares that with
/// what must be. It never changes what the machine does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

class Scoreboard {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::optional<std::uint64_t> sabotage;  ///< see RunOptions
    /// Whether what was done to the machine explains that a message between two CPUs fails.
    std::function<bool(unsigned from, unsigned to)> excused;
    /// How a message came, for a diagnosis: "bus x, cycle 1234". May be empty.
    std::function<std::string(const MessageId&)> route;
  };

  explicit Scoreboard(Options options);

  const Content& content() const { return content_; }

  // ---- At the requestor; `id` is always the request's ---------------------------------------

  /// It is about to call link.
  void sent(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes,
            std::uint32_t reply_bytes);

  /// The message was refused before it was delivered, without anything being wrong (no link
  /// control block free, the other CPU busy for long): it counts as not sent.
  void refused(const MessageId& id);

  /// The link ended: without error, `reply` is what came; else it was told `error`.
  void done(const MessageId& id, std::uint64_t cycle, contract::Error error,
            std::span<const std::byte> reply);

  // ---- At the server ------------------------------------------------------------------------

  /// listen gave it this message, `bytes` long.
  void listened(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes);

  /// It has read the whole message. (A sabotaged run changes the bytes first.)
  void read(const MessageId& id, std::uint64_t cycle, std::span<std::byte> bytes);

  // ---- From outside -------------------------------------------------------------------------

  /// A CPU was halted: nobody is left to be told of what it sent.
  void cpu_halted(unsigned cpu);

  /// The run is over: what is still open is lost, and a sabotage that has not struck has failed.
  void finish();

  /// Messages listened to or done, ever: whether anything moves.
  std::uint64_t progress() const { return progress_; }
  /// The cycle of the latest of these; 0 without any.
  std::uint64_t progress_cycle() const { return progress_cycle_; }
  std::uint64_t ended() const { return result_.delivered + result_.failed; }
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
    bool listened = false;
    bool read = false;
  };
  // What one requestor process sends to one CPU.
  struct Flow {
    std::vector<Entry> open;  // in the order sent
    std::optional<std::uint32_t> last_listened;
    // Not listened to when their sender was told that they failed, or was halted. They may have
    // been on their way, and still come once.
    std::set<std::uint32_t> given_up;
  };

  Flow& flow(const MessageId& id);
  static Entry* find(Flow& flow, std::uint32_t number);
  void close(Flow& flow, const Entry& entry);
  void complain(const MessageId& id, std::uint64_t cycle, const std::string& what);
  void verify(const MessageId& id, std::uint64_t cycle, std::span<const std::byte> bytes,
              std::uint32_t expected_bytes);
  bool halted(unsigned cpu) const { return (halted_ >> cpu & 1) != 0; }

  Options options_;
  Content content_;
  std::vector<std::vector<Flow>> flows_;  // [workload][from * max_nodes + to]
  std::uint32_t halted_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t progress_ = 0;
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
