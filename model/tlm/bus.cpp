#include "model/tlm/bus.h"

#include <algorithm>
#include <bit>

#include "model/tlm/core.h"
#include "model/tlm/crc32c.h"

namespace xybus::tlm {

using contract::Offence;

namespace {

constexpr unsigned word_bits = 8 * contract::word_bytes;

/// One word of noise in so many is marked as a last one, in half of the packets.
constexpr std::uint32_t noise_ends = 16;

}  // namespace

Bus::Bus(Core& core, contract::BusId id, unsigned nodes)
    : core_(core),
      id_(id),
      number_(static_cast<unsigned>(id)),
      nodes_(nodes),
      control_turn_(nodes - 1),
      data_turn_(nodes - 1),
      noise_(0x1234567 + number_) {}

unsigned Bus::timer(unsigned unit) const {
  return Agenda::timer(number_ == 0 ? Phase::bus_x : Phase::bus_y, unit);
}

// ---- Asking and choosing ------------------------------------------------------------------------

void Bus::request(unsigned node, bool control, Cycle cycle) {
  (control ? control_ : data_) |= 1u << node;
  ask(cycle);
}

void Bus::withdraw(unsigned node) {
  control_ &= ~(1u << node);
  data_ &= ~(1u << node);
}

void Bus::ask(Cycle cycle) {
  if (!idle_) return;
  idle_ = false;
  core_.agenda().set(timer(arbitration), cycle);
}

// The first above the last winner, or the lowest.
unsigned Bus::pick(Nodes asking, unsigned& turn) const {
  const Nodes above = asking & ~((2u << turn) - 1);
  turn = static_cast<unsigned>(std::countr_zero(above != 0 ? above : asking));
  return turn;
}

unsigned Bus::choose(Nodes control, Nodes data) {
  const bool data_has_waited = data != 0 && in_a_row_ >= nodes_;
  if (control != 0 && !data_has_waited) {
    in_a_row_ = data != 0 ? in_a_row_ + 1 : 0;
    return pick(control, control_turn_);
  }
  in_a_row_ = 0;
  return pick(data, data_turn_);
}

void Bus::arbitrate(Cycle cycle) {
  const Nodes control = (control_ & lanes()) | (babble_ & ~halted_);
  const Nodes data = data_ & lanes();
  if ((control | data) == 0) {
    idle_ = true;
    return;
  }
  begin(choose(control, data), cycle);
}

// ---- A packet begins ----------------------------------------------------------------------------

void Bus::begin(unsigned node, Cycle cycle) {
  newest_ = (newest_ + 1) % records;
  Record& its = records_[newest_];
  its.source = node;
  its.from_lane = (babble_ >> node & 1) == 0;
  its.forged = its.from_lane && (forge_ >> node & 1) != 0;
  its.drop = its.answer_drop = its.flipped = its.cut = its.broken = false;
  its.open = true;
  its.start = cycle + 1;
  its.down = down_;
  its.answers = {};
  its.not_before = last_due_;
  if (its.from_lane) {
    fill_from_lane(its, node);
  } else {
    fill_with_noise(its, node);
  }
  its.last = its.start + its.count - 1;
  if (FabricObserver* const observer = core_.observer()) {
    const PacketFault fault = observer->packet_started(id_, its.start, node);
    core_.note_observer();
    aim(its, fault);
  }
  for (const PacketFault& fault : injected_) aim(its, fault);
  injected_.clear();

  const Cycle end = its.last;
  const bool too_long = its.count == max_words && its.cut;
  if (its.forged) {
    catch_offence(its, Offence::forged_source, its.start);
    its.cut = true;
    its.count = 0;
    its.last = its.start;
    finish(its, its.start);
  } else if (too_long) {
    catch_offence(its, Offence::too_long, its.last);
    --its.count;
    finish(its, its.last);
    its.last -= 1;
  } else {
    finish(its, its.last + contract::answer_delay);
  }
  busy_cycles_ += its.count;
  core_.agenda().set(timer(arbitration), end);
}

// What is to be told in that cycle, or with the packets before it.
void Bus::finish(Record& its, Cycle due) {
  const unsigned slot = slot_of(its);
  its.due = std::max(due, its.not_before);
  last_due_ = its.due;
  core_.agenda().set(timer(slot), its.due);
  const unsigned verdict = Agenda::timer(Phase::verdict, number_ * records + slot);
  if (its.count != 0) core_.agenda().set(verdict, (its.cut ? due : its.last) + 1);
  else core_.agenda().clear(verdict);
}

void Bus::fill_from_lane(Record& its, unsigned node) {
  withdraw(node);
  const Cycle start = its.start;
  its.count = core_.node(node).granted(number_, its.words, its.tried);
  const Cycle end = start + its.count - 1;
  core_.node(node).answer_due(number_, end + contract::answer_delay);
  if ((hold_ >> node & 1) != 0) run_on(its);
}

// The last word, over and over, until the guardian takes the bus away.
void Bus::run_on(Record& its) {
  std::fill(its.words.begin() + its.count, its.words.end(), its.words[its.count - 1]);
  its.count = max_words;
  its.cut = true;
}

void Bus::fill_with_noise(Record& its, unsigned node) {
  const bool endless = (noise() & 1) != 0;
  its.count = 0;
  do {
    const std::uint32_t word = noise();
    its.words[its.count++] = (word & ~(0xfu << 16)) | node << 16;
    if (!endless && noise() % noise_ends == 0) break;
  } while (its.count < max_words);
  its.cut = its.count == max_words;
}

// Marsaglia's xorshift with the shifts 13, 17, 5.
std::uint32_t Bus::noise() {
  noise_ ^= noise_ << 13;
  noise_ ^= noise_ >> 17;
  noise_ ^= noise_ << 5;
  return noise_;
}

// A bit past the end is taken modulo what follows the header.
void Bus::aim(Record& its, const PacketFault& fault) {
  its.drop = its.drop || fault.drop;
  its.answer_drop = its.answer_drop || fault.answer_drop;
  constexpr unsigned header_bits = contract::header_words * word_bits;
  const unsigned present = its.count;
  for (unsigned bit : fault.flips) {
    if (bit >= header_bits) {
      const unsigned words =
          present > contract::header_words ? present - contract::header_words : 1;
      bit = header_bits + (bit - header_bits) % (words * word_bits);
    }
    if (bit / word_bits >= present) continue;
    its.words[bit / word_bits] ^= 1u << bit % word_bits;
    its.flipped = true;
  }
}

// ---- It ends ------------------------------------------------------------------------------------

void Bus::judge(unsigned slot, Cycle cycle) {
  Record& its = records_[slot];
  if (its.drop || (its.down && !its.broken)) return;
  const contract::PacketHeader header{{its.words[0], its.words[1]}};
  const std::span<const std::uint32_t> words{its.words.data(), its.count};
  const bool ends = !its.cut && !its.broken;
  // Only what was tampered with can be wrong.
  bool good = its.from_lane && !its.flipped;
  if (ends && its.flipped) good = crc32c(words.first(words.size() - 1)) == words.back();
  for (Nodes left = header.dst_mask() & core_.present() & ~halted_; left != 0; left &= left - 1) {
    const unsigned node = static_cast<unsigned>(std::countr_zero(left));
    if (ends) {
      its.answers.add(node, core_.node(node).receive(number_, words, good, its.start, cycle));
    } else {
      core_.node(node).broken_off(number_);
    }
  }
}

// In the order in which they started.
void Bus::report(Cycle cycle) {
  while (records_[oldest_].open && records_[oldest_].due <= cycle) {
    Record& its = records_[oldest_];
    oldest_ = (oldest_ + 1) % records;
    its.open = false;
    report(its);
  }
}

void Bus::report(Record& its) {
  if (!its.cut) {
    if (down_) its.down = true;
    if (down_ || its.answer_drop) its.answers = {};
    its.answers.accepted &= ~halted_;
    its.answers.busy &= ~halted_;
    its.answers.corrupt &= ~halted_;
    its.answers.refused &= ~halted_;
    if (its.from_lane) core_.node(its.source).answered(number_, its.answers);
  }
  FabricObserver* const observer = core_.observer();
  if (observer == nullptr) return;
  observer->packet_answered({.bus = id_,
                             .start_cycle = its.start,
                             .source = its.source,
                             .words = {its.words.data(), its.count},
                             .answer_cycle = its.cut ? its.last + (its.count != 0 ? 1 : 0)
                                                     : its.last + contract::answer_delay,
                             .answers = its.answers,
                             .cut = its.cut,
                             .down = its.down,
                             .faulted = its.drop || its.flipped ||
                                        (its.answer_drop && !its.cut)});
  core_.note_observer();
}

Bus::Record* Bus::on_wires(Cycle cycle) {
  Record& its = records_[newest_];
  return its.open && its.start + its.count > cycle ? &its : nullptr;
}

void Bus::cut(unsigned node, Cycle cycle) {
  Record* const its = on_wires(cycle);
  if (its != nullptr && its->source == node) end_early(*its, cycle);
}

void Bus::end_early(Record& its, Cycle cycle) {
  const Cycle first_without = std::max(cycle, its.start);
  const unsigned kept = static_cast<unsigned>(first_without - its.start);
  busy_cycles_ -= its.count - kept;
  its.count = kept;
  its.cut = true;
  its.last = kept == 0 ? its.start : first_without - 1;
  finish(its, first_without);
  core_.agenda().set(timer(arbitration), first_without);
}

// ---- Faults -------------------------------------------------------------------------------------

void Bus::set_down(bool down, Cycle cycle) {
  down_ = down;
  Record* const its = on_wires(cycle);
  if (its == nullptr) return;
  if (down) {
    if (its->start < cycle && !its->down) its->broken = true;
    its->down = true;
  } else if (its->start >= cycle) {
    its->down = false;
  }
}

void Bus::halt(unsigned node, Cycle cycle) {
  halted_ |= 1u << node;
  withdraw(node);
  cut(node, cycle);
  if ((babble_ >> node & 1) != 0) {
    core_.agenda().set_by(Agenda::timer(Phase::silence, node), cycle + timing::silent_after);
  }
}

void Bus::set_rogue(unsigned node, Misdeed misdeed, bool on, Cycle cycle) {
  Nodes& set = misdeed == Misdeed::babble ? babble_ : misdeed == Misdeed::forge ? forge_ : hold_;
  set = on ? set | 1u << node : set & ~(1u << node);
  if (misdeed != Misdeed::babble) return;
  reported_ &= ~(1u << node);
  if (on && (halted_ >> node & 1) != 0) {
    core_.agenda().set_by(Agenda::timer(Phase::silence, node), cycle + timing::silent_after);
  }
  ask(cycle);  // its noise, or what its lane has been asking for
}

// What is caught is told in the cycle after.
void Bus::catch_offence(Record& its, Offence offence, Cycle cycle) {
  its.offence = offence;
  core_.agenda().set(Agenda::timer(Phase::offence, number_ * records + slot_of(its)), cycle + 1);
}

void Bus::offence_seen(unsigned slot, Cycle cycle) {
  told_ = cycle;
  tell_offence(records_[slot].source, records_[slot].offence, cycle);
}

void Bus::tell_offence(unsigned node, Offence offence, Cycle cycle) {
  offences_ = std::min(offences_ + 1, 65535u);
  guardian_.set_offender(node).set_offence(offence).set_offences(offences_);
  if (FabricObserver* const observer = core_.observer()) {
    observer->offence(id_, cycle, node, offence);
    core_.note_observer();
  }
}

void Bus::not_silent(unsigned node, Cycle cycle) {
  if ((babble_ & halted_ & 1u << node) == 0 || (reported_ >> node & 1) != 0) return;
  if (told_ == cycle) {  // after an offence of another in the same cycle
    core_.agenda().set_by(Agenda::timer(Phase::silence, node), cycle + 1);
    return;
  }
  reported_ |= 1u << node;
  tell_offence(node, Offence::not_silent, cycle);
}

}  // namespace xybus::tlm
