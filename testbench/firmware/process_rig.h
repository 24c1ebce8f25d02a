/// A rig whose CPUs have programs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "firmware/process/guardian.h"
#include "firmware/process/process_control.h"
#include "firmware/process/process_message.h"
#include "firmware/process/program_library.h"
#include "firmware/process/wire_handle.h"
#include "rig.h"

namespace firmware_test {

using xybus::Created;
using xybus::Dct;
using xybus::DctEntry;
using xybus::Guardian;
using xybus::NewProcess;
using xybus::ProcessHandle;
using xybus::ProcessMessage;
using xybus::ProcessName;
using contract::FileOperation;
using contract::FileRequest;

inline ProcessName named(std::string_view text) { return *ProcessName::parse(text); }

/// One message of process control, as the process that got it sees it.
struct Told {
  FileRequest head;
  std::uint32_t tag = 0;  ///< Of the link.
  ProcessAddress from;
  Bytes data;
  FileOperation operation() const { return head.operation(); }
};

/// Waits for the next request, reads it whole and replies nothing.
Task<Told> next_told(Guardian& guardian);

/// The library outlives the kernels that have it.
class ProcessRig {
 public:
  explicit ProcessRig(unsigned cpus, std::uint64_t alive_interval = 0,
                      std::function<void(KernelConfig&)> configure = {});

  /// A process that nobody made and that has a guardian.
  Process& create(unsigned cpu, std::function<Task<>(Guardian&)> body,
                  std::uint8_t priority = 100);
  Guardian& guardian(unsigned cpu, Process& process) {
    return rig.kernel(cpu).control().guardian(process);
  }
  const Dct& dct(unsigned cpu) { return rig.kernel(cpu).control().dct(); }
  /// Processes of users that run on a CPU.
  unsigned processes(unsigned cpu);

  xybus::ProgramLibrary programs;
  Rig rig;
};

}  // namespace firmware_test
