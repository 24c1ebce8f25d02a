/// The numbers of packets between this CPU and another: each is delivered once, and in its place.
///
/// A packet that met an uncertain fate is posted again under its number, and so may come twice, and
/// after others that were posted later. Numbers have 8 bits, and begin at 0 with each incarnation
/// of either CPU. What is new never gets further than `sequence_window` ahead of what is not
/// accepted yet; so a packet that comes lies less than that ahead of the next one, or at most that
/// behind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/message/packet_port.h"

namespace xybus {

/// Packets to one CPU that may be on their way at the same time. The engine has one at a time on
/// the bus for each destination; the others cover the time until software sees that it is through.
inline constexpr unsigned sequence_window = 8;

/// What this CPU has sent to one other, and does not know to be there yet.
class SendSequence {
 public:
  enum class Stage : std::uint8_t { none, posted, waiting };

  struct Packet {
    PacketBuffer buffer;
    std::uint32_t length = 0;
    std::uint32_t cookie = 0;
    contract::LinkOperation operation{};
    Stage stage = Stage::none;
    bool unsure = false;  ///< It may have been delivered.
  };

  /// Whether no packet can be added before others are accepted.
  bool full() const { return size() == sequence_window; }
  /// Numbers from the first that is not accepted on.
  unsigned size() const { return static_cast<std::uint8_t>(next_ - oldest_); }
  /// The number of the packet that is added next.
  std::uint8_t next() const { return next_; }

  /// A packet was posted under the next number. Not when full.
  void add(const PacketBuffer& buffer, std::uint32_t length, std::uint32_t cookie,
           contract::LinkOperation operation);
  /// The posted packet in that buffer; nullptr when it was posted before `clear`.
  Packet* find(std::uint8_t number, const PacketBuffer& buffer);

  /// The fate of a packet that is posted. One that failed waits.
  void accepted(Packet& packet);
  void failed(Packet& packet, bool unsure);
  /// One that waited is posted again.
  void posted_again(Packet& packet);

  unsigned posted() const { return posted_; }
  unsigned waiting() const { return waiting_; }

  /// Calls `act` with each packet that waits, in order of their numbers, while it gives true.
  template <class Act>
  void each_waiting(Act act) {
    for (std::uint8_t number = oldest_; waiting_ != 0 && number != next_; ++number) {
      Packet& packet = at(number);
      if (packet.stage == Stage::waiting && !act(packet)) return;
    }
  }

  /// Forgets all, and begins with number 0.
  void clear() { *this = {}; }

 private:
  Packet& at(std::uint8_t number) { return packets_[number % sequence_window]; }

  std::array<Packet, sequence_window> packets_{};
  std::uint8_t oldest_ = 0;  // not accepted yet; or next_
  std::uint8_t next_ = 0;
  std::uint8_t posted_ = 0;
  std::uint8_t waiting_ = 0;
};

/// What has come from one CPU.
class ReceiveSequence {
 public:
  /// Where a packet belongs that comes: it is the next; before that others have to come; it was
  /// here already; its sender has taken for accepted what never came, which only false answers can
  /// do; or no sender like this one would have sent it now.
  enum class Place { next, ahead, seen, beyond, astray };

  /// Takes the memory for packets that have to wait.
  ReceiveSequence();

  Place place(std::uint8_t number) const;
  /// The next one was delivered, or will never come.
  void advance() { ++next_; }
  /// Keeps a copy of one that is ahead. False if there is one of that number.
  bool keep(std::uint8_t number, std::span<const std::byte> payload);
  bool any_kept() const { return kept_ != 0; }
  /// The kept packet that is the next now; empty if there is none. It stays where it is until
  /// as many others as fit have been delivered.
  std::span<const std::byte> take_kept();

  /// Forgets all, and begins with number 0.
  void clear();

 private:
  std::span<std::byte> slot(std::uint8_t number);

  std::vector<std::byte> memory_;
  std::array<std::uint16_t, sequence_window> lengths_{};
  std::uint8_t next_ = 0;
  std::uint8_t kept_ = 0;  // bit n: number n, counted modulo the window
};

}  // namespace xybus
