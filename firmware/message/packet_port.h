/// The driver of the message engine: posts packets, and takes what the engine reports.
///
/// Everything it uses lies in node RAM and is bounded: rings, receive slots, packet buffers,
/// windows. Each packet has a buffer of its own until the engine is through with it. Packets go by
/// the control ring, transfers by the data ring.
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
#include "firmware/message/transfer_ring.h"

namespace xybus {

/// How node RAM is divided. Entries, descriptors and slots are powers of two.
struct PortConfig {
  std::uint32_t ram_offset = 0;       ///< First byte of node RAM to use; a multiple of 16.
  unsigned event_entries = 128;       ///< 8 to 32768.
  unsigned send_descriptors = 128;    ///< In each send ring; at least 32, up to 32768.
  unsigned receive_slots = 16;        ///< For each bus, 1 to 32768.
  unsigned packet_buffers = 48;       ///< At least 1.
  /// Staging buffers for large messages: as many as the rest of node RAM has room for, up to this.
  unsigned windows = contract::windows;  ///< 2 to contract::windows.
  std::uint32_t window_bytes = 8192;  ///< Of each: a multiple of 256. On all CPUs the same.
};

/// A packet that came. The payload lies in a receive slot and is gone after the call.
struct ReceivedPacket {
  unsigned source = 0;
  unsigned epoch = 0;
  std::span<const std::byte> payload;
  contract::BusId bus{};
};

/// A packet buffer: 256 bytes on a line of node RAM.
struct PacketBuffer {
  std::uint16_t index = 0;
  std::span<std::byte> bytes;
};

/// A packet that has met its fate. The payload is what was posted.
struct SentPacket {
  unsigned destination = 0;
  contract::SendStatus status{};
  std::uint32_t cookie = 0;
  PacketBuffer buffer;
  std::span<const std::byte> payload;
};

/// What becomes of the buffer of a packet that has met its fate: it is free, or the client has it
/// still, to post it again or release it.
enum class SentVerdict { release, keep };

class PacketPort {
 public:
  /// Who is told. Called at interrupt level; may allocate, post and ring the doorbells.
  class Client {
   public:
    virtual ~Client() = default;
    virtual void received(const ReceivedPacket& packet) = 0;
    virtual SentVerdict sent(const SentPacket& packet) = 0;
    /// The membership packet of that bus has met its fate: CPUs of `to`, but for those of
    /// `missed`, have it.
    virtual void membership_sent(contract::BusId bus, std::uint32_t to, std::uint32_t missed) = 0;
    /// The transfer that a window was lent for has met its fate.
    virtual void transfer_sent(WindowNumber number, contract::SendStatus status) = 0;
    /// A transfer has come into a window: `bytes` of it, from its front on.
    virtual void stored(WindowName window, std::uint32_t bytes) = 0;
    /// What CPU `reader` wanted to read from a window here, into its `window`, it will not get.
    virtual void read_failed(unsigned reader, WindowName window, contract::SendStatus status) = 0;
    /// A few events were taken, and given back to the engine: time to post what waited.
    virtual void batch_done() = 0;
  };

  /// Busy answers to a packet before the engine gives it up. They take about 2,000 cycles with
  /// their pauses: no packet may stand in the control ring for long, in front of I'm-alives.
  static constexpr std::uint32_t busy_limit = 8;

  /// Throws std::invalid_argument when the configuration is out of range.
  PacketPort(Environment& environment, const PortConfig& config, Client& client);

  /// Sets the engine up and switches it on; std::invalid_argument when node RAM is too small.
  /// `epoch` 0 to 15 goes into every header.
  void start(unsigned epoch);

  /// A buffer for a packet; none when all are in use.
  std::optional<PacketBuffer> allocate();
  unsigned free_buffers() const { return static_cast<unsigned>(free_buffers_.size()); }
  /// Gives back a buffer that is not posted.
  void release(const PacketBuffer& buffer) { free_buffers_.push_back(buffer.index); }

  /// Posts the first `length` bytes of a buffer. Always takes it: a packet that finds the ring full
  /// waits here, in order.
  void post(const PacketBuffer& buffer, unsigned destination, std::uint32_t length,
            std::uint32_t cookie);

  /// Posts a membership packet to CPUs of `to`, this one too if wanted, by that bus whatever the
  /// state of its paths. It needs no buffer, and finds room in the ring when other packets do not
  /// any more. False, and nothing posted, while the last one of that bus is on its way still, or
  /// the descriptor that comes next is: they end in any order.
  bool post_membership(contract::BusId bus, std::uint32_t to,
                       const contract::MembershipPacket& packet);

  /// Tells the engine what was posted; at most one register write for each ring.
  void ring_doorbells();

  /// Takes events until there are none, at most a ring full; the interrupt handler.
  void service();

  /// Lets the engine try both paths to a CPU again.
  void raise_paths(unsigned cpu);
  /// The same if both are down; else somebody did so already, and one is being tried.
  void raise_if_both_down(unsigned cpu);
  /// Raises those paths of a bus to CPUs of `mask` that are down: they have been seen to work.
  void raise_paths_of(contract::BusId bus, std::uint32_t mask);

  /// Transfers, and the windows they go by.
  TransferRing& transfers() { return transfers_; }
  const TransferRing& transfers() const { return transfers_; }

  /// Remote accesses that the engine refused: late ones, to windows that are closed.
  std::uint64_t violations() const { return violations_; }

  /// Bytes of node RAM in use, from `ram_offset` on.
  std::uint32_t ram_bytes() const { return ram_bytes_; }

 private:
  /// What is known of the packet in a buffer.
  struct Packet {
    unsigned destination = 0;
    std::uint32_t address = 0;
    std::uint32_t length = 0;
    std::uint32_t cookie = 0;
  };

  /// Receive slots of one bus.
  struct Slots {
    std::span<std::byte> memory;
    std::uint32_t address = 0;
    std::uint32_t taken = 0;  // free-running, as are slots given back
    std::uint32_t given_back = 0;
  };

  std::span<std::byte> buffer_bytes(std::uint16_t index) const;
  void lay_out(unsigned epoch);
  void lay_out_windows(std::uint32_t& offset, unsigned epoch);
  std::span<std::byte> carve(std::uint32_t& offset, std::uint32_t bytes) const;
  void start_slots();
  void add_buffers();
  void wait_for_ring(std::uint16_t index);
  void fill_ring();
  void post_descriptor(contract::SendDescriptor descriptor, std::uint32_t cookie);
  bool take_event();
  void take_received(const contract::EventEntry& event);
  void take_sent(const contract::EventEntry& event);
  void take_packet_sent(const contract::EventEntry& event);
  void take_membership_sent(const contract::EventEntry& event, contract::BusId bus);
  void take_stored(const contract::EventEntry& event);
  void take_read_failed(const contract::EventEntry& event);
  void give_back();

  Environment& environment_;
  const PortConfig config_;
  Client& client_;
  EventRing events_;
  SendRing ring_;
  TransferRing transfers_;
  std::array<Slots, 2> slots_;
  std::vector<std::uint16_t> free_buffers_;
  std::vector<std::uint16_t> waiting_;  // for the ring; circular, as long as there are buffers
  std::size_t waiting_first_ = 0;
  std::size_t waiting_count_ = 0;
  std::vector<Packet> packets_;  // by buffer
  std::span<std::byte> buffers_;
  std::uint32_t buffers_address_ = 0;
  std::uint32_t membership_address_ = 0;  // a packet for each bus
  std::array<bool, 2> membership_posted_{};
  std::uint32_t ram_bytes_ = 0;
  std::uint64_t violations_ = 0;
};

}  // namespace xybus
