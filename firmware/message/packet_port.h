/// The driver of the message engine: posts packets, and takes what the engine reports.
///
/// Everything it uses lies in node RAM and is bounded: rings, receive slots, packet buffers. Each
/// packet has a buffer of its own until the engine is through with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/environment.h"
#include "firmware/message/event_ring.h"
#include "firmware/message/send_ring.h"

namespace xybus {

/// How node RAM is divided. Entries, descriptors and slots are powers of two.
struct PortConfig {
  std::uint32_t ram_offset = 0;       ///< First byte of node RAM to use; a multiple of 16.
  unsigned event_entries = 128;       ///< 8 to 32768.
  unsigned send_descriptors = 128;    ///< In each send ring; at least 32, up to 32768.
  unsigned receive_slots = 16;        ///< For each bus, 1 to 32768.
  unsigned control_buffers = 48;      ///< For control packets, at least 1.
  unsigned data_buffers = 32;         ///< For data packets, at least 1.
};

/// A packet that came. The payload lies in a receive slot and is gone after the call.
struct ReceivedPacket {
  unsigned source = 0;
  unsigned epoch = 0;
  contract::TrafficClass traffic_class{};
  std::span<const std::byte> payload;
};

/// A packet that has met its fate. The payload is what was posted.
struct SentPacket {
  unsigned destination = 0;
  contract::TrafficClass traffic_class{};
  contract::SendStatus status{};
  bool heartbeat = false;
  std::uint32_t cookie = 0;
  unsigned resends = 0;  ///< How often it was posted again before.
  std::span<const std::byte> payload;
};

/// What to do with a packet that has met its fate: free its buffer, or post it once more.
enum class SentVerdict { release, resend };

/// A free packet buffer: 256 bytes on a line of node RAM.
struct PacketBuffer {
  std::uint16_t index = 0;
  std::span<std::byte> bytes;
};

class PacketPort {
 public:
  /// Who is told. Called at interrupt level; may allocate, post and ring the doorbells.
  class Client {
   public:
    virtual ~Client() = default;
    virtual void received(const ReceivedPacket& packet) = 0;
    virtual SentVerdict sent(const SentPacket& packet) = 0;
    /// A few events were taken, and given back to the engine: time to post what waited.
    virtual void batch_done() = 0;
  };

  /// Throws std::invalid_argument when the configuration is out of range.
  PacketPort(Environment& environment, const PortConfig& config, Client& client);

  /// Sets the engine up and switches it on; std::invalid_argument when node RAM is too small.
  /// `epoch` 0 to 15 goes into every header.
  void start(unsigned epoch);

  /// A buffer for a packet of this class; none when all are in use.
  std::optional<PacketBuffer> allocate(contract::TrafficClass traffic_class);

  /// Posts the first `length` bytes of a buffer, in the class it was allocated for. Always takes
  /// it: a packet that finds the ring full waits here, in order.
  void post(const PacketBuffer& buffer, unsigned destination, std::uint32_t length,
            std::uint32_t cookie);

  /// Posts an I'm-alive packet, which needs no buffer and finds room in the ring when other
  /// packets do not any more. False, and nothing posted, while the last one to that CPU is on its
  /// way still.
  bool post_heartbeat(unsigned destination);

  /// Tells the engine what was posted; at most one register write for each ring.
  void ring_doorbells();

  /// Takes events until there are none, at most a ring full; the interrupt handler.
  void service();

  /// Lets the engine try both paths to a CPU again.
  void raise_paths(unsigned cpu);
  /// Lets it try again the one path that is down to each CPU of `mask`. Where both are down, a
  /// packet has ended `unreachable`, and what that means is not for this to undo.
  void raise_failed_paths(std::uint32_t mask);

  /// Bytes of node RAM in use, from `ram_offset` on.
  std::uint32_t ram_bytes() const { return ram_bytes_; }

 private:
  using TrafficClass = contract::TrafficClass;

  /// What is known of the packet in a buffer.
  struct Packet {
    TrafficClass traffic_class{};
    unsigned destination = 0;
    std::uint32_t address = 0;
    std::uint32_t length = 0;
    std::uint32_t cookie = 0;
    unsigned resends = 0;
  };

  /// One traffic class: its ring, its free buffers, and packets that wait for the ring.
  struct Lane {
    SendRing ring;
    std::vector<std::uint16_t> free_buffers;
    std::vector<std::uint16_t> waiting;  // circular, as long as there are buffers
    std::size_t waiting_first = 0;
    std::size_t waiting_count = 0;
  };

  /// Receive slots of one bus.
  struct Slots {
    std::span<std::byte> memory;
    std::uint32_t address = 0;
    std::uint32_t taken = 0;  // free-running, as are slots given back
    std::uint32_t given_back = 0;
  };

  Lane& lane(TrafficClass traffic_class) { return lanes_[static_cast<unsigned>(traffic_class)]; }
  std::span<std::byte> buffer_bytes(std::uint16_t index) const;
  void lay_out();
  std::span<std::byte> carve(std::uint32_t& offset, std::uint32_t bytes) const;
  void start_slots();
  void add_buffers(TrafficClass traffic_class, unsigned count);
  void wait_for_ring(std::uint16_t index);
  void fill_rings();
  void post_descriptor(Lane& lane, unsigned destination, std::uint32_t address,
                       std::uint32_t length, std::uint32_t cookie);
  bool take_event();
  void take_received(const contract::EventEntry& event);
  void take_sent(const contract::EventEntry& event);
  void take_heartbeat_sent(const contract::EventEntry& event, unsigned destination);
  void give_back();

  Environment& environment_;
  const PortConfig config_;
  Client& client_;
  EventRing events_;
  std::array<Lane, 2> lanes_;
  std::array<Slots, 2> slots_;
  std::vector<Packet> packets_;  // by buffer
  std::span<std::byte> buffers_;
  std::uint32_t buffers_address_ = 0;
  std::uint32_t heartbeat_address_ = 0;
  std::array<bool, contract::max_nodes> heartbeat_posted_{};
  std::uint32_t ram_bytes_ = 0;
};

}  // namespace xybus
