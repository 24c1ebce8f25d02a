/// What an operator asks a machine: its CPUs, processes and links, as the kernels have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "check/wait_graph.h"
#include "firmware/dispatcher/process.h"
#include "firmware/membership/view.h"
#include "firmware/message/link_status.h"
#include "report/node_status.h"

namespace xybus {

struct ProcessStatus {
  Pin pin = 0;
  std::string name;
  unsigned priority = 0;
  ProcessState state = ProcessState::stopped;
  contract::EventBit waits_for{};
  bool times_out = false;
  KernelCall held_in = KernelCall::none;
  std::uint64_t cycles = 0;
};

/// Packets that came to a CPU, and that its kernel did not take, or did not answer. See Membership,
/// MessageSystem and PacketPort, which count them.
struct DroppedPackets {
  std::uint64_t refused = 0;     ///< Of CPUs that are not in the view, or too short.
  std::uint64_t stray = 0;       ///< They fit no link.
  std::uint64_t duplicate = 0;   ///< They were here before.
  std::uint64_t late = 0;        ///< For an earlier incarnation of this CPU.
  std::uint64_t lost = 0;        ///< Not dropped: never came, though the next ones did.
  std::uint64_t violations = 0;  ///< Against the rules of transfers.
  std::uint64_t untold = 0;      ///< Links that were refused while too many refusals waited to be
                                 ///< sent to that CPU: their requestors were not told.
  bool operator==(const DroppedPackets&) const = default;
};

/// What one CPU's kernel knows.
struct KernelStatus {
  bool runs = false;  ///< Else its CPU is halted, or its firmware has ended: all else is unknown.
  unsigned epoch = 0;
  std::uint32_t view = 0;  ///< Its number.
  CpuMask members = 0;     ///< Of the view.
  bool member = false, changing = false, operational = false;  ///< See Membership.
  std::uint64_t idle_cycles = 0, interrupt_cycles = 0, process_cycles = 0;
  unsigned lcbs = 0, lcbs_in_use = 0;
  unsigned windows = 0, windows_in_use = 0;
  DroppedPackets dropped;
  std::vector<ProcessStatus> processes;  ///< by pin
  std::vector<LinkStatus> ends;          ///< of links, at this CPU
};

/// A link, both ends put together. At least one is there.
struct LinkRow {
  ProcessAddress requestor, server;
  std::optional<LinkState> requestor_state, server_state;
  SystemCode system = SystemCode::none;  ///< A message of the kernel's own.
  std::uint64_t age = 0;                 ///< Cycles since the older end was made.
  std::uint32_t tag = 0, request_bytes = 0, reply_room = 0;
};

struct MachineStatus {
  std::uint64_t cycle = 0;
  std::vector<KernelStatus> kernels;  ///< by CPU
  std::vector<NodeStatus> nodes;      ///< by CPU; empty when the hardware itself failed
  WaitFindings waiting;
};

/// All links of a machine: by CPU of the requestor, or of the server where only that is left.
std::vector<LinkRow> links_of(const MachineStatus& status);

/// How a process stands: "waiting for lreq", "held in readlink".
std::string describe(const ProcessStatus& process);

/// "0-3, 7"; "none".
std::string cpus_text(CpuMask cpus);

/// For a person: kernels, processes, links, nodes, and who waits for whom.
std::string machine_text(const MachineStatus& status);

}  // namespace xybus
