/// The GTKWave save file of a traced run: which signals are shown and how they read, markers at
/// the faults, and where to look first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xybus {

struct TraceMark {
  std::uint64_t cycle = 0;
  std::string text;
};

/// What in a run is worth looking at, noted while it runs; only what lies in the trace's window
/// is kept. Cycles come in order, a fault before the packet it strikes.
class TraceNotes {
 public:
  static constexpr std::size_t max_marks = 26;  // GTKWave names them A to Z

  TraceNotes(std::uint64_t from, std::uint64_t to) : from_(from), to_(to) {}

  /// A packet's first word is on the wires in `cycle`.
  void packet(std::uint64_t cycle);
  /// A fault begins, or ends. The first max_marks are kept.
  void fault(std::uint64_t cycle, std::string text);

  /// A check failed here, or the run came to a standstill: the view opens here, before all else.
  void failure(std::uint64_t cycle);

  std::optional<std::uint64_t> failure() const { return failure_; }
  std::optional<std::uint64_t> first_packet() const { return first_packet_; }
  /// The first one from the first fault on.
  std::optional<std::uint64_t> packet_after_fault() const { return packet_after_fault_; }
  const std::vector<TraceMark>& faults() const { return faults_; }

 private:
  bool inside(std::uint64_t cycle) const { return cycle >= from_ && cycle < to_; }

  std::uint64_t from_;
  std::uint64_t to_;
  std::optional<std::uint64_t> failure_;
  std::optional<std::uint64_t> first_packet_;
  std::optional<std::uint64_t> packet_after_fault_;
  std::vector<TraceMark> faults_;
};

struct TraceView {
  std::string directory;     ///< where trace.fst lies
  unsigned cpus = 0;         ///< CPUs in use, 2 to 16: each gets a group
  std::uint64_t period = 0;  ///< of the clock, in the trace's unit of time (ps)
  std::uint64_t from = 0;    ///< first cycle in the trace
  /// The program that turns headers and answers into text. Without one they are numbers and
  /// names.
  std::string filter;
};

/// The text of the save file.
std::string gtkw_text(const TraceView& view, const TraceNotes& notes);

/// Writes it as trace.gtkw beside trace.fst. Throws std::runtime_error if it cannot.
void write_gtkw(const TraceView& view, const TraceNotes& notes);

/// The filter that is built beside the running program, in a form that a save file can hold:
/// GTKWave takes the name apart at blanks and hands it to a shell. Empty if there is none.
std::string packet_filter();

}  // namespace xybus
