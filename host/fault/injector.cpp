#include "fault/injector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "model/flip_place.h"

namespace xybus {

using contract::Answer;
using contract::BusId;

namespace {

constexpr std::array both{BusId::x, BusId::y};

std::size_t index(BusId bus) { return static_cast<std::size_t>(bus); }

constexpr unsigned header_bits = 8 * contract::word_bytes * contract::header_words;
constexpr unsigned opening_bits = 8 * contract::word_bytes * opening_words;

}  // namespace

void PacketHit::clear() {
  drop = answer_drop = duplicate = false;
  answer_flips = 0;
  flips.clear();
  late_flips.clear();
}

void PacketHit::add(const PacketHit& other) {
  drop = drop || other.drop;
  answer_drop = answer_drop || other.answer_drop;
  duplicate = duplicate || other.duplicate;
  answer_flips ^= other.answer_flips;
  flips.insert(flips.end(), other.flips.begin(), other.flips.end());
  late_flips.insert(late_flips.end(), other.late_flips.begin(), other.late_flips.end());
}

Injector::Injector(const std::vector<FaultSpec>& faults, std::uint64_t seed, FaultPoints& points)
    : points_(points) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const std::size_t chance = faults[i].chance.value_or(static_cast<unsigned>(i));
    faults_.push_back({.spec = faults[i],
                       .chance = {RandomStream(seed, fmt::format("fault.{}.x", chance)),
                                  RandomStream(seed, fmt::format("fault.{}.y", chance))}});
    const auto* nth = std::get_if<AtPacket>(&faults[i].when);
    if (nth != nullptr && nth->late()) late_.push_back(i);
    const auto* event = std::get_if<AtEvent>(&faults[i].when);
    if (event == nullptr) continue;
    at_events_.push_back(i);
    // Of a word that is no name there are no events.
    if (!event->process.empty())
      faults_[i].process = ProcessName::parse(event->process).value_or(ProcessName{});
  }
}

void Injector::arm() {
  for (Fault& fault : faults_) {
    if (is_packet_fault(fault.spec.kind)) continue;
    if (std::holds_alternative<EachPacket>(fault.spec.when)) continue;
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
  const FaultKind kind = fault.spec.kind;
  if (kind == FaultKind::cpu_halt || kind == FaultKind::hostile_cpu) {
    end_hostility(*fault.spec.cpu, cycle);
  }
  fault.first_cycle = cycle;
  if (kind == FaultKind::cpu_halt) return points_.halt(*fault.spec.cpu, cycle);
  if (kind == FaultKind::power_failure) return points_.power_failure(cycle);
  if (kind == FaultKind::process_stop) {
    fault.stopped = points_.stop_process(fault.spec, cycle);
    return;
  }
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
  if (fault.ended) return;
  const bool began = fault.first_cycle.has_value();
  fault.spent = true;  // nor does it begin any more
  fault.ended = cycle;
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

// Whatever else befalls a CPU as a whole ends what hostile firmware it runs, or is about to.
void Injector::end_hostility(unsigned cpu, std::uint64_t cycle) {
  for (Fault& fault : faults_) {
    const bool its = fault.spec.kind == FaultKind::hostile_cpu && fault.spec.cpu == cpu;
    if (its && fault.first_cycle) end(fault, cycle);
  }
}

// Off while any restart holds it.
void Injector::change_off(unsigned cpu, int by, std::uint64_t cycle) {
  int& count = off_[cpu];
  const bool was_off = count > 0;
  count += by;
  if ((count > 0) != was_off) end_hostility(cpu, cycle);
  if (count > 0 && !was_off) points_.halt(cpu, cycle);
  if (count == 0 && was_off) points_.restart(cpu, cycle);
}

bool Injector::strikes(Fault& fault, BusId bus, std::uint64_t cycle, unsigned source) {
  const bool over = fault.spent || (fault.spec.until_cycle && cycle >= *fault.spec.until_cycle);
  if (const auto* nth = std::get_if<AtPacket>(&fault.spec.when)) {
    if (nth->late() || bus != nth->bus || (nth->from && *nth->from != source)) return false;
    return ++fault.seen[index(bus)] == nth->n && !over;
  }
  if (over || !is_packet_fault(fault.spec.kind) || !on_bus(fault, bus)) return false;
  if (const auto* each = std::get_if<EachPacket>(&fault.spec.when)) {
    return cycle >= each->after_cycle && fault.chance[index(bus)].chance(each->probability);
  }
  if (std::holds_alternative<AtEvent>(fault.spec.when)) return fault.from && cycle >= *fault.from;
  return cycle >= std::get<AtCycle>(fault.spec.when).cycle;
}

bool Injector::strikes(Fault& fault, const OpenPacket& packet) {
  const auto& nth = std::get<AtPacket>(fault.spec.when);
  if (packet.bus != nth.bus || (nth.from && *nth.from != packet.source)) return false;
  if (nth.operation && packet.operation != nth.operation) return false;
  if (nth.first_attempts && packet.again) return false;
  return ++fault.seen[index(packet.bus)] == nth.n && !fault.spent;
}

// A fault that holds for a time, or happens once; not when it would be over by then.
void Injector::begin_from(Fault& fault, std::uint64_t cycle) {
  fault.spent = true;
  if (fault.spec.until_cycle && cycle >= *fault.spec.until_cycle) return;
  points_.at(cycle, [this, &fault, cycle] { begin(fault, cycle); });
}

void Injector::strike(std::size_t number, BusId bus, std::uint64_t cycle, PacketHit& result) {
  Fault& fault = faults_[number];
  const auto& when = fault.spec.when;
  const bool from_then_on =
      std::holds_alternative<AtCycle>(when) || std::holds_alternative<AtEvent>(when);
  fault.spent = !(std::holds_alternative<EachPacket>(when) ||
                  (from_then_on && fault.spec.until_cycle));
  if (!fault.first_cycle) fault.first_cycle = cycle;
  lines_[index(bus)].newest().faults.push_back(number);
  hit(fault, bus, result);
}

const PacketHit& Injector::packet_started(BusId bus, std::uint64_t cycle, unsigned source) {
  Line& line = lines_[index(bus)];
  assert(line.count < line.shots.size());
  ++line.count;
  Shot& shot = line.newest();
  shot.hit.clear();
  shot.faults.clear();
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    Fault& fault = faults_[i];
    if (!strikes(fault, bus, cycle, source)) continue;
    if (is_packet_fault(fault.spec.kind)) {
      strike(i, bus, cycle, shot.hit);
    } else {  // it holds from this packet's first word on
      begin_from(fault, cycle + std::get<AtPacket>(fault.spec.when).delay_cycles);
    }
  }
  return shot.hit;
}

const PacketHit& Injector::packet_opened(BusId bus, std::uint64_t cycle, unsigned source,
                                         std::span<const std::uint32_t> words) {
  Line& line = lines_[index(bus)];
  assert(line.count > 0);
  const OpenPacket packet = attempts_.read(bus, source, words);
  const std::uint64_t next = cycle + 1;
  line.late.clear();
  for (const std::size_t i : late_) {
    Fault& fault = faults_[i];
    if (!strikes(fault, packet)) continue;
    if (is_packet_fault(fault.spec.kind)) {
      strike(i, bus, next, line.late);
    } else {
      begin_from(fault, next + std::get<AtPacket>(fault.spec.when).delay_cycles);
    }
  }
  line.newest().hit.add(line.late);
  return line.late;
}

void Injector::kernel_event(unsigned cpu, const KernelEvent& event) {
  for (const std::size_t i : at_events_) {
    Fault& fault = faults_[i];
    if (fault.spent) continue;
    const auto& at = std::get<AtEvent>(fault.spec.when);
    if (at.kind != event.kind || (at.cpu && *at.cpu != cpu)) continue;
    if (at.peer && *at.peer != event.peer.cpu) continue;
    const ProcessAddress process{static_cast<std::uint8_t>(cpu), event.pin};
    if (fault.process && !points_.has_name(process, *fault.process)) continue;
    if (++fault.seen[0] != at.n) continue;
    const std::uint64_t next = event.cycle + 1 + at.delay_cycles;
    if (!is_packet_fault(fault.spec.kind)) {
      begin_from(fault, next);
      continue;
    }
    // A packet that starts in the next cycle has its grant already.
    fault.from = std::max(next, event.cycle + 2);
    if (fault.spec.for_cycles) fault.spec.until_cycle = *fault.from + *fault.spec.for_cycles;
  }
}

const PacketHit& Injector::on_wires(BusId bus) const {
  const Line& line = lines_[index(bus)];
  assert(line.count > 0);
  return line.shots[line.first].hit;
}

// Whether a packet went while this fault held, which is no packet fault, where it held.
bool Injector::concerns(const Fault& fault, BusId bus, std::uint64_t start_cycle, unsigned source,
                        bool down) const {
  const FaultSpec& spec = fault.spec;
  if (!fault.first_cycle || is_packet_fault(spec.kind) || is_instant(spec.kind)) return false;
  if (is_disk_fault(spec.kind)) return false;
  if (fault.ended && start_cycle >= *fault.ended) return false;
  if (spec.kind == FaultKind::bus_down) return down && on_bus(fault, bus);
  if (start_cycle < *fault.first_cycle) return false;
  return spec.cpu ? *spec.cpu == source : on_bus(fault, bus);
}

void Injector::packet_answered(BusId bus, std::uint64_t start_cycle, unsigned source,
                               Answer answer, bool down) {
  Line& line = lines_[index(bus)];
  assert(line.count > 0);
  auto account = [&](Fault& fault) {
    ++fault.struck;
    ++fault.answers[static_cast<std::size_t>(answer)];
  };
  for (const std::size_t i : line.shots[line.first].faults) account(faults_[i]);
  line.first = (line.first + 1) % line.shots.size();
  --line.count;
  for (Fault& fault : faults_) {
    if (concerns(fault, bus, start_cycle, source, down)) account(fault);
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

void Injector::corrupt(Fault& fault, BusId bus, PacketHit& result) {
  const FaultDetail& detail = fault.spec.detail;
  const auto* nth = std::get_if<AtPacket>(&fault.spec.when);
  const bool late = nth != nullptr && nth->late();
  std::vector<unsigned>& flips = late ? result.late_flips : result.flips;
  if (!detail.bits.empty()) {
    flips.insert(flips.end(), detail.bits.begin(), detail.bits.end());
    return;
  }
  // One bit or three: an odd number cannot cancel out, and CRC-32C always finds so few.
  RandomStream& chance = fault.chance[index(bus)];
  const std::uint64_t bits = 1 + 2 * chance.below(2);
  const unsigned from = late                                        ? opening_bits
                        : detail.part == FaultDetail::Part::payload ? header_bits
                                                                    : 0;
  const unsigned to = detail.part == FaultDetail::Part::header ? header_bits : packet_bits;
  for (std::uint64_t i = 0; i < bits; ++i) {
    flips.push_back(from + static_cast<unsigned>(chance.below(to - from)));
  }
}

void Injector::hit(Fault& fault, BusId bus, PacketHit& result) {
  switch (fault.spec.kind) {
    case FaultKind::packet_corrupt: corrupt(fault, bus, result); break;
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

}  // namespace xybus
