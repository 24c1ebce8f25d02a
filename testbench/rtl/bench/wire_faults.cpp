#include "rtl/bench/wire_faults.h"

namespace xybus::bench {

void WireFaults::decide(Bus& bus) {
  bus.word = 0;
  bus.flip_word = bus.drop_from = ~0U;
  bus.flip = 0;
  bus.answer_drop = random_.once_in(odds_.answer_drop);
  if (random_.once_in(odds_.drop)) bus.drop_from = 0;
  // Where a packet is shorter than the place, nothing happens.
  if (random_.once_in(odds_.cut)) bus.drop_from = random_.below(20);
  if (random_.once_in(odds_.flip)) {
    bus.flip_word = random_.below(20);
    for (unsigned i = 0; i < 1 + random_.below(3); ++i) bus.flip |= 1U << random_.below(32);
  }
  bus.touched = bus.dead || bus.answer_drop || bus.drop_from != ~0U || bus.flip_word != ~0U;
  if (bus.touched) ++hit_;
}

void WireFaults::apply(const FabricOutputs& now, FabricInputs& inputs) {
  for (unsigned b = 0; b < 2; ++b) {
    Bus& bus = bus_[b];
    const BusOutputs& wires = now.bus[b];
    // The answers to a packet are on the wires in the cycle behind its last word.
    inputs.answer_drop[b] = bus.dead || (wires.valid && wires.last && bus.answer_drop);
    const bool word_follows = wires.start || (wires.valid && !wires.last);
    if (wires.start) decide(bus);
    inputs.flip[b] = word_follows && bus.word == bus.flip_word ? bus.flip : 0;
    inputs.drop[b] = bus.dead || (word_follows && bus.word >= bus.drop_from);
    if (word_follows) ++bus.word;
    bus.touched = bus.touched || bus.dead;
  }
}

}  // namespace xybus::bench
