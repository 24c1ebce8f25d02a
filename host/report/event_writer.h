/// events.jsonl: one JSON object a line, in the order of cycles, with the ladder of digests.
///
/// A thread of its own merges, formats and writes; the simulation only hands over numbers. What
/// the file says depends on nothing but the events and their order.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "report/event_log.h"
#include "report/event_text.h"

namespace xybus {

class EventLog::Writer {
 public:
  /// Throws std::system_error if the file cannot be made.
  explicit Writer(const std::string& path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Takes an event. Waits when the thread is far behind.
  void add(SourceId source, std::uint64_t cycle, const EventKind& kind,
           std::span<const std::uint64_t> values);

  /// Of all events taken. Waits until the thread has caught up.
  Tallies tallies();

  /// Writes all that is left and closes the file. Throws std::system_error if any of it could not
  /// be written.
  void finish();

 private:
  using Words = std::vector<std::uint64_t>;

  /// Events of one source that wait for their turn: cycle, kind, values of each.
  struct Queue {
    Words words;
    std::size_t first = 0;
    bool empty() const { return first == words.size(); }
    std::uint64_t cycle() const { return words[first]; }
    const EventKind& kind() const;
    std::span<const std::uint64_t> values() const;
    void drop();
    void drop_written();
  };

  // The simulation's side.
  void hand_over();
  void end_thread();

  // The thread's side.
  void run();
  Words next_batch();
  void sort(const Words& batch);
  void write_up_to(std::uint64_t cycle);
  void write(SourceId source);
  void flush();

  static constexpr std::size_t batch_words = 1 << 15;
  static constexpr std::size_t most_batches = 8;  // handed over, not taken

  Words batch_;  // being filled by the simulation

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Words> batches_;  // handed over, oldest first
  std::vector<Words> spare_;    // empty, to be filled again
  bool waiting_ = false;        // the thread, for a batch
  bool ended_ = false;

  // Of the thread alone, until it has ended.
  std::FILE* file_;
  std::array<Queue, sources> queues_;
  Tallies written_{};
  std::uint64_t latest_ = 0;
  std::uint64_t count_ = 0;
  EventText text_;
  int error_ = 0;  // of the last write that failed

  std::thread thread_;
};

}  // namespace xybus
