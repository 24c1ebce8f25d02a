/// What a run came to: every number of summary.json and of the table on the terminal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/contract.h"
#include "report/latency_result.h"
#include "report/machine_status.h"
#include "report/node_status.h"
#include "report/throughput.h"

namespace xybus {

enum class Outcome {
  good,          ///< the workloads ended and every check held; exit status 0
  check_failed,  ///< exit status 1
  hung,          ///< the watchdog saw no progress; exit status 3
  limit,         ///< the time limit came before the end; exit status 3
};

/// "good", "check-failed", "hung", "limit".
const char* name(Outcome outcome);
int exit_status(Outcome outcome);

struct BusResult {
  std::uint64_t busy_cycles = 0;    ///< cycles with a word of a packet on the wires
  std::uint64_t payload_bytes = 0;  ///< payload of packets that were accepted, a multicast's once
  std::uint64_t packets = 0;        ///< put on the bus, every attempt counted
  std::uint64_t retries = 0;        ///< of these, attempts after the first
  // Packets, by what at least one of their destinations answered.
  std::uint64_t crc_errors = 0;  ///< corrupt
  std::uint64_t busy_answers = 0;
  std::uint64_t no_answers = 0;
  std::uint64_t refused_answers = 0;  ///< no access to that window
  std::uint64_t cut_packets = 0;      ///< broke off, or kept away by the guardian
  std::uint64_t offences = 0;         ///< what the guardian caught
  std::uint64_t window_packets = 0;   ///< remote writes and reads
  std::uint64_t multicasts = 0;       ///< to more than one destination
};

struct MessageResult {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;   ///< completed without error
  std::uint64_t failed = 0;      ///< completed with an error: their senders know
  std::uint64_t cancelled = 0;   ///< their senders broke the link before it ended
  std::uint64_t lost = 0;        ///< sent, and nobody was told what became of them
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;   ///< arrived with other bytes than were sent
};

/// One fault of the scenario, as it went.
struct FaultResult {
  std::string what;    ///< "bus-down x"
  std::string when;    ///< "cycle 5000 to 8000", "1 packet in 50"
  std::string effect;  ///< "12 packets hit", "never came"
};

struct CheckResult {
  std::string name;  ///< "scoreboard"
  bool ok = true;
  std::string detail;  ///< ok: what was checked ("4000 messages"). Not: bus, CPUs, sequence,
                       ///< expected and actual, in one line.
};

/// What the machine said of itself while it ran.
struct TimedStatus {
  std::uint64_t cycle = 0;
  std::string text;  ///< machine_text()
  std::string json;  ///< an object with "cycle", "status" and "waiting"
};

struct RunResult {
  std::string scenario;  ///< its name
  std::uint64_t seed = 0;
  std::string fabric = "rtl";
  std::string digest;  ///< EventLog::digest()
  Outcome outcome = Outcome::good;
  std::string reason;  ///< hung, limit: what was still outstanding, in one line; else empty
  std::uint64_t cycles = 0;
  /// Not good: where to look, as far as it has a place in time: the first thing that a check found
  /// wrong; hung, limit: when something last moved.
  std::optional<std::uint64_t> failure_cycle;
  double clock_hz = 0;
  double wall_seconds = 0;  ///< of the simulation alone, without set-up
  std::array<BusResult, 2> bus;  ///< by contract::BusId
  MessageResult messages;
  LatencyResult latency;     ///< one way, from the requestor's link to the server's listen
  LatencyResult round_trip;  ///< from the call of link to LDONE, of messages without an error
  std::vector<ThroughputResult> throughput;  ///< of the workloads that have operations
  std::vector<RunMark> marks;  ///< what befell it, and what it did, in order; the first ones
  std::vector<FaultResult> faults;
  std::vector<CheckResult> checks;
  std::vector<NodeStatus> status;  ///< by CPU; empty when the hardware itself failed

  /// Kernels, links and who waits for whom at the end, the nodes apart.
  MachineStatus machine;
  std::vector<TimedStatus> status_at;  ///< as asked for

  double simulated_seconds() const { return clock_hz > 0 ? double(cycles) / clock_hz : 0; }
  double cycles_per_second() const { return wall_seconds > 0 ? double(cycles) / wall_seconds : 0; }
};

}  // namespace xybus
