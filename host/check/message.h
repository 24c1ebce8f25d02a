/// What the checks know a message by, and the bytes it must carry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace xybus {

enum class Direction : std::uint8_t { request, reply };

/// One request or its reply. `from` is the requestor's CPU and `to` the server's, in both
/// directions; numbers go up by one from 0 for each requestor process and workload.
struct MessageId {
  std::uint16_t workload = 0;  ///< its place in the scenario
  std::uint8_t from = 0;
  std::uint8_t to = 0;
  Direction direction = Direction::request;
  std::uint32_t number = 0;
  std::uint8_t requestor = 0;  ///< which process on CPU `from`; 0 where a workload has but one
};

/// What travels as the tag of a message's link: with several requestors numbers end at
/// most_numbers.
constexpr std::uint32_t tag_of(const MessageId& id) {
  return std::uint32_t{id.requestor} << 24 | id.number;
}
inline constexpr std::uint32_t most_numbers = 1U << 24;

/// "CPU 2 -> CPU 5, request 17 of workload 0"; "request 17 of requestor 3 of workload 0"
std::string describe(const MessageId& id);

/// Bytes that are not what was sent.
struct Mismatch {
  std::size_t offset = 0;  ///< of the first wrong byte
  std::size_t count = 0;   ///< wrong bytes in all
  /// Up to 8 bytes from `offset` on, in hexadecimal.
  std::string expected, actual;
};

/// The contents of every message of a run, made from its seed: two ends that agree on seed and
/// MessageId agree on every byte, and no two messages are alike.
class Content {
 public:
  explicit Content(std::uint64_t seed);

  /// Writes the message's bytes.
  void fill(const MessageId& id, std::span<std::byte> bytes) const;

  /// Compares bytes with the message's; nothing when they are equal.
  std::optional<Mismatch> verify(const MessageId& id, std::span<const std::byte> bytes) const;

  /// Compares bytes with those of the message from `offset` on.
  std::optional<Mismatch> verify_part(const MessageId& id, std::size_t offset,
                                      std::span<const std::byte> bytes) const;

 private:
  std::uint64_t key(const MessageId& id) const;
  std::uint64_t seed_;
};

}  // namespace xybus
