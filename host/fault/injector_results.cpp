// What the injector says of its faults at the end.
#include <fmt/format.h>

#include "fault/injector.h"

namespace xybus {

using contract::Answer;

namespace {

std::string what(const FaultSpec& spec) {
  if (spec.cpu) return fmt::format("{} {}", name(spec.kind), *spec.cpu);
  if (spec.kind == FaultKind::power_failure) return name(spec.kind);
  if (spec.kind == FaultKind::process_stop) {
    return fmt::format("{} {}{}", name(spec.kind), spec.detail.process,
                       spec.detail.backup ? " backup" : "");
  }
  if (is_disk_fault(spec.kind)) {
    const std::string block = spec.detail.block ? fmt::format(" block {}", *spec.detail.block) : "";
    return fmt::format("{} {}-{}{}", name(spec.kind), spec.detail.disk, spec.detail.drive, block);
  }
  return fmt::format("{} {}", name(spec.kind), spec.bus ? name(*spec.bus) : "x and y");
}

std::string text(const AtPacket& at) {
  std::string text = at.operation ? fmt::format("{} ", name(*at.operation)) : "";
  text += fmt::format("packet {}", at.n);
  if (at.from) text += fmt::format(" from {}", *at.from);
  text += fmt::format(" on {}", name(at.bus));
  if (at.first_attempts) text += ", first attempts";
  return text;
}

std::string text(const AtEvent& at) {
  std::string text = fmt::format("{} {}", name(at.kind), at.n);
  if (!at.process.empty()) text += " of " + at.process;
  if (at.cpu) text += fmt::format("{} CPU {}", at.process.empty() ? " of" : " on", *at.cpu);
  if (at.peer) text += fmt::format(" with CPU {}", *at.peer);
  return text;
}

std::string delay_text(std::uint64_t cycles) {
  return cycles == 0 ? "" : fmt::format(", {} cycles later", cycles);
}

std::string when(const FaultSpec& spec) {
  std::string when;
  if (const auto* at = std::get_if<AtCycle>(&spec.when)) {
    when = fmt::format("cycle {}", at->cycle);
  } else if (const auto* nth = std::get_if<AtPacket>(&spec.when)) {
    when = text(*nth) + delay_text(nth->delay_cycles);
  } else if (const auto* event = std::get_if<AtEvent>(&spec.when)) {
    when = text(*event) + delay_text(event->delay_cycles);
  } else {
    const auto& each = std::get<EachPacket>(spec.when);
    when = fmt::format("each {} with probability {}",
                       is_drive_error(spec.kind) ? "command" : "packet", each.probability);
    if (each.after_cycle != 0) when += fmt::format(" from cycle {}", each.after_cycle);
  }
  if (spec.until_cycle) when += fmt::format(", until cycle {}", *spec.until_cycle);
  return when;
}

}  // namespace

// What became of the packets that it struck, or that went while it held.
std::string Injector::packets_text(const Fault& fault) {
  std::string text = fmt::format("{} packet{}", fault.struck, fault.struck == 1 ? "" : "s");
  const bool hits = is_packet_fault(fault.spec.kind) || fault.spec.kind == FaultKind::bus_down;
  text += hits ? " hit" : fault.spec.cpu ? " from it meanwhile" : " meanwhile";
  for (const Answer answer : {Answer::none, Answer::accepted, Answer::busy, Answer::corrupt,
                              Answer::refused}) {
    const std::uint64_t count = fault.answers[static_cast<std::size_t>(answer)];
    if (count == 0) continue;
    text += answer == Answer::none ? fmt::format(", {} not answered", count)
                                   : fmt::format(", {} answered {}", count, name(answer));
  }
  return text;
}

std::string Injector::effect(const Fault& fault) {
  if (!fault.first_cycle) return "never came";
  const FaultKind kind = fault.spec.kind;
  if (kind == FaultKind::process_stop) {
    const auto& who = fault.stopped;
    const std::string whom =
        who ? fmt::format("pin {} of CPU {}", who->pin, who->cpu) : "there was none";
    return fmt::format("at cycle {}: {}", *fault.first_cycle, whom);
  }
  if (is_instant(kind) || kind == FaultKind::power_failure)
    return fmt::format("at cycle {}", *fault.first_cycle);
  if (kind == FaultKind::disk_dies) return fmt::format("from cycle {}", *fault.first_cycle);
  if (is_drive_error(kind)) {
    return fmt::format("from cycle {}: {} command{} failed{}", *fault.first_cycle, fault.struck,
                       fault.struck == 1 ? "" : "s", fault.mended ? ", then written anew" : "");
  }
  const bool off = kind == FaultKind::cpu_halt || kind == FaultKind::cpu_restart;
  std::string text = fmt::format("{}from cycle {}", off ? "silent " : "", *fault.first_cycle);
  // Something else may have ended it before its time, or it had none.
  if (kind == FaultKind::hostile_cpu && fault.ended) {
    text += fmt::format(" to cycle {}", *fault.ended);
  }
  if (kind == FaultKind::cpu_restart) {
    text += fmt::format(", to start again at cycle {}", *fault.spec.until_cycle);
  }
  if (is_misdeed(kind) || fault.offences != 0) {
    text += fmt::format(": caught {} time{}", fault.offences, fault.offences == 1 ? "" : "s");
  }
  const bool silent = off && fault.struck == 0;
  if (!silent && !is_misdeed(kind)) text += ": " + packets_text(fault);
  return text;
}

std::vector<FaultResult> Injector::results() const {
  std::vector<FaultResult> results;
  for (const Fault& fault : faults_) {
    results.push_back({what(fault.spec), when(fault.spec), effect(fault)});
  }
  return results;
}

}  // namespace xybus
