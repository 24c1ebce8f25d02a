// What can be wrong with one bus, its controller, and the nodes that use it.
#include <algorithm>
#include <bit>

#include "model/tlm/core.h"

namespace xybus::tlm {

using contract::Offence;

namespace {

constexpr unsigned word_bits = 8 * contract::word_bytes;

}  // namespace

// ---- Single packets -----------------------------------------------------------------------------

void Bus::aim(Record& its, const PacketFault& fault, bool late) {
  if (late) {
    // Who has heard its beginning hears it break off.
    const bool heard = !its.drop && !its.down;
    its.broken = its.broken || (fault.drop && heard);
    its.torn_off = its.torn_off || fault.drop;
  } else {
    its.drop = its.drop || fault.drop;
  }
  its.answer_drop = its.answer_drop || fault.answer_drop;
  its.answer_flips ^= fault.answer_flips;
  if (fault.duplicate && !replaying_) its.duplicate = replaying_ = true;
  if (fault.flips.empty()) return;
  alter(its);
  const contract::PacketHeader header{{its.sent[0], its.sent[1]}};
  for (const unsigned bit : fault.flips) {
    const unsigned place = flip_place(bit, header, late);
    if (place / word_bits >= its.count) continue;
    its.flips[place / word_bits] ^= 1u << place % word_bits;
    its.words[place / word_bits] ^= 1u << place % word_bits;
  }
}

// What is on the wires by now may have been cut meanwhile.
void Bus::open(Cycle cycle) {
  FabricObserver* const observer = core_.observer();
  Record& its = records_[newest_];
  const bool goes_on = its.count > opening_words || (its.cut && its.count == opening_words);
  if (observer == nullptr || !its.open || its.replayed || !goes_on) return;
  const auto& sent = its.altered ? its.sent : its.words;
  const PacketFault fault =
      observer->packet_opened(id_, cycle, its.source, {sent.data(), opening_words});
  core_.note_observer();
  if (!fault.any()) return;
  aim(its, fault, true);
  if (fault_.stuck_mask != 0) stick(its, opening_words);
}

void Bus::alter(Record& its) {
  its.tampered = true;
  if (its.altered) return;
  its.altered = true;
  its.sent = its.words;
  its.flips = {};
}

// Behind its answers the packet comes again, as its receivers saw it; nothing is granted meanwhile.
void Bus::replay(const Record& original, Cycle cycle) {
  if (original.cut || original.count == 0) return end_replay(cycle);
  Record& its = next_record(original.source, cycle + 1);
  its.replayed = its.tampered = true;
  its.words = original.words;
  its.count = original.count;
  its.last = its.start + its.count - 1;
  if (fault_.stuck_mask != 0) stick(its, 0);
  finish(its, its.last + contract::answer_delay);
  busy_cycles_ += its.count;
  free_ = its.last;
}

void Bus::end_replay(Cycle cycle) {
  replaying_ = false;
  if (((control_ | data_) & lanes()) != 0 || (babble_ & ~halted_) != 0) ask(cycle + 1);
}

// ---- The wires and the controller ---------------------------------------------------------------

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

void Bus::set_fault(const BusFault& fault, Cycle cycle) {
  const bool was_held = held();
  fault_ = fault;
  if (was_held) {
    ask(cycle);
  } else if (!idle_ && free_ != never && free_ < cycle) {
    core_.agenda().set(timer(arbitration), cycle);  // the gap may be over, or longer
  }
  Record* const its = on_wires(cycle);
  if (its == nullptr) return;
  part(*its, cycle);
  if (fault.stuck_mask != 0 || its->altered) {
    stick(*its, static_cast<unsigned>(std::max(cycle, its->start) - its->start));
  }
}

// Words from this one on are as the wires now make them.
void Bus::stick(Record& its, unsigned from) {
  alter(its);
  for (unsigned i = from; i < its.count; ++i) {
    its.words[i] = ((its.sent[i] ^ its.flips[i]) & ~fault_.stuck_mask) |
                   (fault_.stuck_value & fault_.stuck_mask);
  }
}

Nodes Bus::parted_from(unsigned source) const {
  if (fault_.partition == 0) return 0;
  return (fault_.partition >> source & 1) != 0 ? ~fault_.partition : fault_.partition;
}

void Bus::part(Record& its, Cycle cycle) {
  const Nodes far = parted_from(its.source);
  if (its.start >= cycle) {
    its.parted = far;
    return;
  }
  its.torn |= far & ~its.parted;
  its.parted |= far;
}

// The lowest of the other lanes that ask drives from the second word on, and the wires are the OR
// of both. Who is still sending at the other's last word has sent in vain.
void Bus::collide(Record& its) {
  const Nodes rogues = forge_ | hold_;
  const Nodes asking = (control_ | data_) & lanes() & ~rogues;
  if (asking == 0 || (rogues >> its.source & 1) != 0) return;
  const auto second = static_cast<unsigned>(std::countr_zero(asking));
  withdraw(second);
  std::array<std::uint32_t, max_words> words;
  Nodes tried = 0;
  const unsigned end = 1 + core_.node(second).granted(number_, words, tried);
  its.second = second;
  its.second_complete = end <= its.count;
  its.complete = its.count <= end;
  its.count = std::min(its.count, end);
  for (unsigned i = 1; i < its.count; ++i) its.words[i] |= words[i - 1];
  its.collided = its.tampered = true;
  const Cycle last = its.start + its.count - 1;
  const auto tell = [&](unsigned node, bool complete) {
    core_.node(node).answer_due(number_, last + (complete ? contract::answer_delay : 1));
  };
  tell(its.source, its.complete);
  tell(second, its.second_complete);
}

// ---- Nodes that misbehave, and the guardian -----------------------------------------------------

void Bus::halt(unsigned node, Cycle cycle) {
  halted_ |= 1u << node;
  withdraw(node);
  cut(node, cycle);
  if ((babble_ >> node & 1) != 0) {
    core_.agenda().set_by(Agenda::timer(Phase::silence, node), cycle + timing::silent_after);
  }
}

// Its noise, if it makes any, is granted again.
void Bus::restart(unsigned node, Cycle cycle) {
  halted_ &= ~(1u << node);
  reported_ &= ~(1u << node);
  if ((babble_ >> node & 1) != 0) ask(cycle);
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
