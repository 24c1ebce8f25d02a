/// The ready list: by priority, first in first out among equals.
#pragma once

#include "firmware/dispatcher/process.h"

namespace xybus {

/// Holds the processes that could run. The running one stays on it, so whoever becomes ready
/// with the same priority comes behind it, and a preempted process keeps its place.
class ReadyList {
 public:
  /// The process to run; nullptr when none is ready.
  Process* front() const { return head_; }

  /// Puts a process behind all of its priority or a higher one.
  void insert(Process& process);

  /// Takes a process off, wherever it is; no error when it is not there.
  void remove(Process& process);

 private:
  Process* head_ = nullptr;
};

}  // namespace xybus
