/// An events.jsonl, read in place: its events, numbered from 1, and its ladder of digests (see
/// report/event_log.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xybus {

/// A rung of the ladder: the digest of the first `events` events.
struct Rung {
  std::uint64_t events = 0;
  std::uint64_t cycle = 0;  ///< of the last of them
  std::string_view digest;
  std::size_t end = 0;  ///< offset of the line behind the rung
};

class EventFile {
 public:
  /// `path` is the file, or the directory of a run. The file must not change meanwhile. Throws
  /// std::runtime_error if it cannot be read, or if a rung in it is malformed.
  explicit EventFile(const std::string& path);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view text() const { return text_; }
  const std::vector<Rung>& rungs() const { return rungs_; }

  /// Whether it holds rungs and not one event: the ladder of a file that is elsewhere.
  bool ladder_only() const { return !rungs_.empty() && !has_events_; }

 private:
  void find_rungs();

  std::string path_;
  std::string_view text_;
  std::vector<Rung> rungs_;
  bool has_events_ = false;
};

/// Walks over the events of a text, from an offset on. Rungs are passed over.
class EventLines {
 public:
  explicit EventLines(std::string_view text, std::size_t from = 0) : text_(text), at_(from) {}

  /// Steps to the next event; false at the end.
  bool next();
  /// The event's line, without its end.
  std::string_view line() const { return line_; }

 private:
  std::string_view text_;
  std::size_t at_;
  std::string_view line_;
};

bool is_rung(std::string_view line);

}  // namespace xybus
