#include "model/bus_tap.h"

#include <algorithm>
#include <cassert>

namespace xybus {

namespace {

constexpr unsigned word_bits = 8 * contract::word_bytes;
constexpr unsigned header_bits = contract::header_words * word_bits;

}  // namespace

void BusTap::Aim::set(const PacketFault& fault, const contract::PacketHeader* header) {
  any = any || fault.any();
  drop = drop || fault.drop;
  answer_drop = answer_drop || fault.answer_drop;
  answer_flips ^= fault.answer_flips;
  duplicate = duplicate || fault.duplicate;
  for (const unsigned bit : fault.flips) {
    if (header != nullptr) {
      flip(flip_place(bit, *header, true));
    } else if (bit < header_bits) {
      flip(bit);
    } else {
      beyond_header.push_back(bit);
    }
  }
}

void BusTap::Aim::flip(unsigned place) {
  if (place / word_bits < max_words) mask[place / word_bits] ^= 1u << place % word_bits;
}

void BusTap::Aim::resolve(const contract::PacketHeader& header) {
  for (const unsigned bit : beyond_header) flip(flip_place(bit, header));
  beyond_header.clear();
}

// Until decide(), next_ and down_ are what was in force in this cycle.
bool BusTap::see(std::uint64_t cycle, const Wires& wires, FabricObserver* observer) {
  // A packet breaks off where its next word should be: by silence, or by the next packet.
  const bool goes_on = wires.valid && !wires.first;
  if (on_wires_ && !goes_on) close(cycle, true);
  if (announced_) begin(cycle);
  if (on_wires_ && wires.valid) {
    word(cycle, wires);
  } else if (on_wires_) {
    close(cycle, true);
  }
  bool called = report(cycle, wires.answers, observer);
  called = open(cycle, observer) || called;
  next_cycle_ = cycle + 1;
  if (wires.start) {
    announce(cycle + 1, wires.start_source, observer);
    called = called || observer != nullptr;
  }
  decide();
  return called;
}

bool BusTap::report(std::uint64_t cycle, const Answers& answers, FabricObserver* observer) {
  bool called = false;
  while (ended_ > 0 && records_[oldest_].due <= cycle) {
    Record& its = records_[oldest_];
    BusPacket& packet = its.packet;
    packet.words = {its.words.data(), its.count};
    packet.sent = {its.sent.data(), its.count};
    if (!packet.cut) {
      packet.answers = answers;
      packet.down = packet.down || down_;
      packet.parted |= parted_from(packet.source);
      packet.faulted = packet.faulted || next_.answer_drop || next_.answer_flip != 0;
    }
    oldest_ = (oldest_ + 1) % most_records;
    --ended_;
    if (replay_.on && (packet.replayed || its.aim.duplicate)) begin_copy(its, cycle);
    if (observer == nullptr) continue;
    observer->packet_answered(packet);
    called = true;
  }
  return called;
}

// Nothing else is on its way: the bus has been held since the original was announced.
void BusTap::begin_copy(const Record& original, std::uint64_t cycle) {
  const bool over = replay_.copying || original.packet.cut || original.count == 0;
  replay_.on = !over;
  replay_.copying = !over;
  if (over) return;
  assert(!announced_ && !on_wires_ && ended_ == 0);
  replay_.count = original.count;
  replay_.words = original.words;
  Record& copy = record(ended_);
  copy.aim = Aim{};
  copy.count = 0;
  copy.packet = original.packet;
  copy.packet.start_cycle = cycle + 1;
  copy.packet.answers = {};
  copy.packet.down = copy.packet.faulted = copy.packet.collided = false;
  copy.packet.parted = 0;
  copy.packet.replayed = true;
  announced_ = true;
}

std::uint32_t BusTap::parted_from(unsigned source) const {
  if (partition_ == 0) return 0;
  return (partition_ >> source & 1) != 0 ? ~partition_ : partition_;
}

// What was announced is due on the wires.
void BusTap::begin(std::uint64_t cycle) {
  Record& its = record(ended_);
  announced_ = false;
  on_wires_ = true;
  its.packet.start_cycle = cycle;
}

// A word beyond those of the longest packet is counted by time alone.
void BusTap::word(std::uint64_t cycle, const Wires& wires) {
  Record& its = record(ended_);
  const bool copy = its.packet.replayed;
  const std::uint32_t sent = copy ? wires.data : wires.sent;
  its.packet.down = its.packet.down || down_;
  its.packet.parted |= parted_from(its.packet.source);
  its.packet.collided = its.packet.collided || wires.collision;
  its.packet.faulted = its.packet.faulted || next_.drop || wires.data != sent;
  if (its.count < max_words) {
    its.sent[its.count] = sent;
    its.words[its.count++] = wires.data;
    // The length that counts is the one the sender sent.
    if (its.count == contract::header_words && its.aim.any) {
      its.aim.resolve({{its.sent[0], sent}});
    }
  }
  if (wires.last) close(cycle, false);
}

void BusTap::close(std::uint64_t cycle, bool cut) {
  Record& its = record(ended_);
  its.packet.cut = cut;
  its.packet.answer_cycle = cut ? cycle : cycle + contract::answer_delay;
  its.due = its.packet.answer_cycle;
  if (ended_ > 0) its.due = std::max(its.due, record(ended_ - 1).due);
  on_wires_ = false;
  ++ended_;
}

void BusTap::announce(std::uint64_t cycle, unsigned source, FabricObserver* observer) {
  const unsigned place = ended_ + (on_wires_ ? 1 : 0);
  assert(place < most_records);
  Record& its = record(place);
  announced_ = true;
  if (its.aim.any) its.aim = Aim{};
  its.count = 0;
  its.packet = {.bus = bus_,
                .start_cycle = cycle,
                .source = source,
                .words = {},
                .sent = {},
                .answer_cycle = 0,
                .answers = {},
                .cut = false,
                .down = false,
                .faulted = false};
  if (observer != nullptr) its.aim.set(observer->packet_started(bus_, cycle, source));
  for (const PacketFault& fault : injected_) its.aim.set(fault);
  injected_.clear();
  reserve_replay(its.aim);
}

// One copy at a time.
void BusTap::reserve_replay(Aim& aim) {
  aim.duplicate = aim.duplicate && !replay_.on;
  replay_.on = replay_.on || aim.duplicate;
}

// True: the observer was called.
bool BusTap::open(std::uint64_t cycle, FabricObserver* observer) {
  if (!on_wires_ || observer == nullptr) return false;
  Record& its = record(ended_);
  if (its.count != opening_words || its.packet.replayed) return false;
  if (!observer->wants_openings()) return false;
  const PacketFault fault = observer->packet_opened(bus_, cycle, its.packet.source,
                                                    {its.sent.data(), opening_words});
  if (fault.any()) {
    const bool repeats = its.aim.duplicate;
    const contract::PacketHeader header{{its.sent[0], its.sent[1]}};
    its.aim.duplicate = false;
    its.aim.set(fault, &header);
    reserve_replay(its.aim);
    its.aim.duplicate = its.aim.duplicate || repeats;
  }
  return true;
}

void BusTap::decide() {
  next_ = {.flip = 0, .drop = down_, .answer_drop = down_};
  if (announced_ || on_wires_) {
    // A packet that is announced follows the one on the wires without a gap.
    const Record& its = record(ended_ + (announced_ && on_wires_ ? 1 : 0));
    const unsigned at = announced_ ? 0 : its.count;
    if (its.packet.replayed && at < replay_.count) {
      next_.flip = replay_.words[at];
      next_.valid = true;
      next_.first = at == 0;
      next_.last = at + 1 == replay_.count;
    } else if (its.aim.any && at < max_words) {
      next_.flip = its.aim.mask[at];
      next_.drop = next_.drop || its.aim.drop;
    }
  }
  if (ended_ > 0) {
    const Record& its = records_[oldest_];
    if (its.aim.any && !its.packet.cut && its.due == next_cycle_) {
      next_.answer_drop = next_.answer_drop || its.aim.answer_drop;
      next_.answer_flip = its.aim.answer_flips;
    }
  }
  next_.hold = replay_.on;
  waiting_ = announced_ || on_wires_ || ended_ > 0;
}

void BusTap::inject(const PacketFault& fault) {
  injected_.push_back(fault);
}

void BusTap::set_down(bool down) {
  down_ = down;
  decide();
}

}  // namespace xybus
