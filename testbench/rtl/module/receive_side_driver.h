/// The receiving half of a node, with buses, windows, node RAM and events played by the bench.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "Vreceive_side_32_bench.h"
#include "Vreceive_side_64_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

/// The widths that a bus can have.
struct Narrow {
  using Model = Vreceive_side_32_bench;
  static constexpr unsigned width = 32;
};
struct Wide {
  using Model = Vreceive_side_64_bench;
  static constexpr unsigned width = 64;
};

/// One beat on a bus.
struct Beat {
  bool valid = false, first = false, last = false;
  std::uint64_t data = 0;
};

/// lookup_t: what a lane asks about a window.
struct Lookup {
  contract::WindowWord place;
  unsigned length = 0, peer = 0;
  bool write = false, own = false;
  static Lookup get(std::uint64_t port) {
    return {{{static_cast<std::uint32_t>(port)}}, static_cast<unsigned>(port >> 32 & 0xfffff),
            static_cast<unsigned>(port >> 52 & 0xf), (port >> 56 & 1) != 0, (port >> 57 & 1) != 0};
  }
};

/// read_take_t: a remote read that was accepted.
struct ReadTake {
  contract::ReadRequest request;
  contract::WindowWord window;
  unsigned source = 0, bus = 0;
};

template <class Bus>
class ReceiveSideDriver {
 public:
  static constexpr unsigned width = Bus::width;
  static constexpr unsigned node = 5;
  static constexpr unsigned slots = 4;
  static constexpr unsigned base[2] = {0x100, 0x200};  // lines
  static constexpr unsigned window_line = 0x400;       // where offset 0 of every window is

  ReceiveSideDriver() : ram(65536, 0xcc) {
    side->node_i = node;
    for (unsigned b = 0; b < 2; ++b) {
      give_back(b, 0);
      put(b, {});
    }
    side->post_i = 0;
    side->lookup_reply_i = 0;
    side->lookup_ready_i = 0;
    side->write_ready_i = 0;
    side->event_ready_i = 1;
    side->read_room_i = 1;
    side->room_i = 1;
    side.reset();
  }

  /// Beats of a packet, one a cycle; gives back the answer in its slot, and checks that there is
  /// silence before it.
  contract::Answer send(unsigned bus, const Beats& beats) {
    for (std::size_t i = 0; i < beats.size(); ++i) {
      // The slot of the packet before may lie on the first beats of this one.
      if (i > 1 && answer(bus) != contract::Answer::none) {
        throw std::runtime_error("an answer before its slot");
      }
      step(bus, {true, i == 0, i + 1 == beats.size(), beats[i]});
    }
    step();
    return answer(bus);
  }

  void step(unsigned bus, const Beat& beat) {
    put(bus, beat);
    step();
  }

  /// One cycle of both lanes, with what has been put on the wires.
  void step() {
    if (gated && !(side->busy_o != 0 || stimulus_)) {
      end_of_cycle();
      return;
    }
    ++clocks;
    side.settle();
    serve_lookups();
    side->write_ready_i = port_busy ? 0 : 1;
    side.settle();
    if (side->write_valid_o != 0 && side->write_ready_i != 0) store();
    if (side->event_valid_o != 0 && side->event_ready_i != 0) {
      events.push_back(get_event(side->event_o));
    }
    for (unsigned b = 0; b < 2; ++b) {
      add_counts(counts[b], side->counts_o[b]);
      claims += side->claim_o >> b & 1;
      if ((side->read_take_valid_o >> b & 1) != 0) take_read(side->read_take_o[b]);
    }
    side.tick();
    side.settle();
    end_of_cycle();
  }
  void steps(unsigned count) {
    for (unsigned i = 0; i < count; ++i) step();
  }

  /// The answer on a bus's wires in this cycle.
  contract::Answer answer(unsigned bus) {
    const auto bit = [bus](unsigned port) { return port >> bus & 1; };
    switch (bit(side->accepted_o) << 3 | bit(side->busy_answer_o) << 2 |
            bit(side->corrupt_o) << 1 | bit(side->refused_o)) {
      case 0: return contract::Answer::none;
      case 1: return contract::Answer::refused;
      case 2: return contract::Answer::corrupt;
      case 4: return contract::Answer::busy;
      case 8: return contract::Answer::accepted;
      default: throw std::runtime_error("more than one answer");
    }
  }
  bool busy() { return side->busy_o != 0; }
  bool idle() { return side->idle_o != 0; }
  unsigned tail(unsigned bus) { return side->receive_tail_o[bus]; }

  /// For the next cycle: a beat on a bus; a window that the CPU posts or closes.
  void put(unsigned bus, const Beat& beat) {
    const unsigned valid = beat.valid ? 4 : 0, first = beat.first ? 2 : 0, last = beat.last ? 1 : 0;
    side->strobes_i[bus] = valid | first | last;
    using Port = std::remove_reference_t<decltype(side->data_i[bus])>;
    side->data_i[bus] = static_cast<Port>(beat.data);
    stimulus_ |= beat.valid && beat.first && (beat.data >> node & 1) != 0;
  }
  void post(unsigned window) {
    side->post_i = std::uint64_t{1} << 58 | std::uint64_t{window} << 50 | 0x3ffff;
    stimulus_ = true;
  }
  /// The clock runs in the next cycle, whatever the lanes need.
  void wake() { stimulus_ = true; }
  void give_back(unsigned bus, unsigned head) {
    (bus == 0 ? side->slots_x_i : side->slots_y_i) =
        head | std::uint64_t{slot_count - 1} << 16 | std::uint64_t{base[bus]} << 32;
  }

  Bytes bytes(unsigned line, std::size_t length) const {
    const auto* begin = ram.data() + 16 * line;
    return {begin, begin + length};
  }
  /// What lies in a slot.
  Bytes slot(unsigned bus, unsigned number, std::size_t length) const {
    return bytes(base[bus] + 16 * (number % slot_count), length);
  }

  std::vector<std::uint8_t> ram;
  std::vector<unsigned> written;  // lines
  std::vector<contract::EventEntry> events;
  std::vector<ReadTake> reads;
  std::vector<Lookup> lookups;
  std::array<Counts, 2> counts{};
  unsigned slot_count = slots;  // at most 16; counts with the next give_back
  unsigned claims = 0, clocks = 0;
  bool port_busy = false;
  bool allowed = true;     // the window table's answer to everything
  bool serve_y = true;      // it serves lane Y at all
  bool x_is_asked = false;  // lane X has the table in every cycle in which lane Y first asks
  bool gated = false;       // the clock stands still when nothing needs it
  Clocked<typename Bus::Model> side;

 private:
  /// One question a cycle, X first. Between replies there is noise.
  void serve_lookups() {
    const unsigned asked = side->lookup_valid_o;
    unsigned served = asked & (~asked + 1);
    if ((served & 2) != 0 && (!serve_y || (x_is_asked && !y_waited_))) served = 0;
    y_waited_ = (asked & 2) != 0 && (served & 2) == 0;
    side->lookup_ready_i = served;
    replied_ = std::nullopt;
    if (served != 0) {
      replied_ = Lookup::get(side->lookup_o[served >> 1]);
      lookups.push_back(*replied_);
    }
  }

  void end_of_cycle() {
    stimulus_ = false;
    side->post_i = 0;
    for (unsigned b = 0; b < 2; ++b) put(b, {});
    const unsigned noise = noise_.word() & 0x1ffffff;
    side->lookup_reply_i =
        replied_ ? static_cast<unsigned>(allowed) << 24 | (noise & 0xff0000) |
                       (window_line + replied_->place.offset())
                 : noise;
    replied_ = std::nullopt;
    side->write_ready_i = 0;
    side.settle();
  }

  void store() {
    const unsigned line = side->write_address_o;
    written.push_back(line);
    for (unsigned i = 0; i < 16; ++i) {
      if ((side->write_bytes_o >> i & 1) == 0) continue;
      ram[16 * line + i] = static_cast<std::uint8_t>(side->write_data_o[i / 4] >> 8 * (i % 4));
    }
  }

  template <class Port>
  void take_read(const Port& port) {
    ReadTake take;
    take.request.words = {port[0], port[1]};
    take.window.words = {port[2]};
    take.source = port[3] & 0xf;
    take.bus = port[3] >> 4 & 1;
    reads.push_back(take);
  }

  Random noise_{17};
  std::optional<Lookup> replied_;
  bool y_waited_ = false;
  bool stimulus_ = false;
};

}  // namespace xybus::bench
