/// SIGUSR1: somebody wants to know how the run is.
#pragma once

namespace xybus {

/// While one exists, SIGUSR1 is noted and does nothing else. One at a time.
class StatusSignal {
 public:
  StatusSignal();
  ~StatusSignal();
  StatusSignal(const StatusSignal&) = delete;
  StatusSignal& operator=(const StatusSignal&) = delete;

  /// Whether it has come since the last call.
  static bool take();

 private:
  void (*before_)(int);
};

}  // namespace xybus
