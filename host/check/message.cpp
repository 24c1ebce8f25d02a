#include "check/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "random/random.h"

namespace xybus {
namespace {

// Eight bytes at a time, least significant first on every host.
std::uint64_t little_endian(std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::little) return word;
  return __builtin_bswap64(word);
}

std::byte byte_at(std::uint64_t key, std::size_t offset) {
  const std::uint64_t word = mix64(key + (offset / 8 + 1) * golden);
  return static_cast<std::byte>(word >> (8 * (offset % 8)));
}

}  // namespace

std::string describe(const MessageId& id) {
  const std::string requestor =
      id.requestor != 0 ? fmt::format("of requestor {} ", id.requestor) : "";
  return fmt::format("CPU {} -> CPU {}, {} {} {}of workload {}",
                     id.direction == Direction::request ? id.from : id.to,
                     id.direction == Direction::request ? id.to : id.from,
                     id.direction == Direction::request ? "request" : "reply to request",
                     id.number, requestor, id.workload);
}

Content::Content(std::uint64_t seed) : seed_(mix64(seed + golden) ^ hash_name("content")) {}

std::uint64_t Content::key(const MessageId& id) const {
  const std::uint64_t who = std::uint64_t{id.workload} << 32 | std::uint64_t{id.from} << 24 |
                            std::uint64_t{id.to} << 16 | std::uint64_t{id.requestor} << 8 |
                            static_cast<std::uint64_t>(id.direction);
  return mix64(mix64(seed_ ^ who) + id.number * golden);
}

void Content::fill(const MessageId& id, std::span<std::byte> bytes) const {
  std::uint64_t counter = key(id);
  std::size_t offset = 0;
  for (; offset + 8 <= bytes.size(); offset += 8) {
    const std::uint64_t word = little_endian(mix64(counter += golden));
    std::memcpy(bytes.data() + offset, &word, 8);
  }
  const std::uint64_t word = little_endian(mix64(counter + golden));
  std::memcpy(bytes.data() + offset, &word, bytes.size() - offset);
}

std::optional<Mismatch> Content::verify(const MessageId& id,
                                        std::span<const std::byte> bytes) const {
  const std::uint64_t start = key(id);
  std::uint64_t counter = start;
  std::uint64_t wrong = 0;
  std::size_t offset = 0;
  for (; offset + 8 <= bytes.size(); offset += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + offset, 8);
    wrong |= word ^ little_endian(mix64(counter += golden));
  }
  for (; offset < bytes.size(); ++offset) {
    wrong |= static_cast<std::uint64_t>(bytes[offset] ^ byte_at(start, offset));
  }
  if (wrong == 0) return std::nullopt;
  return verify_part(id, 0, bytes);
}

std::optional<Mismatch> Content::verify_part(const MessageId& id, std::size_t offset,
                                             std::span<const std::byte> bytes) const {
  const std::uint64_t start = key(id);
  Mismatch mismatch;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == byte_at(start, offset + at)) continue;
    if (mismatch.count++ == 0) mismatch.offset = offset + at;
  }
  if (mismatch.count == 0) return std::nullopt;
  const std::size_t end = std::min(offset + bytes.size(), mismatch.offset + 8);
  for (std::size_t at = mismatch.offset; at < end; ++at) {
    mismatch.expected += fmt::format("{:02x}", byte_at(start, at));
    mismatch.actual += fmt::format("{:02x}", bytes[at - offset]);
  }
  return mismatch;
}

}  // namespace xybus
