/// The two transmit lanes of a node with their surroundings played by the bench: node RAM, buses,
/// answers, ticks, events. The clock of the lanes can be gated as in a node.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "Vsend_lanes_32_bench.h"
#include "Vsend_lanes_64_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

struct Lanes32 {
  using Model = Vsend_lanes_32_bench;
  static constexpr unsigned data_width = 32;
};
struct Lanes64 {
  using Model = Vsend_lanes_64_bench;
  static constexpr unsigned data_width = 64;
};

template <class Width>
class TransmitLaneDriver {
 public:
  static constexpr unsigned nodes = 8, source = 3, epoch = 9;

  /// One time on a bus.
  struct Attempt {
    unsigned bus;
    std::uint64_t request_cycle, grant_cycle;
    bool control, complete;
    Beats beats;
    unsigned dst_mask() const { return static_cast<unsigned>(beats.at(0) & 0xffff); }
    bool operator==(const Attempt&) const = default;
  };
  struct Fate {
    unsigned bus, status, origin;
    std::uint64_t cycle;
    bool operator==(const Fate&) const = default;
  };

  explicit TransmitLaneDriver(const Limits& limits = {}, const PathLimits& path_limits = {},
                              bool gated = false)
      : ram(65536), gated_(gated) {
    for (auto& byte : ram) byte = 0xee;
    lanes->limits_i = limits.packed();
    lanes->path_limits_i = path_limits.packed();
    lanes->restore_i = 0;
    lanes->tick_i = 0;
    lanes->job_valid_i = lanes->grant_i = 0;
    lanes->read_block_i = 0;
    lanes->yield_i = 0;
    lanes->job_pause_i = 0;
    lanes->event_ready_i = 1;
    for (unsigned i = 0; i < 4; ++i) lanes->answers_i[i] = 0;
    lanes.reset();
  }

  /// What a destination answers to an attempt by a bus.
  std::function<contract::Answer(unsigned bus, unsigned node)> answer = [](unsigned, unsigned) {
    return contract::Answer::accepted;
  };
  /// Cycles from a request to its grant, one or more; 0 for never.
  std::function<unsigned(unsigned bus)> grant_delay = [](unsigned) { return 1U; };
  /// Cycles from tick to tick while a lane waits; 0 for none.
  unsigned tick_cycles = 0;
  bool read_block = false;
  std::vector<std::uint8_t> ram;

  std::vector<Attempt> attempts;
  std::vector<contract::EventEntry> events;
  std::vector<Fate> fates;
  std::array<Counts, 2> counts{};
  unsigned settled = 0;     // destinations reported so far
  std::uint64_t edges = 0;  // of the lanes' clock
  Clocked<typename Width::Model> lanes;

  std::uint64_t now() const { return now_; }

  /// Puts a payload into RAM at a line, with rubbish behind it, and makes the job of sending it.
  Job make_job(const Bytes& payload, unsigned destinations = 2, unsigned sequence_number = 0,
               unsigned line = 0x40) {
    for (unsigned i = 0; i < 256; ++i) {
      ram[16 * line + i] = i < payload.size() ? payload[i] : 0xee;
    }
    Job job;
    job.offer.destinations = job.left = destinations;
    job.offer.length = static_cast<unsigned>(payload.size());
    job.offer.line = line;
    job.offer.cookie = 0xc0de0000 + sequence_number;
    job.sequence_number = sequence_number;
    return job;
  }

  /// The beats of an attempt at some destinations.
  Beats beats_of(const Job& job, const Bytes& payload, unsigned destinations) const {
    contract::PacketHeader header;
    header.set_dst_mask(destinations).set_source(source).set_epoch(epoch);
    header.set_kind(job.offer.kind).set_notify(job.offer.notify).set_length(job.offer.length);
    header.set_traffic_class(job.offer.traffic_class).set_sequence_number(job.sequence_number);
    std::optional<contract::WindowWord> window;
    if (job.offer.kind != contract::PacketKind::message) {
      window.emplace();
      window->words[0] = job.offer.window;
    }
    return packet_beats(Width::data_width, header, window, payload);
  }

  bool ready(unsigned lane) {
    lanes.settle();
    return (lanes->job_ready_o >> lane & 1) != 0;
  }
  /// Gives a job to a lane that is ready, with a pause of some cycles before it.
  void give(const Job& job, unsigned lane = 0, unsigned pause = 0) {
    run_until([&] { return ready(lane); });
    job.put(lanes->job_i);
    lanes->job_valid_i = 1U << lane;
    lanes->job_pause_i = pause;
    step();
    lanes->job_valid_i = 0;
    lanes->job_pause_i = 0;
  }

  void run_until(const std::function<bool()>& condition, unsigned limit = 20000) {
    for (unsigned i = 0; !condition(); ++i) {
      if (i == limit) throw std::runtime_error("the lanes do not get there");
      step();
    }
  }
  void run_until_events(std::size_t count, unsigned limit = 20000) {
    run_until([&] { return events.size() == count; }, limit);
  }
  void run(unsigned cycles) {
    for (unsigned i = 0; i < cycles; ++i) step();
  }
  bool idle() {
    lanes.settle();
    return lanes->idle_o == 3;
  }

  /// One cycle of the lanes and everything around them.
  void step() {
    lanes->read_block_i = read_block;
    const unsigned requests = lanes->request_control_o | lanes->request_data_o;
    tick_ = requests != 0 && tick_cycles != 0 ? tick_ + 1 : 0;
    lanes->tick_i = tick_cycles != 0 && tick_ == tick_cycles;
    if (lanes->tick_i != 0) tick_ = 0;
    lanes.settle();
    const bool read = lanes->read_take_o != 0;
    const unsigned address = lanes->read_address_o;
    for (unsigned b = 0; b < 2; ++b) watch(b);
    settled |= lanes->settled_o & 0xffff;
    settled |= lanes->settled_o >> 16;
    // Gated: no edge when nothing is under way and nothing comes from outside.
    const bool wake = !gated_ || lanes->busy_o != 0 || lanes->job_valid_i != 0 ||
                      lanes->grant_i != 0 || lanes->tick_i != 0 || lanes->restore_i != 0 ||
                      lanes->rst_ni == 0;
    if (wake) {
      lanes.tick();
      ++edges;
    }
    ++now_;
    for (unsigned i = 0; i < 4 && wake; ++i) {
      // Outside of its cycle the port shows what others read.
      std::uint32_t word = 0xdeadbeef;
      if (read) {
        word = 0;
        for (unsigned k = 0; k < 4; ++k) {
          word |= std::uint32_t{ram[16 * address + 4 * i + k]} << 8 * k;
        }
      }
      lanes->read_data_i[i] = word;
    }
    for (unsigned b = 0; b < 2; ++b) drive(b);
    lanes.settle();
  }

  /// Takes the grant away.
  void cut(unsigned b) { buses_[b].cut = true; }

 private:
  struct Bus {
    bool granted = false, granted_next = false, control = false, cut = false;
    unsigned waited = 0, delay = 0, answer_in = 0;
    std::uint64_t request_cycle = 0;
    std::size_t attempt = 0;
  };

  void watch(unsigned b) {
    Bus& bus = buses_[b];
    bool ends = false;
    if (bus.granted) {
      Attempt& attempt = attempts[bus.attempt];
      if ((lanes->valid_o >> b & 1) == 0) {
        ends = true;
      } else {
        std::uint64_t beat = 0;
        if constexpr (Width::data_width == 32) {
          beat = static_cast<std::uint32_t>(lanes->data_o >> 32 * b);
        } else {
          beat = lanes->data_o[2 * b] | std::uint64_t{lanes->data_o[2 * b + 1]} << 32;
        }
        attempt.beats.push_back(beat);
        if ((lanes->last_o >> b & 1) != 0) {
          ends = attempt.complete = true;
          bus.answer_in = 2;
        }
      }
    }
    // In the cycle of its grant a lane still asks; that grant was for this.
    const bool cut = std::exchange(bus.cut, false);
    if (ends || cut) bus.granted = false;
    const bool control = (lanes->request_control_o >> b & 1) != 0;
    const bool request = control || (lanes->request_data_o >> b & 1) != 0;
    if (request && bus.waited == 0) {
      bus.request_cycle = now_;
      bus.delay = grant_delay(b);
    }
    bus.waited = request ? bus.waited + 1 : 0;
    bus.granted_next = request && bus.delay != 0 && bus.waited >= bus.delay && !bus.granted && !cut;
    bus.control = control;
    if ((lanes->event_valid_o >> b & 1) != 0 && lanes->event_ready_i != 0) {
      contract::EventEntry event;
      for (unsigned i = 0; i < 4; ++i) event.words[i] = lanes->event_o[4 * b + i];
      events.push_back(event);
    }
    if ((lanes->fate_valid_o >> b & 1) != 0) {
      fates.push_back({b, lanes->fate_status_o >> 4 * b & 0xfU, lanes->fate_origin_o >> 2 * b & 3U,
                       now_});
    }
    add_counts(counts[b], lanes->counts_o >> 16 * b);
  }

  void drive(unsigned b) {
    Bus& bus = buses_[b];
    if (bus.granted_next) {
      bus.attempt = attempts.size();
      attempts.push_back({b, bus.request_cycle, now_, bus.control, false, {}});
      bus.granted = true;
      bus.granted_next = false;
      bus.waited = 0;
    }
    lanes->grant_i = (lanes->grant_i & ~(1U << b)) | std::uint32_t{bus.granted} << b;
    const bool now = bus.answer_in != 0 && --bus.answer_in == 0;
    // Other nodes answer too, and mean nothing; outside the slot it is somebody else's.
    std::uint64_t planes = 0x5a5aa5a53c3cc3c3;
    if (now) {
      const unsigned mask = attempts[bus.attempt].dst_mask();
      for (unsigned node = 0; node < 16; ++node) {
        if ((mask >> node & 1) == 0) continue;
        for (unsigned plane = 0; plane < 4; ++plane) planes &= ~(1ULL << (16 * plane + node));
        const auto given = static_cast<unsigned>(answer(b, node));
        if (given != 0) planes |= 1ULL << (16 * (given - 1) + node);
      }
    }
    lanes->answers_i[2 * b] = static_cast<std::uint32_t>(planes);
    lanes->answers_i[2 * b + 1] = static_cast<std::uint32_t>(planes >> 32);
  }

  bool gated_;
  std::uint64_t now_ = 0;
  unsigned tick_ = 0;
  std::array<Bus, 2> buses_{};
};

}  // namespace xybus::bench
