#include "rtl/bench/wire_faults.h"

#include <algorithm>

namespace xybus::bench {

void WireFaults::invert(Bus& bus, unsigned bit) {
  bus.flips.push_back({bit / data_width_, std::uint64_t{1} << bit % data_width_});
}

void WireFaults::decide(unsigned number, unsigned source) {
  Bus& bus = bus_[number];
  bus.beat = 0;
  bus.flips.clear();
  bus.flipped = false;
  bus.drop_from = ~0U;
  if (script) {
    // A bit of the second header word: every packet has it, and it changes no destination.
    constexpr unsigned any_bit = 40;
    const Fault fault = script(number, source);
    bus.answer_drop = fault == Fault::answer_drop;
    if (fault == Fault::drop) bus.drop_from = 0;
    if (fault == Fault::flip) invert(bus, any_bit);
    return;
  }
  bus.answer_drop = random_.once_in(odds_.answer_drop);
  if (random_.once_in(odds_.drop)) bus.drop_from = 0;
  if (random_.once_in(odds_.cut)) bus.drop_from = random_.below(odds_.span);
  if (random_.once_in(odds_.flip)) {
    const unsigned count = 1 + random_.below(5);
    // The same bit twice would be none.
    std::vector<unsigned> bits;
    while (bits.size() < count) {
      const unsigned bit = random_.below(odds_.span * data_width_);
      if (std::find(bits.begin(), bits.end(), bit) == bits.end()) bits.push_back(bit);
    }
    for (const unsigned bit : bits) invert(bus, bit);
  } else if (random_.once_in(odds_.burst)) {
    const unsigned first = random_.below(odds_.span * data_width_), length = 1 + random_.below(32);
    for (unsigned i = 0; i < length; ++i) {
      if (i == 0 || i + 1 == length || random_.once_in(2)) invert(bus, first + i);
    }
  }
  if (bus.answer_drop || bus.drop_from != ~0U || !bus.flips.empty()) ++hit_;
}

void WireFaults::apply(const FabricOutputs& now, FabricInputs& inputs) {
  for (unsigned b = 0; b < 2; ++b) {
    Bus& bus = bus_[b];
    const BusOutputs& wires = now.bus[b];
    bus.answer_due.back() = wires.valid && wires.last && bus.answer_drop;
    inputs.answer_drop[b] = bus.dead || bus.answer_due.front();
    std::shift_left(bus.answer_due.begin(), bus.answer_due.end(), 1);
    const bool beat_follows = wires.start || (wires.valid && !wires.last);
    if (wires.start) decide(b, wires.start_source);
    inputs.flip[b] = 0;
    inputs.drop[b] = bus.dead || (beat_follows && bus.beat >= bus.drop_from);
    if (!beat_follows) continue;
    for (const Flip& flip : bus.flips) {
      if (flip.beat == bus.beat) inputs.flip[b] |= flip.bits;
    }
    if (inputs.flip[b] != 0 && !bus.flipped) {
      bus.flipped = true;
      ++flipped_;
    }
    ++bus.beat;
  }
}

}  // namespace xybus::bench
