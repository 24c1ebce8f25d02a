/// A transmit lane with its surroundings played by the bench: node RAM, bus, answers, events.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <vector>

#include "Vtransmit_lane_bench.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/packet.h"
#include "rtl/bench/random.h"

namespace xybus::bench {

class TransmitLaneDriver {
 public:
  /// One time on the bus.
  struct Attempt {
    std::uint64_t request_cycle, grant_cycle;
    bool control;
    Words words;
  };

  explicit TransmitLaneDriver(const Limits& limits = {}) : ram(65536) {
    lane->limits_i = limits.packed();
    lane->event_ready_i = 1;
    lane->job_valid_i = lane->move_valid_i = lane->move_ready_i = 0;
    lane->other_path_down_i = 0;
    lane->read_ready_i = lane->grant_i = 0;
    lane->answers_i = 0;
    lane.reset();
  }

  /// What the destination answers to the next attempts; afterwards it accepts.
  std::deque<contract::Answer> answers;
  /// Cycles from a request to its grant, one or more; 0 for never.
  unsigned grant_delay = 1;
  /// Cycles that the read port lets a request wait.
  std::function<unsigned()> read_delay = [] { return 0U; };
  std::vector<std::uint8_t> ram;

  std::vector<Attempt> attempts;
  std::vector<contract::EventEntry> events;  // as they were taken
  std::uint64_t last_event_cycle = 0;
  unsigned path_failed = 0;                  // pulses
  std::uint32_t failed_mask = 0;
  Counts counts{};
  Clocked<Vtransmit_lane_bench> lane;

  /// Puts a payload into RAM, with rubbish behind it, and makes the job of sending it.
  Job make_job(const Bytes& payload, unsigned destination = 1, unsigned sequence_number = 0,
               contract::TrafficClass traffic_class = contract::TrafficClass::data) {
    const unsigned line = 0x40;
    for (unsigned i = 0; i < 256; ++i) {
      ram[16 * line + i] = i < payload.size() ? payload[i] : 0xee;
    }
    Job job;
    job.header = message_header(3, destination, static_cast<unsigned>(payload.size()),
                                sequence_number, traffic_class);
    job.destination = destination;
    job.line = line;
    job.cookie = 0xc0de0000 + sequence_number;
    return job;
  }

  /// Offers a job until the lane takes it.
  void give(const Job& job) {
    for (;;) {
      lane.settle();
      if (lane->job_ready_o != 0) break;
      step();
    }
    job.put(lane->job_i);
    lane->job_valid_i = 1;
    step();
    lane->job_valid_i = 0;
  }

  void run_until(const std::function<bool()>& condition, unsigned limit = 5000) {
    for (unsigned i = 0; !condition(); ++i) {
      if (i == limit) throw std::runtime_error("the lane does not get there");
      step();
    }
  }
  void run_until_events(std::size_t count) {
    run_until([&] { return events.size() == count; });
  }

  /// One cycle of the lane and everything around it.
  void step() {
    lane.settle();
    const bool read = serve_read();
    if (lane->grant_i != 0) {
      attempts.back().words.push_back(lane->data_o);
      answer_in_ = --words_left_ == 0 ? 2 : 0;
    }
    const bool request = (lane->request_control_o | lane->request_data_o) != 0;
    if (request && waited_ == 0) request_cycle_ = lane.cycle();
    waited_ = request ? waited_ + 1 : 0;
    granted_next_ = request && grant_delay != 0 && waited_ == grant_delay && words_left_ == 0;
    control_ = lane->request_control_o != 0;
    words_ = lane->words_o;
    if (lane->event_valid_o != 0 && lane->event_ready_i != 0) {
      events.push_back(get_event(lane->event_o));
      last_event_cycle = lane.cycle();
    }
    if (lane->path_failed_o != 0) {
      ++path_failed;
      failed_mask |= lane->path_failed_o;
    }
    add_counts(counts, lane->counts_o);
    const unsigned address = lane->read_address_o;
    lane.tick();
    for (unsigned i = 0; i < 4; ++i) {
      // Outside of its cycle the port shows what others read.
      std::uint32_t word = 0xdeadbeef;
      if (read) {
        word = 0;
        for (unsigned k = 0; k < 4; ++k) {
          word |= std::uint32_t{ram[16 * address + 4 * i + k]} << 8 * k;
        }
      }
      lane->read_data_i[i] = word;
    }
    drive_bus();
    drive_answer();
  }

 private:
  void drive_bus() {
    if (granted_next_) {
      attempts.push_back({request_cycle_, lane.cycle(), control_, {}});
      words_left_ = words_;
      granted_next_ = false;
      waited_ = 0;
    }
    lane->grant_i = words_left_ != 0;
  }

  void drive_answer() {
    lane->answers_i = 0;
    if (answer_in_ == 0 || --answer_in_ != 0) return;
    contract::Answer answer = contract::Answer::accepted;
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    contract::PacketHeader header;
    header.words = {attempts.back().words[0], attempts.back().words[1]};
    // Other nodes answer too, and mean nothing.
    lane->answers_i = 0x9c9c9c9c;
    for (unsigned node = 0; node < 16; ++node) {
      if ((header.dst_mask() >> node & 1) == 0) continue;
      lane->answers_i = (lane->answers_i & ~(3U << 2 * node)) |
                        static_cast<std::uint32_t>(answer) << 2 * node;
    }
  }

  bool serve_read() {
    if (lane->read_valid_o == 0) {
      lane->read_ready_i = 0;
      pending_ = false;
      return false;
    }
    if (!pending_) {
      pending_ = true;
      delay_ = read_delay();
    }
    lane->read_ready_i = delay_ == 0;
    if (delay_ == 0) pending_ = false;
    else --delay_;
    return lane->read_ready_i != 0;
  }

  unsigned words_left_ = 0, words_ = 0;
  unsigned waited_ = 0;
  std::uint64_t request_cycle_ = 0;
  bool granted_next_ = false, control_ = false;
  unsigned answer_in_ = 0;
  bool pending_ = false;
  unsigned delay_ = 0;
};

}  // namespace xybus::bench
