#include "run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "check/cluster_watch.h"
#include "check/outages.h"
#include "check/packet_trail.h"
#include "check/protocol_monitor.h"
#include "check/reference/reference.h"
#include "check/scoreboard.h"
#include "check/view_watch.h"
#include "check/watchdog.h"
#include "child/copy.h"
#include "fault/active_faults.h"
#include "fault/hostile_cpu.h"
#include "fault/injector.h"
#include "model/machine.h"
#include "run/bus_watch.h"
#include "run/judgement.h"
#include "run/kernel_watch.h"
#include "run/leaks.h"
#include "run/read_machine.h"
#include "run/read_status.h"
#include "run/status_now.h"
#include "trace/gtkw.h"
#include "workload/plan.h"
#include "workload/workload.h"

namespace xybus {
namespace {

using contract::BusId;

// After the last message has ended, so that a late duplicate is seen.
constexpr std::uint64_t settle_cycles = 2000;

// No message rests longer for a good reason: it takes a few I'm-alive intervals to find out that
// a CPU has failed, and some 60,000 cycles of attempts and pauses to give up one that is busy.
// Workloads may pause on top of it, all at once.
std::uint64_t patience(const Scenario& scenario) {
  std::uint64_t pause = 0;
  for (const WorkloadSpec& spec : scenario.workloads) pause = std::max(pause, pause_of(spec));
  return std::max<std::uint64_t>(1'000'000, 8 * scenario.system.alive_interval_cycles) + 2 * pause;
}

// ---- Events ---------------------------------------------------------------------------------

constexpr EventKind bus_down_kind{"bus_down", {EventField{"bus", name_of<BusId>}}};
constexpr EventKind bus_up_kind{"bus_up", {EventField{"bus", name_of<BusId>}}};
constexpr EventKind halt_kind{"cpu_halt", {"cpu"}};
constexpr EventKind restart_kind{"cpu_restart", {"cpu", "epoch"}};
constexpr EventKind rogue_kind{"rogue", {"cpu", EventField{"misdeed", name_of<FaultKind>}}};
constexpr EventKind fault_kind{"fault", {EventField{"kind", name_of<FaultKind>}, "cpu", "bus"}};
constexpr EventKind fault_end_kind{"fault_end",
                                   {EventField{"kind", name_of<FaultKind>}, "cpu", "bus"}};
constexpr EventKind sound_kind{"sound", {"cpu", EventField{"misdeed", name_of<FaultKind>}}};

Misdeed misdeed_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::babbling_node: return Misdeed::babble;
    case FaultKind::forged_source: return Misdeed::forge;
    default: return Misdeed::hold;
  }
}

// At a marker in the waveform.
std::string mark(BusId bus, const PacketHit& hit) {
  const char* const what = hit.drop                ? "packet dropped"
                           : hit.answer_drop       ? "answer dropped"
                           : hit.answer_flips != 0 ? "answer corrupt"
                           : hit.duplicate       ? "repeated"
                                                   : "corrupt";
  return fmt::format("{} {}", bus == BusId::x ? 'X' : 'Y', what);
}

// ---- The run --------------------------------------------------------------------------------

class Run : private FaultPoints {
 public:
  Run(const Scenario& scenario, const RunOptions& options, EventLog& log, Progress& progress);

  RunResult operator()();

 private:
  void at(std::uint64_t cycle, std::function<void()> action) override {
    machine_.at(cycle, [this, action = std::move(action)] {
      if (!over_) action();
    });
  }
  void set_bus_down(BusId bus, bool down, std::uint64_t cycle) override;
  void halt(unsigned cpu, std::uint64_t cycle) override;
  void restart(unsigned cpu, std::uint64_t cycle) override;
  void set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) override;
  void set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) override;

  void add_reference();
  static FabricConfig fabric_config(const Scenario& scenario, const RunOptions& options);
  void boot(unsigned cpu, hal::Hal& hal);
  void set_hostile(const FaultSpec& fault, bool on, std::uint64_t cycle);
  void membership_event(unsigned cpu, const KernelEvent& event);
  void look_at_views(std::uint64_t cycle);
  bool disturbed(unsigned cpu) const;
  bool excused(unsigned from, unsigned to, std::uint64_t sent_cycle) const;
  void end_at(std::uint64_t cycle);
  void complete_or_hung();
  void look(std::uint64_t cycle);
  void tell_status(std::uint64_t cycle, bool asked);
  MachineStatus machine_status(std::uint64_t cycle) const;
  CheckResult leak_check();
  std::string wind_up();
  void write_view();
  std::string simulate();
  std::string outstanding() const;
  CheckResult liveness() const;
  CheckResult workload_check() const;
  std::optional<std::uint64_t> failure_cycle() const;
  RunResult result(const std::string& failure, double wall_seconds);

  const Scenario& scenario_;
  const RunOptions& options_;
  EventLog& log_;
  Progress& progress_;

  PacketTrail trail_;
  ProtocolMonitor monitor_;
  Scoreboard scoreboard_;
  Plan plan_;
  std::vector<std::unique_ptr<WorkloadContext>> workloads_;
  std::uint64_t expected_ = 0;
  Watchdog watchdog_;
  ViewWatch view_watch_;
  Kernels kernels_{};  // those that run
  ClusterWatch cluster_;
  bool looking_at_views_ = false;
  Injector injector_;
  KernelWatch kernel_watch_;
  BusWatch bus_watch_;
  Machine machine_;
  TraceNotes notes_;
  std::unique_ptr<Reference> reference_;

  Outages outages_;
  std::array<std::uint8_t, contract::max_nodes> epochs_{};  // of the CPUs' present incarnations
  std::uint32_t unsound_ = 0;  // CPUs with bits that have flipped
  std::uint32_t rogue_ = 0;  // CPUs whose node misbehaves, or has
  ActiveFaults active_;
  std::array<const FaultSpec*, contract::max_nodes> hostile_{};  // what makes a CPU so, or nullptr
  bool ending_ = false;  // all workloads are complete
  bool stalled_ = false;
  bool overdue_ = false;  // not complete when all had to be
  bool over_ = false;  // only in the copy that looks for leaks
  std::vector<TimedStatus> status_at_;
  bool contradicted_ = false;  // by the reference, which has ended the run
  std::string waiting_;  // hung or at the limit: who waits for what
};

FabricConfig Run::fabric_config(const Scenario& scenario, const RunOptions& options) {
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

Run::Run(const Scenario& scenario, const RunOptions& options, EventLog& log, Progress& progress)
    : scenario_(scenario),
      options_(options),
      log_(log),
      progress_(progress),
      monitor_(scenario.system.cpus, {.busy = PacketPort::busy_limit, .paths = {}},
               scenario.system.alive_interval_cycles),
      scoreboard_({.seed = options.seed,
                   .sabotage = options.sabotage,
                   .excused = [this](unsigned from, unsigned to,
                                     std::uint64_t sent) { return excused(from, to, sent); },
                   .route = [this](const MessageId& id) { return trail_.route(id); }}),
      plan_(scenario.system.cpus),
      watchdog_(patience(scenario)),
      view_watch_(scenario.system.cpus, [this](unsigned cpu) { return disturbed(cpu); }),
      cluster_(scenario),
      injector_(scenario.faults, options.seed, *this),
      kernel_watch_(log, injector_, options.planted.value_or(0)),
      bus_watch_(injector_, monitor_, trail_, watchdog_, log),
      machine_(fabric_config(scenario, options)),
      notes_(options.trace_from, options.trace_to) {
  for (const WorkloadSpec& spec : scenario.workloads) {
    const auto index = static_cast<std::uint16_t>(workloads_.size());
    workloads_.push_back(
        std::make_unique<WorkloadContext>(spec, index, options.seed, plan_, scoreboard_,
                                          cluster_));
    plan_workload(spec, *workloads_.back());
    expected_ += workloads_.back()->expected();
  }
  kernel_watch_.on_cpu_up([this](unsigned by, unsigned cpu, std::uint64_t cycle) {
    if (outages_.readmitted(by, cpu, cycle)) monitor_.readmitted(by, cpu);
  });
  plan_.on_complete([this](std::uint64_t cycle) { end_at(cycle + settle_cycles); });
  bus_watch_.on_burst([this](std::uint64_t cycle) { look(cycle); });
  if (options.failure_at) notes_.failure(*options.failure_at);
  if (options.trace) {
    bus_watch_.on_strike([this](BusId bus, std::uint64_t cycle, const PacketHit& hit) {
      if (hit.any()) notes_.fault(cycle, mark(bus, hit));
      notes_.packet(cycle);
    });
  }
  if (options.reference && beyond_judgement(scenario) == nullptr) add_reference();
  machine_.fabric().set_observer(&bus_watch_);
  for (unsigned cpu = 0; cpu < scenario.system.cpus; ++cpu) {
    machine_.set_firmware(cpu, [this, cpu](hal::Hal& hal) { boot(cpu, hal); });
  }
  kernel_watch_.on_membership([this](unsigned cpu, const KernelEvent& event) {
    membership_event(cpu, event);
  });
  injector_.arm();
  for (const std::uint64_t cycle : options.status_at) {
    machine_.at(cycle, [this, cycle] { tell_status(cycle, false); });
  }
  if (plan_.held_until() != 0) machine_.at(plan_.held_until(), [this] { plan_.release(); });
  if (scenario.complete_by)
    machine_.at(*scenario.complete_by + 1, [this] { complete_or_hung(); });
}

void Run::add_reference() {
  std::vector<std::span<const std::byte>> rams;
  for (unsigned cpu = 0; cpu < scenario_.system.cpus; ++cpu) {
    rams.push_back(machine_.fabric().ram(cpu));
  }
  reference_ = std::make_unique<Reference>(std::move(rams), fabric_size(scenario_.system.cpus));
  reference_->on_complaint([this] {
    contradicted_ = true;
    machine_.stop();
  });
  bus_watch_.set_reference(reference_.get());
}

void Run::boot(unsigned cpu, hal::Hal& hal) {
  if (hostile_[cpu] != nullptr) {
    const HostileConfig config{.cpu = cpu,
                               .cpus = scenario_.system.cpus,
                               .epoch = epochs_[cpu],
                               .inside = hostile_[cpu]->detail.inside,
                               .alive_interval = scenario_.system.alive_interval_cycles};
    return HostileCpu(hal, config, {options_.seed, fmt::format("hostile.cpu.{}", cpu)}).run();
  }
  KernelConfig config;
  config.cpu = cpu;
  config.cpus = scenario_.system.cpus;
  config.costs = scenario_.system.cost;
  config.epoch = epochs_[cpu];
  config.joining = outages_.restarts(cpu) != 0;
  config.alive_interval = scenario_.system.alive_interval_cycles;
  Kernel kernel(hal, config, &kernel_watch_);
  Site site{cpu, hal, kernel};
  plan_.install(site);
  struct Known {
    Kernel*& kernel;
    ~Known() { kernel = nullptr; }
  } known{kernels_[cpu] = &kernel};
  cluster_.begun(cpu, kernel.replica());
  kernel.run();
}

// ---- Membership -------------------------------------------------------------------------------

void Run::membership_event(unsigned cpu, const KernelEvent& event) {
  cluster_.event(cpu, event);
  if (event.kind == KernelEvent::update_applied) watchdog_.moved(event.cycle);
  if (event.kind == KernelEvent::view_changed) {
    view_watch_.view_changed(cpu, event.cycle, event.link, event.tag);
    if (!looking_at_views_) look_at_views(event.cycle);
    return;
  }
  if (event.kind != KernelEvent::halted) return;
  view_watch_.gave_up(cpu, event.cycle);
  machine_.at(event.cycle + 1, [this, cpu, cycle = event.cycle + 1] { halt(cpu, cycle); });
}

// While CPUs are in different views, now and then.
void Run::look_at_views(std::uint64_t cycle) {
  std::uint32_t operational = 0;
  for (unsigned cpu = 0; cpu < scenario_.system.cpus; ++cpu) {
    const bool acts = kernels_[cpu] != nullptr && kernels_[cpu]->membership().operational();
    operational |= std::uint32_t{acts} << cpu;
  }
  view_watch_.look(cycle, operational);
  looking_at_views_ = view_watch_.divided();
  if (!looking_at_views_) return;
  const std::uint64_t next =
      cycle + std::max<std::uint64_t>(scenario_.system.alive_interval_cycles / 1000, 20);
  machine_.at(next, [this, next] { look_at_views(next); });
}

// Whether a CPU may leave the view for what was done to it, or to its way to others.
bool Run::disturbed(unsigned cpu) const {
  if (outages_.is_halted(cpu) || (rogue_ >> cpu & 1) != 0) return true;
  for (unsigned other = 0; other < scenario_.system.cpus; ++other) {
    if (monitor_.was_cut_off(cpu, other) || monitor_.was_cut_off(other, cpu)) return true;
  }
  return false;
}

// A message may fail when a CPU at one end is halted, or was and had not been readmitted; when it
// has left the view (see ViewWatch for what may be the reason); or when its own memory or registers
// were changed.
bool Run::excused(unsigned from, unsigned to, std::uint64_t sent_cycle) const {
  const std::uint32_t off = unsound_ | view_watch_.left();
  if (((off >> from | off >> to) & 1) != 0) return true;
  return outages_.excuse(from, to, sent_cycle);
}

void Run::set_bus_down(BusId bus, bool down, std::uint64_t cycle) {
  machine_.fabric().set_bus_down(bus, down);
  if (reference_) reference_->bus_changes(bus, cycle);
  log_.record(EventLog::faults(), cycle, down ? bus_down_kind : bus_up_kind,
              {static_cast<std::uint64_t>(bus)});
  notes_.fault(cycle, fmt::format("{} {}", bus == BusId::x ? 'X' : 'Y', down ? "down" : "up"));
}

void Run::halt(unsigned cpu, std::uint64_t cycle) {
  if (outages_.is_halted(cpu)) return;
  outages_.halted(cpu);
  log_.record(EventLog::faults(), cycle, halt_kind, {cpu});
  notes_.fault(cycle, fmt::format("CPU {} halts", cpu));
  machine_.halt(cpu);
  view_watch_.off(cpu);
  cluster_.off(cpu, cycle);
  monitor_.halted(cpu, cycle);
  if (reference_) reference_->halted(cpu, cycle);
  scoreboard_.cpu_halted(cpu);
  for (auto& workload : workloads_) workload->cpu_halted(cpu);
  plan_.cpu_halted(cpu);
  if (plan_.clients_left() == 0) end_at(cycle + settle_cycles);
}

// Its kernel and servers come again, as a new incarnation. Clients do not: nobody waits for them.
void Run::restart(unsigned cpu, std::uint64_t cycle) {
  if (!outages_.is_halted(cpu)) return;
  constexpr unsigned epochs = 16;
  outages_.restarted(cpu);
  epochs_[cpu] = static_cast<std::uint8_t>((epochs_[cpu] + 1U) % epochs);
  log_.record(EventLog::faults(), cycle, restart_kind, {cpu, epochs_[cpu]});
  notes_.fault(cycle, fmt::format("CPU {} starts again", cpu));
  machine_.restart(cpu);
  active_.restarted(cpu);
  monitor_.restarted(cpu, cycle);
  if (reference_) reference_->restarted(cpu, cycle);
  scoreboard_.cpu_restarted(cpu);
  view_watch_.restarted(cpu);
  cluster_.restarted(cpu, cycle);
}

void Run::set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) {
  rogue_ |= 1U << cpu;
  log_.record(EventLog::faults(), cycle, on ? rogue_kind : sound_kind,
              {cpu, static_cast<std::uint64_t>(misdeed)});
  notes_.fault(cycle, fmt::format("CPU {} {}{}", cpu, name(misdeed), on ? "" : " ends"));
  machine_.fabric().set_rogue(cpu, misdeed_of(misdeed), on);
  monitor_.rogue(cpu, cycle, on);
  if (reference_) reference_->rogue(cpu, on, cycle);
}

// Its kernel and processes are gone for good, and other firmware takes over a little later, when
// what was on the buses has ended.
void Run::set_hostile(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  const unsigned cpu = *fault.cpu;
  for (auto& workload : workloads_) workload->distrust(cpu);
  if (on) {
    halt(cpu, cycle);
    machine_.at(cycle + least_off_cycles, [this, cpu, &fault, start = cycle + least_off_cycles] {
      hostile_[cpu] = &fault;
      machine_.restart(cpu);
      monitor_.restarted(cpu, start);
      if (reference_) reference_->restarted(cpu, start);
    });
  } else if (hostile_[cpu] != nullptr) {
    hostile_[cpu] = nullptr;
    machine_.halt(cpu);
    monitor_.halted(cpu, cycle);
    if (reference_) reference_->halted(cpu, cycle);
  }
}

void Run::set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  // What others then think of the CPU, and it of them, may fail messages. An interrupt too many is
  // no reason to.
  const bool harmless = fault.kind == FaultKind::interrupt_spurious;
  if (fault.cpu && !harmless) rogue_ |= 1U << *fault.cpu;
  if (is_instant(fault.kind)) unsound_ |= 1U << *fault.cpu;
  log_.record(EventLog::faults(), cycle, on ? fault_kind : fault_end_kind,
              {static_cast<std::uint64_t>(fault.kind), fault.cpu.value_or(~0U),
               fault.bus ? static_cast<std::uint64_t>(*fault.bus) : 2});
  notes_.fault(cycle, fmt::format("{}{}", name(fault.kind), on ? "" : " ends"));
  if (fault.kind == FaultKind::hostile_cpu) return set_hostile(fault, on, cycle);
  active_.change(fault, on, cycle, machine_, monitor_);
}

void Run::end_at(std::uint64_t cycle) {
  if (ending_) return;
  ending_ = true;
  machine_.at(cycle, [this] { machine_.stop(); });
}

void Run::complete_or_hung() {
  if (ending_ || stalled_) return;
  overdue_ = true;
  machine_.stop();
}

void Run::look(std::uint64_t cycle) {
  watchdog_.moved(scoreboard_.progress_cycle());
  progress_.update(cycle, scoreboard_.ended() + cluster_.acknowledgements(), expected_);
  if (options_.status_wanted && options_.status_wanted()) tell_status(cycle, true);
  if (ending_ || stalled_ || overdue_ || !watchdog_.stalled(cycle, plan_.clients_left())) return;
  stalled_ = true;
  machine_.stop();
}

// ---- What the machine says of itself -----------------------------------------------------------

MachineStatus Run::machine_status(std::uint64_t cycle) const {
  const std::vector<const Kernel*> kernels(kernels_.begin(),
                                           kernels_.begin() + scenario_.system.cpus);
  return read_machine(kernels, cycle);
}

void Run::tell_status(std::uint64_t cycle, bool asked) {
  const TimedStatus status = status_now(machine_status(cycle), machine_.fabric());
  progress_.clear();
  if (!asked) status_at_.push_back(status);
  if (options_.on_status) options_.on_status(status, asked);
}

// ---- Leaks ------------------------------------------------------------------------------------

// In a copy of the process, so that the run is what it was.
CheckResult Run::leak_check() {
  if (unsound_ != 0) return {"leaks", true, "not looked for: bits of a CPU's memory have flipped"};
  const CopyResult found = in_copy([this] { return wind_up(); });
  if (found.status != 0) {
    return {"leaks", false, fmt::format("winding up the machine failed: {}",
                                        found.text.empty() ? fmt::format("signal {}",
                                                                         found.status - 128)
                                                           : found.text)};
  }
  if (!found.text.empty()) return {"leaks", false, found.text};
  return {"leaks", true, "with all processes stopped no kernel holds anything"};
}

// Nobody watches it any more, nothing new befalls it, and what was wrong with it is put right.
std::string Run::wind_up() {
  over_ = true;
  machine_.fabric().set_observer(nullptr);
  machine_.fabric().drop_trace();
  for (const BusId bus : {BusId::x, BusId::y}) {
    machine_.fabric().set_bus_down(bus, false);
    machine_.fabric().set_bus_fault(bus, {});
  }
  std::uint32_t halted = 0;
  for (unsigned cpu = 0; cpu < scenario_.system.cpus; ++cpu) {
    machine_.fabric().set_node_fault(cpu, {});
    machine_.cpu(cpu).set_slowness(1);
    for (const Misdeed misdeed : {Misdeed::babble, Misdeed::forge, Misdeed::hold}) {
      machine_.fabric().set_rogue(cpu, misdeed, false);
    }
    if (outages_.is_halted(cpu)) halted |= 1U << cpu;
  }
  const std::uint64_t alive = scenario_.system.alive_interval_cycles;
  constexpr std::uint64_t patience = 2'000'000;
  return leaks(machine_, kernels_, alive == 0 ? halted : 0, patience + 8 * alive);
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

// Gives what went wrong in the machine itself; empty if nothing did.
std::string Run::simulate() {
  try {
    machine_.run(std::min(scenario_.limit_cycles, options_.end_at));
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string Run::outstanding() const {
  constexpr std::size_t most = 4;
  std::string text;
  auto list = [&](std::vector<std::string> lines, std::uint64_t all) {
    for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) {
      text += (text.empty() ? "" : "; ") + lines[i];
    }
    if (all > most) text += fmt::format(" and {} more", all - most);
  };
  const auto clients = plan_.unfinished();
  list(clients, clients.size());
  list(scoreboard_.open_messages(most), scoreboard_.open());
  return text;
}

CheckResult Run::liveness() const {
  if (contradicted_) return {"liveness", true, "the run ended at the reference's complaint"};
  if (ending_) {
    return {"liveness", true,
            fmt::format("never {} cycles without progress", watchdog_.patience())};
  }
  if (overdue_) {
    return {"liveness", false,
            fmt::format("not complete at cycle {}, last moved at cycle {}: {}",
                        *scenario_.complete_by, watchdog_.last_moved(), waiting_)};
  }
  return {"liveness", false,
          stalled_ ? fmt::format("nothing has moved since cycle {}: {}", watchdog_.last_moved(),
                                 waiting_)
                   : fmt::format("not done at the limit, last moved at cycle {}: {}",
                                 watchdog_.last_moved(), waiting_)};
}

CheckResult Run::workload_check() const {
  if (contradicted_) return {"workload", true, "the run ended at the reference's complaint"};
  Complaints complaints;
  std::string good;
  for (const auto& workload : workloads_) {
    workload->check(complaints);
    good += fmt::format("{}{}: {} {}", good.empty() ? "" : ", ", workload->name(),
                        workload->expected(), workload->what());
  }
  return complaints.result("workload", good);
}

RunResult Run::operator()() {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const std::string failure = simulate();
  const std::chrono::duration<double> wall = Clock::now() - start;
  progress_.clear();
  if (options_.trace) write_view();
  kernel_watch_.close();
  if (!ending_) waiting_ = outstanding();
  return result(failure, wall.count());
}

// Where to look: at the first complaint, or where a run without any came to a standstill.
std::optional<std::uint64_t> Run::failure_cycle() const {
  std::optional<std::uint64_t> first = scoreboard_.first_complaint();
  for (const BusId bus : {BusId::x, BusId::y}) {
    const auto here = monitor_.first_complaint(bus);
    if (here && (!first || *here < *first)) first = here;
    const auto judged = reference_ ? reference_->first_complaint(bus) : std::nullopt;
    if (judged && (!first || *judged < *first)) first = judged;
  }
  for (const auto split : {view_watch_.first_complaint(), cluster_.first_complaint()}) {
    if (split && (!first || *split < *first)) first = split;
  }
  if (!first && !ending_) first = watchdog_.last_moved();
  return first;
}

RunResult Run::result(const std::string& failure, double wall_seconds) {
  RunResult result;
  result.scenario = scenario_.name;
  result.seed = options_.seed;
  result.fabric = name(options_.fabric);
  result.digest = log_.digest();
  result.cycles = std::min(machine_.cycle(), scenario_.limit_cycles);
  result.clock_hz = scenario_.system.clock_hz;
  result.wall_seconds = wall_seconds;
  for (const BusId bus : {BusId::x, BusId::y}) {
    result.bus[static_cast<std::size_t>(bus)] = monitor_.result(bus);
  }
  result.machine = machine_status(machine_.cycle());
  result.status_at = std::move(status_at_);
  if (failure.empty() && reference_) reference_->finish(machine_.cycle());
  cluster_.finish(machine_.cycle());
  // What has not ended is lost; that alone is a hang or a limit, not a check that failed.
  const bool sound = scoreboard_.check().ok && monitor_.check(BusId::x).ok &&
                     monitor_.check(BusId::y).ok && view_watch_.check().ok && cluster_.ok() &&
                     failure.empty() && !contradicted_;
  if (!contradicted_) scoreboard_.finish();
  result.messages = scoreboard_.result();
  result.latency = scoreboard_.latency();
  result.round_trip = scoreboard_.round_trip();
  result.faults = injector_.results();
  result.failure_cycle = failure.empty() ? failure_cycle() : machine_.cycle();

  result.checks = {scoreboard_.check(), monitor_.check(BusId::x), monitor_.check(BusId::y),
                   liveness(), workload_check(), view_watch_.check()};
  cluster_.add_checks(result.checks);
  if (reference_) {
    result.checks.push_back(reference_->check(BusId::x));
    result.checks.push_back(reference_->check(BusId::y));
  } else if (options_.reference) {
    result.checks.push_back(
        {"reference", true,
         fmt::format("not made: the model has no say under {}",
                     name(beyond_judgement(scenario_)->kind))});
  }
  if (!failure.empty()) result.checks.push_back({"machine", false, failure});
  const auto all_ok = [&] { return std::ranges::all_of(result.checks, &CheckResult::ok); };
  if (sound && ending_ && all_ok()) result.checks.push_back(leak_check());
  if (failure.empty()) {
    result.status = read_status(machine_.fabric());
    machine_.finish();
  }
  if (!sound || (ending_ && !all_ok())) {
    result.outcome = Outcome::check_failed;
  } else if (!ending_) {
    result.outcome = stalled_ || overdue_ ? Outcome::hung : Outcome::limit;
    result.reason = waiting_;
  }
  return result;
}

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options, EventLog& log,
              Progress& progress) {
  return Run(scenario, options, log, progress)();
}

}  // namespace xybus
