/// What has come to a process and was not read yet, in order: requests of others, messages of the
/// kernel, and those of the file system itself.
///
/// It takes requests off the message system's queue, so whoever looks at that queue beside it loses
/// what is here. Messages between the members of a pair are kept apart.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "firmware/filesystem/file_types.h"
#include "firmware/process/guardian.h"

namespace xybus {

/// One message.
struct Arrival {
  Request request;          ///< `link` is none for one that the file system made: then
  std::int16_t system = 0;  ///< this is its number,
  std::uint32_t subject = 0;  ///< and this what it is about.
  contract::FileOperation operation() const {
    return static_cast<contract::FileOperation>(request.tag);
  }
};

/// Whether messages of that kind come from process control.
bool from_process_control(contract::FileOperation operation);

class ReceiveQueue {
 public:
  /// Timers that run, or have gone off and were not read.
  static constexpr std::size_t most_timers = 64;

  explicit ReceiveQueue(Guardian& guardian) : guardian_(guardian) {}

  /// Looks for what has come, and for timers that have gone off. Takes no time of its own.
  void gather();

  /// The next one; none when there is none.
  std::optional<Arrival> take();
  /// The next open, though others have come before it.
  std::optional<Arrival> take_open();
  /// The next one that is a request of a process, opens and closes included.
  std::optional<Request> take_request();
  /// The next message of the other member of the pair: checkpoint, checkopen, checkclose or
  /// checkswitch.
  std::optional<Request> take_pair();
  /// A request that was cancelled after it was taken from here.
  std::optional<LinkId> take_cancelled();
  /// One that was cancelled before, or that nobody wants: it still has to be replied to.
  std::optional<LinkId> take_dropped();

  /// Adds a message of the file system's own.
  void add(std::int16_t system, std::uint32_t subject) {
    arrivals_.push_back({{}, system, subject});
  }
  /// Takes one back that was not read.
  void withdraw(std::int16_t system, std::uint32_t subject);

  /// False if there are too many.
  bool set_timer(std::uint64_t cycles, std::uint32_t tag);
  /// When the next timer goes off.
  std::uint64_t next_timer() const;

  bool empty() const { return arrivals_.empty(); }
  /// Whether one of that operation is among them.
  bool has(contract::FileOperation operation) const;

 private:
  struct Timer {
    std::uint64_t at;
    std::uint32_t tag;
  };

  template <class T>
  static std::optional<T> pop(std::vector<T>& from);
  void sort(const Request& request);
  void cancelled(LinkId link);

  Guardian& guardian_;
  std::vector<Arrival> arrivals_;
  std::vector<Request> pair_;
  std::vector<LinkId> cancelled_, dropped_;
  std::vector<Timer> timers_;  // in the order in which they go off
};

}  // namespace xybus
