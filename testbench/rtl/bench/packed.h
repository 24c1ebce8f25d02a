/// The packed structures of xybus_pkg, as Verilator shows them at a port: first field on top.
#pragma once

#include <verilated.h>

#include <array>
#include <cstdint>

#include "contract/contract.h"
#include "rtl/bench/path_limits.h"

namespace xybus::bench {

/// Bits of a wide port.
template <class Port>
void put_bits(Port& port, unsigned lsb, unsigned width, std::uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = lsb + i;
    port[at / 32] = (port[at / 32] & ~(1U << at % 32)) |
                    static_cast<std::uint32_t>(value >> i & 1) << at % 32;
  }
}
template <class Port>
std::uint64_t get_bits(const Port& port, unsigned lsb, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = lsb + i;
    value |= std::uint64_t{port[at / 32] >> at % 32 & 1} << i;
  }
  return value;
}

/// origin_e: who posted a packet.
enum class Origin : unsigned { ring, write, serve };

/// offer_t: a packet that asks to be sent.
struct Offer {
  static constexpr unsigned width = 179;
  Origin origin = Origin::ring;
  contract::Route route = contract::Route::any;
  contract::TrafficClass traffic_class = contract::TrafficClass::data;
  contract::PacketKind kind = contract::PacketKind::message;
  bool notify = false;
  unsigned destinations = 2;
  unsigned length = 0;
  unsigned line = 0;
  std::uint32_t window = 0;
  std::uint64_t request = 0;
  std::uint32_t cookie = 0;
  bool operator==(const Offer&) const = default;

  template <class Port>
  void put(Port& port, unsigned lsb = 0) const {
    put_bits(port, lsb, 32, cookie);
    put_bits(port, lsb + 32, 64, request);
    put_bits(port, lsb + 96, 32, window);
    put_bits(port, lsb + 128, 16, line);
    put_bits(port, lsb + 144, 9, length);
    put_bits(port, lsb + 153, 16, destinations);
    put_bits(port, lsb + 169, 1, notify);
    put_bits(port, lsb + 170, 4, static_cast<unsigned>(kind));
    put_bits(port, lsb + 174, 1, static_cast<unsigned>(traffic_class));
    put_bits(port, lsb + 175, 2, static_cast<unsigned>(route));
    put_bits(port, lsb + 177, 2, static_cast<unsigned>(origin));
  }
  template <class Port>
  static Offer get(const Port& port, unsigned lsb = 0) {
    Offer offer;
    offer.cookie = static_cast<std::uint32_t>(get_bits(port, lsb, 32));
    offer.request = get_bits(port, lsb + 32, 64);
    offer.window = static_cast<std::uint32_t>(get_bits(port, lsb + 96, 32));
    offer.line = static_cast<unsigned>(get_bits(port, lsb + 128, 16));
    offer.length = static_cast<unsigned>(get_bits(port, lsb + 144, 9));
    offer.destinations = static_cast<unsigned>(get_bits(port, lsb + 153, 16));
    offer.notify = get_bits(port, lsb + 169, 1) != 0;
    offer.kind = static_cast<contract::PacketKind>(get_bits(port, lsb + 170, 4));
    offer.traffic_class = static_cast<contract::TrafficClass>(get_bits(port, lsb + 174, 1));
    offer.route = static_cast<contract::Route>(get_bits(port, lsb + 175, 2));
    offer.origin = static_cast<Origin>(get_bits(port, lsb + 177, 2));
    return offer;
  }
};

/// job_t: a packet on its way through a transmit lane, as it starts, or is parked and nothing of it
/// is lost or was busy.
struct Job {
  Offer offer;
  unsigned sequence_number = 0;
  unsigned left = 2;
  unsigned unsure = 0;
  unsigned busy = 0;   // answers so far
  unsigned moves = 0;
  bool operator==(const Job&) const = default;

  template <class Port>
  void put(Port& port) const {
    put_bits(port, 0, 3, moves);
    put_bits(port, 3, 16, busy);
    put_bits(port, 19, 20, 0);  // status, missed
    put_bits(port, 39, 16, unsure);
    put_bits(port, 55, 16, left);
    put_bits(port, 71, 16, sequence_number);
    offer.put(port, 87);
  }
  template <class Port>
  static Job get(const Port& port) {
    return {Offer::get(port, 87), static_cast<unsigned>(get_bits(port, 71, 16)),
            static_cast<unsigned>(get_bits(port, 55, 16)),
            static_cast<unsigned>(get_bits(port, 39, 16)),
            static_cast<unsigned>(get_bits(port, 3, 16)),
            static_cast<unsigned>(get_bits(port, 0, 3))};
  }
};

/// limits_t: when to give up.
struct Limits {
  unsigned busy = 64, grant_ticks = 100;
  std::uint32_t packed() const { return busy << 9 | grant_ticks; }
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
  count_denied,
  count_moved,
  count_received,
  count_stored,
  count_served,
  count_duplicate,
  count_crc_error,
  count_refused,
  count_malformed,
  count_violation,
  count_broken_off,
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
