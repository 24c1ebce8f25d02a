/// What drives do: fails what the injector wants, and records it in the log.
#pragma once

#include "fault/injector.h"
#include "model/machine.h"
#include "report/event_log.h"

namespace xybus {

class DiskWatch : public DriveObserver {
 public:
  /// All of these must live as long.
  DiskWatch(Injector& injector, EventLog& log) : injector_(injector), log_(log) {}

  bool fails(const DriveAccess& access) override;
  void done(const DriveAccess& access, hal::DiskStatus status,
            std::span<const std::byte> data) override;

  /// The run is over: nothing is recorded any more.
  void close() { closed_ = true; }

 private:
  Injector& injector_;
  EventLog& log_;
  bool closed_ = false;
};

}  // namespace xybus
