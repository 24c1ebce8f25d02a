/// The receiving half of a node, with buses, node RAM and events played by the bench.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include "Vreceive_side_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/packet.h"

namespace xybus::bench {

class ReceiveSideDriver {
 public:
  static constexpr unsigned node = 5;
  static constexpr unsigned slots = 4;
  static constexpr unsigned base[2] = {0x100, 0x200};  // lines

  ReceiveSideDriver() : ram(65536, 0xcc) {
    side->node_i = node;
    for (unsigned b = 0; b < 2; ++b) {
      side->slot_base_i[b] = base[b];
      side->slot_mask_i[b] = slots - 1;
      side->slot_head_i[b] = 0;
      side->wires_i[b] = 0;
    }
    side->write_ready_i = 0;
    side->event_ready_i = 3;
    side->room_i = 1;
    side.reset();
  }

  /// Words on the wires of a bus, one a cycle, `first` on the first and `last` on the last; gives
  /// back the answer in its slot, and checks that there is silence before it.
  contract::Answer send(unsigned bus, const Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto before = step(bus, {true, i == 0, i + 1 == words.size(), words[i]});
      // The slot of the packet before lies on the first word of this one.
      if (i != 0 && before != contract::Answer::none) {
        throw std::runtime_error("an answer before its slot");
      }
    }
    return answer(bus);
  }

  /// One cycle with this word on a bus; gives back the answer that was on its wires in it.
  contract::Answer step(unsigned bus, const Wires& wires) {
    side->wires_i[bus] = wires.packed();
    const contract::Answer before = answer(bus);
    step();
    side->wires_i[bus] = 0;
    return before;
  }

  /// One cycle of both lanes, their RAM port and their events.
  void step() {
    side.settle();
    const std::uint32_t valid = side->write_valid_o;
    // One write a cycle, X first: the worst that lane Y must bear.
    side->write_ready_i = port_busy ? 0 : valid & (~valid + 1);
    side.settle();
    for (unsigned b = 0; b < 2; ++b) {
      if ((side->write_ready_i >> b & 1) != 0) store(side->write_address_o[b], b);
      if ((side->event_valid_o & side->event_ready_i) >> b & 1) {
        events.push_back(get_event(side->event_o[b]));
      }
      add_counts(counts[b], side->counts_o[b]);
      accepted += side->accept_o >> b & 1;
    }
    side.tick();
    side->write_ready_i = 0;
    side.settle();
  }
  void steps(unsigned count) {
    for (unsigned i = 0; i < count; ++i) step();
  }

  contract::Answer answer(unsigned bus) const {
    return static_cast<contract::Answer>(const_cast<ReceiveSideDriver*>(this)->side->answer_o[bus]);
  }
  /// What lies in a slot.
  Bytes slot(unsigned bus, unsigned number, std::size_t length) const {
    const auto* begin = ram.data() + 16 * base[bus] + 256 * (number % slots);
    return {begin, begin + length};
  }
  void give_back(unsigned bus, unsigned head) { side->slot_head_i[bus] = head; }

  std::vector<std::uint8_t> ram;
  std::vector<unsigned> written;  // lines
  std::vector<contract::EventEntry> events;
  std::array<Counts, 2> counts{};
  unsigned accepted = 0;
  bool port_busy = false;
  Clocked<Vreceive_side_bench> side;

 private:
  void store(unsigned line, unsigned bus) {
    written.push_back(line);
    for (unsigned i = 0; i < 16; ++i) {
      ram[16 * line + i] =
          static_cast<std::uint8_t>(side->write_data_o[bus][i / 4] >> 8 * (i % 4));
    }
  }
};

}  // namespace xybus::bench
