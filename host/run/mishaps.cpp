#include "run/mishaps.h"

#include <fmt/format.h>

#include <string>

namespace xybus {

using contract::BusId;

namespace {

constexpr EventKind bus_down_kind{"bus_down", {EventField{"bus", name_of<BusId>}}};
constexpr EventKind bus_up_kind{"bus_up", {EventField{"bus", name_of<BusId>}}};
constexpr EventKind halt_kind{"cpu_halt", {"cpu"}};
constexpr EventKind restart_kind{"cpu_restart", {"cpu", "epoch"}};
constexpr EventKind stop_kind{"process_stop", {"cpu", "pin"}};
constexpr EventKind power_kind{"power_failure", {}};
constexpr EventKind disk_kind{"disk_fault", {EventField{"kind", name_of<FaultKind>}, "drive"}};
constexpr EventKind disk_end_kind{"disk_fault_end",
                                  {EventField{"kind", name_of<FaultKind>}, "drive"}};
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
std::string hit_text(BusId bus, const PacketHit& hit) {
  const char* const what = hit.drop                ? "packet dropped"
                           : hit.answer_drop       ? "answer dropped"
                           : hit.answer_flips != 0 ? "answer corrupt"
                           : hit.duplicate         ? "repeated"
                                                   : "corrupt";
  return fmt::format("{} {}", bus == BusId::x ? 'X' : 'Y', what);
}

}  // namespace

void Mishaps::mark(std::uint64_t cycle, std::string text) {
  constexpr std::size_t most_marks = 1000;
  if (marks_.size() < most_marks) marks_.push_back({cycle, text});
  notes_.fault(cycle, std::move(text));
}

void Mishaps::set_bus_down(BusId bus, bool down, std::uint64_t cycle) {
  machine_.fabric().set_bus_down(bus, down);
  checks_.bus_changes(bus, cycle);
  log_.record(EventLog::faults(), cycle, down ? bus_down_kind : bus_up_kind,
              {static_cast<std::uint64_t>(bus)});
  mark(cycle, fmt::format("{} {}", bus == BusId::x ? 'X' : 'Y', down ? "down" : "up"));
}

void Mishaps::halt(unsigned cpu, std::uint64_t cycle) {
  if (checks_.outages().is_halted(cpu)) return;
  log_.record(EventLog::faults(), cycle, halt_kind, {cpu});
  mark(cycle, fmt::format("CPU {} halts", cpu));
  machine_.halt(cpu);
  checks_.halted(cpu, cycle);
  workloads_.cpu_halted(cpu, cycle);
}

// Its kernel and servers come again, as a new incarnation. Clients do not: nobody waits for them.
void Mishaps::restart(unsigned cpu, std::uint64_t cycle) {
  if (!checks_.outages().is_halted(cpu)) return;
  checks_.restarted(cpu, cycle);
  log_.record(EventLog::faults(), cycle, restart_kind, {cpu, firmware_.epoch(cpu)});
  mark(cycle, fmt::format("CPU {} starts again", cpu));
  machine_.restart(cpu);
  active_.restarted(cpu);
}

// Nothing befalls a machine any more that is off.
void Mishaps::power_failure(std::uint64_t cycle) {
  log_.record(EventLog::faults(), cycle, power_kind, {});
  mark(cycle, "power fails");
  for (unsigned i = 0; i < machine_.drives(); ++i) machine_.drive(i).power_off();
  for (unsigned cpu = 0; cpu < machine_.cpus(); ++cpu) {
    if (firmware_.is_hostile(cpu)) machine_.halt(cpu);
    halt(cpu, cycle);
  }
  over_ = true;
  if (on_power_failure_) on_power_failure_(cycle);
}

// As its CPU's process control does, at the CPU's next dispatch point.
std::optional<ProcessAddress> Mishaps::stop_process(const FaultSpec& fault, std::uint64_t cycle) {
  const ProcessHandle process = firmware_.holder(fault.detail.process, fault.detail.backup);
  const ProcessAddress at = process.at;
  if (!process || !firmware_.stop(process)) return {};
  machine_.cpu(at.cpu).nudge();
  log_.record(EventLog::faults(), cycle, stop_kind, {at.cpu, at.pin});
  mark(cycle, fmt::format("{} stopped on CPU {}", fault.detail.process, at.cpu));
  return at;
}

void Mishaps::set_rogue(unsigned cpu, FaultKind misdeed, bool on, std::uint64_t cycle) {
  log_.record(EventLog::faults(), cycle, on ? rogue_kind : sound_kind,
              {cpu, static_cast<std::uint64_t>(misdeed)});
  mark(cycle, fmt::format("CPU {} {}{}", cpu, name(misdeed), on ? "" : " ends"));
  machine_.fabric().set_rogue(cpu, misdeed_of(misdeed), on);
  checks_.rogue(cpu, on, cycle);
}

void Mishaps::set_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  if (is_disk_fault(fault.kind)) return set_disk_fault(fault, on, cycle);
  checks_.fault(fault, on, cycle);
  log_.record(EventLog::faults(), cycle, on ? fault_kind : fault_end_kind,
              {static_cast<std::uint64_t>(fault.kind), fault.cpu.value_or(~0U),
               fault.bus ? static_cast<std::uint64_t>(*fault.bus) : 2});
  mark(cycle, fmt::format("{}{}", name(fault.kind), on ? "" : " ends"));
  if (fault.kind == FaultKind::hostile_cpu) return set_hostile(fault, on, cycle);
  active_.change(fault, on, machine_);
}

// Errors of commands are the injector's.
void Mishaps::set_disk_fault(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  const unsigned drive = fault.detail.drive_number;
  log_.record(EventLog::faults(), cycle, on ? disk_kind : disk_end_kind,
              {static_cast<std::uint64_t>(fault.kind), drive});
  mark(cycle, fmt::format("{} {}-{}{}", name(fault.kind), fault.detail.disk,
                                  fault.detail.drive, on ? "" : " ends"));
  if (fault.kind == FaultKind::disk_dies) active_.change(fault, on, machine_);
}

// Its kernel and processes are gone for good, and other firmware takes over a little later, when
// what was on the buses has ended; not if something else has befallen the CPU by then.
void Mishaps::set_hostile(const FaultSpec& fault, bool on, std::uint64_t cycle) {
  const unsigned cpu = *fault.cpu;
  workloads_.distrust(cpu);
  if (!on) {
    if (firmware_.hostile(cpu) == &fault) end_hostile(cpu, cycle);
    return;
  }
  halt(cpu, cycle);
  firmware_.set_hostile(cpu, &fault);
  const std::uint64_t start = cycle + least_off_cycles;
  at(start, [this, cpu, &fault, start] {
    if (firmware_.hostile(cpu) != &fault) return;
    machine_.restart(cpu);
    checks_.node_on(cpu, start);
  });
}

void Mishaps::end_hostile(unsigned cpu, std::uint64_t cycle) {
  firmware_.set_hostile(cpu, nullptr);
  if (machine_.cpu(cpu).halted()) return;  // it had not begun to run
  machine_.halt(cpu);
  checks_.node_off(cpu, cycle);
}

void Mishaps::note(BusId bus, std::uint64_t cycle, const PacketHit& hit) {
  if (hit.any()) notes_.fault(cycle, hit_text(bus, hit));
  notes_.packet(cycle);
}

void Mishaps::put_right() {
  over_ = true;
  Fabric& fabric = machine_.fabric();
  for (const BusId bus : {BusId::x, BusId::y}) {
    fabric.set_bus_down(bus, false);
    fabric.set_bus_fault(bus, {});
  }
  for (unsigned cpu = 0; cpu < machine_.cpus(); ++cpu) {
    fabric.set_node_fault(cpu, {});
    machine_.cpu(cpu).set_slowness(1);
    for (const Misdeed misdeed : {Misdeed::babble, Misdeed::forge, Misdeed::hold}) {
      fabric.set_rogue(cpu, misdeed, false);
    }
  }
}

}  // namespace xybus
