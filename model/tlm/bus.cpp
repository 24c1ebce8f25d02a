#include "model/tlm/bus.h"

#include <algorithm>
#include <bit>

#include "model/crc32c.h"
#include "model/tlm/core.h"

namespace xybus::tlm {

using contract::Offence;

namespace {

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
  if (!idle_ || held()) return;
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
  if ((control | data) == 0 || held()) {
    idle_ = true;
    return;
  }
  if (free_ != never && cycle < free_ + fault_.slow) {
    return core_.agenda().set(timer(arbitration), free_ + fault_.slow);
  }
  begin(choose(control, data), cycle);
}

// ---- A packet begins ----------------------------------------------------------------------------

Bus::Record& Bus::next_record(unsigned source, Cycle start) {
  newest_ = (newest_ + 1) % records;
  Record& its = records_[newest_];
  its.source = source;
  its.from_lane = its.forged = its.drop = its.answer_drop = its.duplicate = its.replayed = false;
  its.altered = its.tampered = its.collided = its.cut = its.broken = its.torn_off = false;
  its.complete = its.open = true;
  its.start = start;
  its.down = down_;
  its.parted = parted_from(source);
  its.torn = 0;
  its.second.reset();
  its.answer_flips = 0;
  its.answers = {};
  its.not_before = last_due_;
  return its;
}

void Bus::begin(unsigned node, Cycle cycle) {
  Record& its = next_record(node, cycle + 1);
  its.from_lane = (babble_ >> node & 1) == 0;
  its.forged = its.from_lane && (forge_ >> node & 1) != 0;
  if (its.from_lane) {
    fill_from_lane(its, node);
    if (fault_.double_grant) collide(its);
  } else {
    fill_with_noise(its, node);
  }
  its.last = its.start + its.count - 1;
  if (FabricObserver* const observer = core_.observer()) {
    const PacketFault fault = observer->packet_started(id_, its.start, node);
    core_.note_observer();
    aim(its, fault);
    if (observer->wants_openings()) {
      core_.agenda().set(timer(opening), its.start + opening_words - 1);
    }
  }
  for (const PacketFault& fault : injected_) aim(its, fault);
  injected_.clear();
  if (fault_.stuck_mask != 0) stick(its, 0);

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
  free_ = end;
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

// ---- It ends ------------------------------------------------------------------------------------

void Bus::judge(unsigned slot, Cycle cycle) {
  Record& its = records_[slot];
  if (its.drop || (its.down && !its.broken)) return;
  const contract::PacketHeader header{{its.words[0], its.words[1]}};
  const std::span<const std::uint32_t> words{its.words.data(), its.count};
  const bool ends = !its.cut && !its.broken;
  // Only what was tampered with can be wrong.
  bool good = its.from_lane && !its.tampered;
  if (ends && its.tampered) good = crc32c(words.first(words.size() - 1)) == words.back();
  for (Nodes left = header.dst_mask() & core_.present() & ~halted_; left != 0; left &= left - 1) {
    const unsigned node = lowest(left);
    if ((its.parted >> node & 1) != 0) {
      if ((its.torn >> node & 1) != 0) core_.node(node).broken_off(number_);
    } else if (ends) {
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
    report(its, cycle);
  }
}

void Bus::report(Record& its, Cycle cycle) {
  if (!its.cut) answer(its);
  if (its.duplicate) replay(its, cycle);
  if (its.replayed) end_replay(cycle);
  FabricObserver* const observer = core_.observer();
  if (observer == nullptr) return;
  const auto& sent = its.altered && !its.replayed ? its.sent : its.words;
  const bool changed =
      !std::equal(sent.begin(), sent.begin() + its.count, its.words.begin());
  const bool answers_hit = its.answer_drop || its.answer_flips != 0;
  observer->packet_answered({.bus = id_,
                             .start_cycle = its.start,
                             .source = its.source,
                             .words = {its.words.data(), its.count},
                             .sent = {sent.data(), its.count},
                             .answer_cycle = its.cut ? its.last + (its.count != 0 ? 1 : 0)
                                                     : its.last + contract::answer_delay,
                             .answers = its.answers,
                             .cut = its.cut,
                             .down = its.down,
                             .faulted = its.drop || its.torn_off || changed ||
                                        (answers_hit && !its.cut),
                             .parted = its.parted,
                             .collided = its.collided,
                             .replayed = its.replayed});
  core_.note_observer();
}

// What passes of the answers, and what their senders take them for.
void Bus::answer(Record& its) {
  if (down_) its.down = true;
  const Nodes far = parted_from(its.source);
  its.parted |= far;
  if (down_ || its.answer_drop) its.answers = {};
  const Nodes near = ~halted_ & ~far;
  its.answers.accepted &= near;
  its.answers.busy &= near;
  its.answers.corrupt &= near;
  its.answers.refused &= near;
  if (!down_ && !its.answer_drop) its.answers = its.answers.flipped(its.answer_flips);
  const Answers plain = its.answers.plain();
  if (its.from_lane && its.complete) core_.node(its.source).answered(number_, plain);
  if (its.second && its.second_complete) core_.node(*its.second).answered(number_, plain);
}

Bus::Record* Bus::on_wires(Cycle cycle) {
  Record& its = records_[newest_];
  return its.open && its.start + its.count > cycle ? &its : nullptr;
}

void Bus::cut(unsigned node, Cycle cycle) {
  Record* const its = on_wires(cycle);
  if (its == nullptr || its->replayed) return;
  if (its->second == node) its->second.reset();
  if (its->source == node) end_early(*its, cycle);
}

void Bus::end_early(Record& its, Cycle cycle) {
  const Cycle first_without = std::max(cycle, its.start);
  const unsigned kept = static_cast<unsigned>(first_without - its.start);
  busy_cycles_ -= its.count - kept;
  its.count = kept;
  its.cut = true;
  its.last = kept == 0 ? its.start : first_without - 1;
  finish(its, first_without);
  if (its.second) core_.node(*its.second).answer_due(number_, first_without + 1);
  its.second.reset();
  free_ = first_without;
  core_.agenda().set(timer(arbitration), first_without);
}

}  // namespace xybus::tlm
