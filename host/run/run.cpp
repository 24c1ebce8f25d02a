#include "run/run.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iterator>
#include <utility>

#include "fault/injector.h"
#include "model/machine.h"
#include "run/bus_watch.h"
#include "run/checks.h"
#include "run/cpu_firmware.h"
#include "run/disk_watch.h"
#include "run/drives.h"
#include "run/ending.h"
#include "run/kernel_watch.h"
#include "run/leak_check.h"
#include "run/milestones.h"
#include "run/mishaps.h"
#include "run/plant_failure.h"
#include "run/read_status.h"
#include "run/status_now.h"
#include "trace/gtkw.h"
#include "workload/workloads.h"

namespace xybus {
namespace {

using contract::BusId;

FabricConfig fabric_config(const Scenario& scenario, const RunOptions& options) {
  FabricConfig config;
  config.kind = options.fabric;
  config.nodes = scenario.system.cpus;
  config.period = clock_period(scenario.system.clock_hz);
  config.bursts = options.bursts;
  config.skip = options.skip;
  if (options.trace) {
    config.trace_file = options.out_dir + "/trace.fst";
    config.trace_from = options.trace_from;
    config.trace_to = options.trace_to;
  }
  return config;
}

/// Joins the parts, and takes the run from its beginning to its result.
class Run {
 public:
  Run(const Scenario& scenario, const RunOptions& options, EventLog& log, Progress& progress);

  RunResult operator()();

 private:
  void membership_event(unsigned cpu, const KernelEvent& event);
  void look_at_views(std::uint64_t cycle);
  void look(std::uint64_t cycle);
  void tell_status(std::uint64_t cycle, bool asked);
  std::string simulate();
  void write_view();
  DriveContents drive_contents();
  void add_own_checks(RunResult& result);
  RunResult result(const std::string& failure, double wall_seconds);

  const Scenario& scenario_;
  const RunOptions& options_;
  EventLog& log_;
  Progress& progress_;

  // What the machine needs while its firmware is unwound comes before it.
  Checks checks_;
  Workloads workloads_;
  CpuFirmware firmware_;
  TraceNotes notes_;
  Mishaps mishaps_;
  Injector injector_;
  Milestones milestones_;
  KernelWatch kernel_watch_;
  BusWatch bus_watch_;
  DiskWatch disk_watch_;
  Terminals terminals_;
  Ending ending_;
  Machine machine_;

  bool looking_at_views_ = false;
  std::vector<TimedStatus> status_at_;
};

Run::Run(const Scenario& scenario, const RunOptions& options, EventLog& log, Progress& progress)
    : scenario_(scenario),
      options_(options),
      log_(log),
      progress_(progress),
      checks_(scenario, options),
      workloads_(scenario, options.seed, checks_.scoreboard(), checks_.cluster()),
      firmware_(scenario, options.seed, workloads_.plan(), checks_, kernel_watch_),
      notes_(options.trace_from, options.trace_to),
      mishaps_(machine_, firmware_, checks_, workloads_, log, notes_),
      injector_(scenario.faults, options.seed, mishaps_),
      milestones_(scenario.system.cpus,
                  [this](const ProcessAddress& process) { return firmware_.name_of(process); }),
      kernel_watch_(log, injector_, checks_, milestones_, options.planted.value_or(0)),
      bus_watch_(injector_, checks_, log),
      disk_watch_(injector_, log),
      terminals_(scenario, log, options.terminal ? &*options.terminal : nullptr,
                 options.write_terminals ? options.out_dir + "/terminals" : ""),
      ending_(machine_, checks_, workloads_, scenario.complete_by),
      machine_(fabric_config(scenario, options)) {
  if (options.failure_at) notes_.failure(*options.failure_at);
  if (options.trace) {
    bus_watch_.on_strike([this](BusId bus, std::uint64_t cycle, const PacketHit& hit) {
      mishaps_.note(bus, cycle, hit);
    });
  }
  bus_watch_.on_burst([this](std::uint64_t cycle) { look(cycle); });
  checks_.add_reference(machine_);
  bus_watch_.set_reference(checks_.reference());
  machine_.fabric().set_observer(&bus_watch_);
  add_drives(scenario, machine_);
  terminals_.add(machine_);
  for (unsigned i = 0; i < machine_.drives(); ++i) machine_.drive(i).set_observer(&disk_watch_);
  workloads_.begin(drive_contents());
  checks_.disks().begin(drive_contents());
  firmware_.on_boot(options.on_boot);
  firmware_.set_programs(options.programs);
  firmware_.install(machine_);
  mishaps_.on_power_failure([this](std::uint64_t cycle) { ending_.power_failed(cycle); });
  kernel_watch_.on_membership([this](unsigned cpu, const KernelEvent& event) {
    membership_event(cpu, event);
  });
  // Of what happens at one cycle, faults come first.
  injector_.arm();
  for (const std::uint64_t cycle : options.status_at) {
    mishaps_.at(cycle, [this, cycle] { tell_status(cycle, false); });
  }
  if (!options.failing.empty()) {
    plant_failure(options.failing, {machine_, checks_, firmware_, kernel_watch_, workloads_});
  }
  ending_.arm();
}

// ---- While it runs ------------------------------------------------------------------------------

void Run::membership_event(unsigned cpu, const KernelEvent& event) {
  if (event.kind == KernelEvent::view_changed && !looking_at_views_) look_at_views(event.cycle);
  if (event.kind != KernelEvent::halted) return;
  const std::uint64_t next = event.cycle + 1;
  // What runs there by then may be no such kernel any more.
  const unsigned restarts = checks_.outages().restarts(cpu);
  mishaps_.at(next, [this, cpu, next, restarts] {
    if (firmware_.is_hostile(cpu) || checks_.outages().restarts(cpu) != restarts) return;
    mishaps_.halt(cpu, next);
  });
}

// While CPUs are in different views, now and then.
void Run::look_at_views(std::uint64_t cycle) {
  looking_at_views_ = checks_.look_at_views(cycle, firmware_.operational());
  if (!looking_at_views_) return;
  const std::uint64_t next =
      cycle + std::max<std::uint64_t>(scenario_.system.alive_interval_cycles / 1000, 20);
  mishaps_.at(next, [this, next] { look_at_views(next); });
}

void Run::look(std::uint64_t cycle) {
  if (workloads_.expected() != 0) {
    progress_.update(cycle, checks_.ended() + workloads_.ended(), workloads_.expected());
  } else {
    progress_.update(cycle, cycle, workloads_.plan().held_until());
  }
  if (options_.status_wanted && options_.status_wanted()) tell_status(cycle, true);
  // Nothing moves because somebody types slowly, or later: that is no way to hang.
  if (terminals_.busy()) checks_.watchdog().moved(cycle);
  ending_.look(cycle);
}

void Run::tell_status(std::uint64_t cycle, bool asked) {
  const TimedStatus status = status_now(firmware_.status(cycle), machine_.fabric());
  progress_.clear();
  if (!asked) status_at_.push_back(status);
  if (options_.on_status) options_.on_status(status, asked);
}

// ---- From beginning to result -------------------------------------------------------------------

// Gives what went wrong in the machine itself; empty if nothing did.
std::string Run::simulate() {
  try {
    machine_.run(std::min(scenario_.limit_cycles, options_.end_at));
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

// How to look at the trace; there is none when the run ended before its window.
void Run::write_view() {
  if (!std::filesystem::exists(options_.out_dir + "/trace.fst")) return;
  write_gtkw({.directory = options_.out_dir,
              .cpus = scenario_.system.cpus,
              .period = machine_.fabric().ticks(),
              .from = options_.trace_from,
              .filter = packet_filter()},
             notes_);
}

RunResult Run::operator()() {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const std::string failure = simulate();
  const std::chrono::duration<double> wall = Clock::now() - start;
  progress_.clear();
  if (options_.trace) write_view();
  if (options_.write_disks) write_images(scenario_, machine_, options_.out_dir + "/disks");
  kernel_watch_.close();
  disk_watch_.close();
  terminals_.close();
  if (options_.write_terminals) terminals_.write_screens();
  if (options_.on_typed) options_.on_typed(terminals_.typed_live());
  ending_.close();
  return result(failure, wall.count());
}

DriveContents Run::drive_contents() {
  return [this](std::string_view volume, unsigned drive) {
    const auto number = drive_number(scenario_.disks, volume, drive);
    return std::span<const std::byte>(machine_.drive(number.value()).contents());
  };
}

// These take long to say when something went wrong, as they look at all once more: they are asked
// only if something did.
void Run::add_own_checks(RunResult& result) {
  const bool whole = !ending_.powerless();
  auto checks = workloads_.own_checks(drive_contents(), whole);
  const bool wrong = !std::ranges::all_of(checks, &CheckResult::ok);
  if (wrong && !result.failure_cycle) result.failure_cycle = workloads_.first_complaint();
  std::ranges::move(checks, std::back_inserter(result.checks));
  if (scenario_.disks.empty()) return;
  result.checks.push_back(checks_.disks().result(drive_contents(), whole));
  if (!result.checks.back().ok && !result.failure_cycle) {
    result.failure_cycle = checks_.disks().first_complaint(drive_contents(), whole);
  }
}

RunResult Run::result(const std::string& failure, double wall_seconds) {
  const bool failed = !failure.empty();
  RunResult result;
  result.scenario = scenario_.name;
  result.seed = options_.seed;
  result.fabric = name(options_.fabric);
  result.digest = log_.digest();
  result.cycles = std::min(machine_.cycle(), scenario_.limit_cycles);
  result.clock_hz = scenario_.system.clock_hz;
  result.wall_seconds = wall_seconds;
  result.machine = firmware_.status(machine_.cycle());
  result.status_at = std::move(status_at_);

  checks_.finish(machine_.cycle(), failed);
  for (const BusId bus : {BusId::x, BusId::y}) {
    result.bus[static_cast<std::size_t>(bus)] = checks_.monitor().result(bus);
  }
  const Scoreboard& scoreboard = checks_.scoreboard();
  result.messages = scoreboard.result();
  result.latency = scoreboard.latency();
  result.round_trip = scoreboard.round_trip();
  result.throughput = workloads_.throughput(result.cycles);
  std::ranges::merge(mishaps_.marks(), milestones_.marks(), std::back_inserter(result.marks), {},
                     &RunMark::cycle, &RunMark::cycle);
  result.faults = injector_.results();
  result.failure_cycle = failed ? machine_.cycle() : checks_.first_complaint();
  result.checks = checks_.results(ending_.liveness(), ending_.workload());
  if (ending_.complete()) {
    add_own_checks(result);
  } else if (!result.failure_cycle) {
    result.failure_cycle = workloads_.first_complaint();
    if (!result.failure_cycle) result.failure_cycle = checks_.watchdog().last_moved();
  }
  if (failed) result.checks.push_back({"machine", false, failure});
  const auto all_ok = [&] { return std::ranges::all_of(result.checks, &CheckResult::ok); };
  if (checks_.sound() && ending_.complete() && all_ok()) {
    result.checks.push_back(leak_check(machine_, firmware_.kernels(), mishaps_, checks_,
                                       scenario_.system.alive_interval_cycles));
  }
  if (!failed) {
    result.status = read_status(machine_.fabric());
    machine_.finish();
  }
  if (!checks_.sound() || (ending_.complete() && !all_ok())) {
    result.outcome = Outcome::check_failed;
  } else if (!ending_.complete()) {
    result.outcome = ending_.outcome();
    result.reason = ending_.waiting();
  }
  return result;
}

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options, EventLog& log,
              Progress& progress) {
  return Run(scenario, options, log, progress)();
}

}  // namespace xybus
