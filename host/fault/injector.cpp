#include "fault/injector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace xybus {

using contract::Answer;
using contract::BusId;

namespace {

constexpr std::array both{BusId::x, BusId::y};

std::size_t index(BusId bus) { return static_cast<std::size_t>(bus); }

constexpr unsigned header_bits = 8 * contract::word_bytes * contract::header_words;

std::string what(const FaultSpec& spec) {
  if (spec.cpu) return fmt::format("{} {}", name(spec.kind), *spec.cpu);
  return fmt::format("{} {}", name(spec.kind), spec.bus ? name(*spec.bus) : "x and y");
}

std::string when(const FaultSpec& spec) {
  std::string text;
  if (const auto* at = std::get_if<AtCycle>(&spec.when)) {
    text = fmt::format("cycle {}", at->cycle);
  } else if (const auto* nth = std::get_if<AtPacket>(&spec.when)) {
    text = fmt::format("packet {}", nth->n);
    if (nth->from) text += fmt::format(" from {}", *nth->from);
    text += fmt::format(" on {}", name(nth->bus));
  } else {
    text = fmt::format("each packet with probability {}",
                       std::get<EachPacket>(spec.when).probability);
    const std::uint64_t after = std::get<EachPacket>(spec.when).after_cycle;
    if (after != 0) text += fmt::format(" from cycle {}", after);
  }
  if (spec.until_cycle) text += fmt::format(", until cycle {}", *spec.until_cycle);
  return text;
}

}  // namespace

Injector::Injector(const std::vector<FaultSpec>& faults, std::uint64_t seed, FaultPoints& points)
    : points_(points) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const std::size_t chance = faults[i].chance.value_or(static_cast<unsigned>(i));
    faults_.push_back({.spec = faults[i],
                       .chance = {RandomStream(seed, fmt::format("fault.{}.x", chance)),
                                  RandomStream(seed, fmt::format("fault.{}.y", chance))}});
  }
}

void Injector::arm() {
  for (Fault& fault : faults_) {
    if (is_packet_fault(fault.spec.kind)) continue;
    if (const auto* at = std::get_if<AtCycle>(&fault.spec.when)) {
      points_.at(at->cycle, [this, &fault, cycle = at->cycle] { begin(fault, cycle); });
    }
    if (fault.spec.until_cycle) {
      points_.at(*fault.spec.until_cycle,
                 [this, &fault] { end(fault, *fault.spec.until_cycle); });
    }
  }
}

bool Injector::on_bus(const Fault& fault, BusId bus) {
  return !fault.spec.bus || *fault.spec.bus == bus;
}

void Injector::begin(Fault& fault, std::uint64_t cycle) {
  fault.spent = true;
  fault.first_cycle = cycle;
  const FaultKind kind = fault.spec.kind;
  if (kind == FaultKind::cpu_halt) return points_.halt(*fault.spec.cpu, cycle);
  if (fault.spec.for_cycles) {
    fault.spec.until_cycle = cycle + *fault.spec.for_cycles;
    points_.at(*fault.spec.until_cycle,
               [this, &fault] { end(fault, *fault.spec.until_cycle); });
  }
  if (kind == FaultKind::cpu_restart) return change_off(*fault.spec.cpu, 1, cycle);
  if (is_misdeed(kind)) return change(kind, *fault.spec.cpu, 1, cycle);
  if (kind != FaultKind::bus_down) {
    points_.set_fault(fault.spec, true, cycle);
    // An interrupt that nobody raises and that has no end given is a pulse.
    if (kind == FaultKind::interrupt_spurious && !fault.spec.until_cycle) {
      points_.at(cycle + 1, [this, &fault, cycle] { end(fault, cycle + 1); });
    }
    return;
  }
  for (const BusId bus : both) {
    if (on_bus(fault, bus)) change(bus, 1, cycle);
  }
}

void Injector::end(Fault& fault, std::uint64_t cycle) {
  const bool began = fault.first_cycle.has_value();
  fault.spent = true;  // nor does it begin any more
  const FaultKind kind = fault.spec.kind;
  if (!began || kind == FaultKind::cpu_halt || is_instant(kind)) return;
  if (kind == FaultKind::cpu_restart) return change_off(*fault.spec.cpu, -1, cycle);
  if (is_misdeed(kind)) return change(kind, *fault.spec.cpu, -1, cycle);
  if (kind != FaultKind::bus_down) return points_.set_fault(fault.spec, false, cycle);
  for (const BusId bus : both) {
    if (on_bus(fault, bus)) change(bus, -1, cycle);
  }
}

void Injector::change(BusId bus, int by, std::uint64_t cycle) {
  const bool was_down = down_[index(bus)] > 0;
  down_[index(bus)] += by;
  const bool is_down = down_[index(bus)] > 0;
  if (is_down != was_down) points_.set_bus_down(bus, is_down, cycle);
}

void Injector::change(FaultKind misdeed, unsigned cpu, int by, std::uint64_t cycle) {
  int& count = rogue_[{misdeed, cpu}];
  const bool was_rogue = count > 0;
  count += by;
  const bool is_rogue = count > 0;
  if (is_rogue != was_rogue) points_.set_rogue(cpu, misdeed, is_rogue, cycle);
}

// Off while any restart holds it.
void Injector::change_off(unsigned cpu, int by, std::uint64_t cycle) {
  int& count = off_[cpu];
  const bool was_off = count > 0;
  count += by;
  if (count > 0 && !was_off) points_.halt(cpu, cycle);
  if (count == 0 && was_off) points_.restart(cpu, cycle);
}

bool Injector::strikes(Fault& fault, BusId bus, std::uint64_t cycle, unsigned source) {
  const bool over = fault.spent || (fault.spec.until_cycle && cycle >= *fault.spec.until_cycle);
  if (const auto* nth = std::get_if<AtPacket>(&fault.spec.when)) {
    if (bus != nth->bus || (nth->from && *nth->from != source)) return false;
    return ++fault.seen[index(bus)] == nth->n && !over;
  }
  if (over || !is_packet_fault(fault.spec.kind) || !on_bus(fault, bus)) return false;
  if (const auto* each = std::get_if<EachPacket>(&fault.spec.when)) {
    return cycle >= each->after_cycle && fault.chance[index(bus)].chance(each->probability);
  }
  return cycle >= std::get<AtCycle>(fault.spec.when).cycle;
}

const PacketHit& Injector::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  Line& line = lines_[index(bus)];
  assert(line.count < line.shots.size());
  Shot& shot = line.shots[(line.first + line.count++) % line.shots.size()];
  shot.hit.drop = shot.hit.answer_drop = shot.hit.duplicate = false;
  shot.hit.answer_flips = 0;
  shot.hit.flips.clear();
  shot.faults.clear();
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    Fault& fault = faults_[i];
    if (!strikes(fault, bus, cycle, source)) continue;
    if (!is_packet_fault(fault.spec.kind)) {
      fault.spent = true;  // it holds from this packet's first word on
      points_.at(cycle, [this, &fault, cycle] { begin(fault, cycle); });
      continue;
    }
    const bool goes_on =
        std::holds_alternative<EachPacket>(fault.spec.when) ||
        (std::holds_alternative<AtCycle>(fault.spec.when) && fault.spec.until_cycle);
    fault.spent = !goes_on;
    if (!fault.first_cycle) fault.first_cycle = cycle;
    shot.faults.push_back(i);
    hit(fault, bus, shot.hit);
  }
  return shot.hit;
}

const PacketHit& Injector::on_wires(BusId bus) const {
  const Line& line = lines_[index(bus)];
  assert(line.count > 0);
  return line.shots[line.first].hit;
}

void Injector::packet_answered(BusId bus, std::uint64_t start_cycle, Answer answer, bool down) {
  Line& line = lines_[index(bus)];
  assert(line.count > 0);
  auto account = [&](Fault& fault) {
    ++fault.struck;
    ++fault.answers[static_cast<std::size_t>(answer)];
  };
  for (const std::size_t i : line.shots[line.first].faults) account(faults_[i]);
  line.first = (line.first + 1) % line.shots.size();
  --line.count;
  if (!down) return;
  for (Fault& fault : faults_) {
    const bool holds = fault.spec.kind == FaultKind::bus_down && fault.first_cycle &&
                       on_bus(fault, bus) &&
                       (!fault.spec.until_cycle || start_cycle < *fault.spec.until_cycle);
    if (holds) account(fault);
  }
}

// One that it was caught at just behind the end belongs to what went on before.
void Injector::offence(unsigned node, std::uint64_t cycle) {
  constexpr std::uint64_t aftermath = 100;
  for (Fault& fault : faults_) {
    const bool silent = fault.spec.kind == FaultKind::cpu_halt ||
                        fault.spec.kind == FaultKind::cpu_restart;
    const bool holds = (is_misdeed(fault.spec.kind) || silent) &&
                       fault.spec.cpu == node &&
                       fault.first_cycle &&
                       (!fault.spec.until_cycle || cycle < *fault.spec.until_cycle + aftermath);
    if (holds) ++fault.offences;
  }
}

void Injector::hit(Fault& fault, BusId bus, PacketHit& result) {
  switch (fault.spec.kind) {
    case FaultKind::packet_corrupt: {
      const FaultDetail& detail = fault.spec.detail;
      if (!detail.bits.empty()) {
        result.flips.insert(result.flips.end(), detail.bits.begin(), detail.bits.end());
        break;
      }
      // One bit or three: an odd number cannot cancel out, and CRC-32C always finds so few.
      RandomStream& chance = fault.chance[index(bus)];
      const std::uint64_t bits = 1 + 2 * chance.below(2);
      const unsigned from = detail.part == FaultDetail::Part::payload ? header_bits : 0;
      const unsigned to = detail.part == FaultDetail::Part::header ? header_bits : packet_bits;
      for (std::uint64_t i = 0; i < bits; ++i) {
        result.flips.push_back(from + static_cast<unsigned>(chance.below(to - from)));
      }
      break;
    }
    case FaultKind::answer_corrupt: {
      const FaultDetail& detail = fault.spec.detail;
      for (const unsigned bit : detail.bits) result.answer_flips ^= std::uint64_t{1} << bit;
      if (!detail.bits.empty() || detail.cpus.empty()) break;
      RandomStream& chance = fault.chance[index(bus)];
      const std::uint64_t kind = chance.below(4);
      const unsigned cpu = detail.cpus[chance.below(detail.cpus.size())];
      result.answer_flips ^= std::uint64_t{1} << (kind * contract::max_nodes + cpu);
      break;
    }
    case FaultKind::packet_duplicate: result.duplicate = true; break;
    case FaultKind::packet_drop: result.drop = true; break;
    case FaultKind::answer_drop: result.answer_drop = true; break;
    default: break;
  }
}

std::vector<FaultResult> Injector::results() const {
  std::vector<FaultResult> results;
  for (const Fault& fault : faults_) {
    std::string effect = "never came";
    if (fault.first_cycle && fault.spec.cpu) {
      const bool halt = fault.spec.kind == FaultKind::cpu_halt ||
                        fault.spec.kind == FaultKind::cpu_restart;
      effect = fmt::format("{}from cycle {}", halt ? "silent " : "", *fault.first_cycle);
      if (fault.spec.kind == FaultKind::cpu_restart) {
        effect += fmt::format(", to start again at cycle {}", *fault.spec.until_cycle);
      }
      if (is_misdeed(fault.spec.kind) || fault.offences != 0) {
        effect += fmt::format(": caught {} time{}", fault.offences,
                              fault.offences == 1 ? "" : "s");
      }
    } else if (fault.first_cycle && !is_packet_fault(fault.spec.kind) &&
               fault.spec.kind != FaultKind::bus_down) {
      effect = fmt::format("from cycle {}", *fault.first_cycle);
    } else if (fault.first_cycle) {
      effect = fmt::format("from cycle {}: {} packet{} hit", *fault.first_cycle, fault.struck,
                           fault.struck == 1 ? "" : "s");
      for (const Answer answer : {Answer::none, Answer::accepted, Answer::busy, Answer::corrupt,
                                  Answer::refused}) {
        const std::uint64_t count = fault.answers[static_cast<std::size_t>(answer)];
        if (count == 0) continue;
        effect += answer == Answer::none ? fmt::format(", {} not answered", count)
                                         : fmt::format(", {} answered {}", count, name(answer));
      }
    }
    results.push_back({what(fault.spec), when(fault.spec), std::move(effect)});
  }
  return results;
}

}  // namespace xybus
