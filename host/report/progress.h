/// The progress line: how far a run is, while it runs, when somebody is watching.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace xybus {

/// What the line says, as numbers.
struct ProgressState {
  std::uint64_t cycle = 0;
  double clock_hz = 0;
  double fraction = 0;         ///< of the work, 0 to 1
  double elapsed_seconds = 0;  ///< wall clock
};

/// One line without its end: simulated time, percent, cycles a second, time to go.
std::string progress_line(const ProgressState& state);

class Progress {
 public:
  /// Shows nothing unless `shown`.
  Progress(bool shown, double clock_hz);
  Progress() : Progress(false, 0) {}
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Call now and then, a few hundred times a second or more: draws at most five times a second.
  /// `done` of `total` units of work (messages, or cycles) are finished.
  void update(std::uint64_t cycle, std::uint64_t done, std::uint64_t total);

  /// Takes the line off the terminal; update() may bring it back.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool shown_;
  bool drawn_ = false;
  double clock_hz_;
  Clock::time_point start_;
  Clock::time_point next_;
};

}  // namespace xybus
