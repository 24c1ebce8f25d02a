#include "model/bus_tap.h"

#include <cassert>
#include <utility>

namespace xybus {

namespace {

constexpr unsigned word_bits = 8 * contract::word_bytes;
constexpr unsigned header_bits = contract::header_words * word_bits;

}  // namespace

void BusTap::Aim::set(const PacketFault& fault) {
  any = any || fault.drop || fault.answer_drop || !fault.flips.empty();
  drop = drop || fault.drop;
  answer_drop = answer_drop || fault.answer_drop;
  for (const unsigned bit : fault.flips) {
    if (bit < header_bits) {
      mask[bit / word_bits] ^= 1u << bit % word_bits;
    } else {
      beyond_header.push_back(bit - header_bits);
    }
  }
}

void BusTap::Aim::resolve(std::uint32_t header_1) {
  contract::PacketHeader header{};
  header.words[1] = header_1;
  const unsigned payload_words =
      (header.length() + contract::word_bytes - 1) / contract::word_bytes;
  const unsigned bits = (payload_words + contract::crc_words) * word_bits;
  for (const unsigned bit : beyond_header) {
    const unsigned at = header_bits + bit % bits;
    if (at / word_bits < max_words) mask[at / word_bits] ^= 1u << at % word_bits;
  }
  beyond_header.clear();
}

// Until decide(), next_ and down_ are what was in force in this cycle.
bool BusTap::see(std::uint64_t cycle, const Wires& wires, FabricObserver* observer) {
  bool called = false;
  if (answer_due_) called = answer(cycle, wires.answers, observer);
  if (wires.valid) word(cycle, wires);
  announced_ = false;
  if (wires.start) {
    announce(cycle + 1, wires.start_source, observer);
    called = called || observer != nullptr;
  }
  decide();
  return called;
}

bool BusTap::answer(std::uint64_t cycle, std::uint32_t answers, FabricObserver* observer) {
  answer_due_ = false;
  packet_.words = {words_.data(), count_};
  packet_.answer_cycle = cycle;
  packet_.answers = answers;
  packet_.down = packet_.down || down_;
  packet_.faulted = packet_.faulted || next_.answer_drop;
  if (observer == nullptr) return false;
  observer->packet_answered(packet_);
  return true;
}

void BusTap::word(std::uint64_t cycle, const Wires& wires) {
  if (wires.first) {
    if (aim_.any) aim_ = Aim{};
    if (announced_aim_.any) std::swap(aim_, announced_aim_);
    packet_ = {.bus = bus_,
               .start_cycle = cycle,
               .source = announced_source_,
               .words = {},
               .answer_cycle = 0,
               .answers = 0,
               .down = false,
               .faulted = false};
    count_ = 0;
    on_wires_ = true;
  }
  // The controller bounds every packet; a word outside of one is none of ours.
  if (!on_wires_ || count_ == max_words) return;
  words_[count_++] = wires.data;
  packet_.down = packet_.down || down_;
  packet_.faulted = packet_.faulted || next_.drop || next_.flip != 0;
  // The length that counts is the one the sender sent.
  if (count_ == contract::header_words && aim_.any) aim_.resolve(wires.data ^ next_.flip);
  if (wires.last) {
    on_wires_ = false;
    answer_due_ = true;
  }
}

void BusTap::announce(std::uint64_t cycle, unsigned source, FabricObserver* observer) {
  announced_ = true;
  announced_source_ = source;
  if (announced_aim_.any) announced_aim_ = Aim{};
  if (observer != nullptr) announced_aim_.set(observer->packet_started(bus_, cycle, source));
  for (const PacketFault& fault : injected_) announced_aim_.set(fault);
  injected_.clear();
}

void BusTap::decide() {
  next_ = {.flip = 0, .drop = down_, .answer_drop = down_};
  if (announced_) {
    if (announced_aim_.any) {
      next_.flip = announced_aim_.mask[0];
      next_.drop = next_.drop || announced_aim_.drop;
    }
  } else if (on_wires_ && aim_.any && count_ < max_words) {
    next_.flip = aim_.mask[count_];
    next_.drop = next_.drop || aim_.drop;
  }
  if (answer_due_ && aim_.any) next_.answer_drop = next_.answer_drop || aim_.answer_drop;
  waiting_ = announced_ || answer_due_ || on_wires_;
}

void BusTap::inject(const PacketFault& fault) {
  injected_.push_back(fault);
}

void BusTap::set_down(bool down) {
  down_ = down;
  decide();
}

}  // namespace xybus
