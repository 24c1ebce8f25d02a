/// One run: a scenario and a seed in, every number out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "model/fabric_kind.h"
#include "report/event_log.h"
#include "report/progress.h"
#include "report/run_result.h"
#include "run/terminals.h"
#include "scenario/scenario.h"

namespace xybus {

struct Site;
class ProgramLibrary;
/// What RunOptions::failing can be: checks, by their names in the report; `wind-up`, where the
/// machine fails while leaks are looked for; and `abort`, which ends the process as a failed
/// assertion does. The scoreboard has RunOptions::sabotage; the reference is tested on wrong
/// hardware.
inline constexpr std::array<std::string_view, 14> plantable{
    "protocol.x", "protocol.y", "workload", "views", "replicas", "membership", "books",
    "history",    "files",      "disks",    "leaks", "wind-up",  "machine",    "abort"};

struct RunOptions {
  FabricKind fabric = FabricKind::rtl;
  std::uint64_t seed = 1;

  /// Writes a waveform to out_dir/trace.fst, from and up to (not with) these cycles.
  bool trace = false;
  std::uint64_t trace_from = 0;
  std::uint64_t trace_to = ~std::uint64_t{0};
  std::string out_dir;

  /// Idle time is not evaluated, busy time is evaluated in bursts. Neither changes any result.
  bool skip = true;
  bool bursts = true;

  /// Test hook: one bit of the n-th request that a server reads, counted over the whole run from
  /// 1, is flipped before it is verified. The run must then end as check_failed; also when there
  /// was no such request, or it had no bytes.
  std::optional<std::uint64_t> sabotage;

  /// Test hook: the n-th kernel event, counted over the whole run from 1, is recorded with another
  /// tag in each process that runs it. Such a run is not deterministic.
  std::optional<std::uint64_t> planted;

  /// Test hook: called whenever a kernel starts, to give it more processes.
  std::function<void(Site&)> on_boot;

  /// Test hook: what processes can be made of.
  const ProgramLibrary* programs = nullptr;

  /// Leaves images of the drives in out_dir/disks, however the run ends.
  bool write_disks = false;

  /// A terminal of the scenario that is the user's own: what is said of lines in the scenario does
  /// not count for it.
  std::optional<LiveTerminal> terminal;
  /// Leaves what terminals show in out_dir/terminals, and what is typed at the user's own.
  bool write_terminals = false;
  /// Given what was typed at the user's own terminal, when the run is over.
  std::function<void(const std::vector<TypedLine>&)> on_typed;

  /// Test hook: one of `plantable`, which is made to fail at cycle 5000; empty: none. Those of
  /// replicas, membership and disks, and of one workload alone, fail only where they are made. The
  /// machine's failure ends the run.
  std::string failing;

  /// Of a run that is repeated for a trace: where it failed, to be marked.
  std::optional<std::uint64_t> failure_at;

  /// The reference model judges the run as it goes, and ends it at its first complaint. It changes
  /// nothing else.
  bool reference = false;

  /// Cycles at which the machine is asked for its status. It changes nothing.
  std::vector<std::uint64_t> status_at;
  /// Asked now and then: whether somebody wants the status now.
  std::function<bool()> status_wanted;
  /// Given each status while the run goes on; `asked`: by status_wanted.
  std::function<void(const TimedStatus&, bool asked)> on_status;

  /// Leaves off at this cycle, as if the scenario's limit were there.
  std::uint64_t end_at = ~std::uint64_t{0};
};

/// Assembles the machine, its firmware, workloads, checks and faults, and runs it until every
/// workload is complete, nothing moves any more, or the limit comes. A check that fails does not
/// end it, but for the reference.
/// Records every observable event. The simulator elaborates once: call this once in a process,
/// from sc_main. Throws what set-up throws (a trace file that cannot be written).
RunResult run(const Scenario& scenario, const RunOptions& options, EventLog& log,
              Progress& progress);

}  // namespace xybus
