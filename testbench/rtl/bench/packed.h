/// The packed structures of xybus_pkg, as Verilator shows them at a port: first field on top.
#pragma once

#include <verilated.h>

#include <array>
#include <cstdint>

#include "contract/contract.h"

namespace xybus::bench {

/// job_t: a packet on its way through a transmit lane.
struct Job {
  contract::PacketHeader header;
  unsigned destination = 0;
  unsigned line = 0;
  std::uint32_t cookie = 0;
  bool operator==(const Job&) const = default;

  template <class Port>
  void put(Port& port) const {
    port[0] = header.words[0];
    port[1] = header.words[1];
    port[2] = destination | line << 4 | cookie << 20;
    port[3] = cookie >> 12;
  }
  template <class Port>
  static Job get(const Port& port) {
    Job job;
    job.header.words = {port[0], port[1]};
    job.destination = port[2] & 0xf;
    job.line = port[2] >> 4 & 0xffff;
    job.cookie = port[2] >> 20 | port[3] << 12;
    return job;
  }
};

/// limits_t: when to give up.
struct Limits {
  unsigned busy = 0, no_answer = 2, corrupt = 4, grant = 1000;
  std::uint64_t packed() const {
    return busy | std::uint64_t{no_answer} << 16 | std::uint64_t{corrupt} << 24 |
           std::uint64_t{grant} << 32;
  }
};

/// bus_wires_t: one word on a bus.
struct Wires {
  bool valid = false, first = false, last = false;
  std::uint32_t data = 0;
  std::uint64_t packed() const {
    return data | std::uint64_t{last} << 32 | std::uint64_t{first} << 33 |
           std::uint64_t{valid} << 34;
  }
};

/// counts_t: bit numbers of the counter pulses.
enum Count : unsigned {
  count_sent,
  count_accepted,
  count_busy,
  count_corrupt,
  count_no_answer,
  count_received,
  count_duplicate,
  count_crc_error,
  count_refused,
  count_malformed,
  count_kinds
};

/// How often each counter pulsed.
using Counts = std::array<unsigned, count_kinds>;
inline void add_counts(Counts& counts, std::uint32_t pulses) {
  for (unsigned i = 0; i < count_kinds; ++i) counts[i] += pulses >> i & 1;
}

template <class Port>
contract::EventEntry get_event(const Port& port) {
  contract::EventEntry entry;
  for (unsigned i = 0; i < 4; ++i) entry.words[i] = port[i];
  return entry;
}

}  // namespace xybus::bench
