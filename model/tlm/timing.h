/// How many cycles the steps of the hardware take, as far as the contract does not say it. Each was
/// found by running the same traffic on the RTL and comparing the cycles in which packets start
/// and events appear.
#pragma once

#include <cstdint>

namespace xybus::tlm {

using Cycle = std::uint64_t;

/// No such cycle.
inline constexpr Cycle never = ~Cycle{0};

namespace timing {

/// From a CPU's request to the effect of a register access, and to its end.
inline constexpr Cycle register_effect = 2;
inline constexpr Cycle register_access = 3;
/// The end of an access to node RAM through the port, when the engine leaves it alone.
inline constexpr Cycle ram_access = 4;

/// From a doorbell, or from the taking of the descriptor before, to a descriptor in front.
inline constexpr Cycle fetch = 2;
/// Payload of the packet just handed over is read before the next descriptor.
inline constexpr Cycle fetch_behind_payload = 3;
/// From a descriptor in front, a lane free, or room in the event ring to the scheduler's choice.
inline constexpr Cycle choose = 1;
/// From the choice to the request, which the bus may grant in the same cycle.
inline constexpr Cycle load = 1;
/// From the answer slot to its evaluation, from there to the next attempt or its pause.
inline constexpr Cycle decide = 1;
inline constexpr Cycle weigh = 1;
inline constexpr Cycle again = 1;
/// A lane that makes way is free so long after it was asked to.
inline constexpr Cycle withdraw = 2;
/// The pause after a busy answer, and the longest; it doubles. And what comes on top of it.
inline constexpr Cycle pause = 16;
inline constexpr Cycle pause_end = 1;
inline constexpr Cycle longest_pause = 1024;

/// From a transfer in front of the data ring to the offer of its first packet; from the taking of a
/// packet to the offer of the next.
inline constexpr Cycle transfer = 4;
/// A read asks for its own window first.
inline constexpr Cycle own_window = 2;
inline constexpr Cycle segment = 3;
/// From the end of a transfer's last packet to its event, beside `event`.
inline constexpr Cycle transfer_end = 2;
/// And to the taking of the next transfer.
inline constexpr Cycle next_transfer = 2;
/// From the verdict on a read packet to the offer of the first packet that serves it.
inline constexpr Cycle serve = 5;

/// From a verdict to the first line in node RAM; a line takes a cycle.
inline constexpr Cycle deliver = 1;
/// From the last line to the event in node RAM; and for a packet sent from its decision, beside it.
inline constexpr Cycle event = 1;
inline constexpr Cycle sent = 1;

/// A node that asks for a bus so long after its halt is reported.
inline constexpr Cycle silent_after = 5;

}  // namespace timing
}  // namespace xybus::tlm
