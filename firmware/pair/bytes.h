/// Words, handles and counted bytes in a row, as pairs send them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "firmware/filesystem/file_types.h"
#include "firmware/message/wire.h"
#include "firmware/process/wire_handle.h"

namespace xybus {

/// Appends to a message. Everything begins on a whole word.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& to) : to_(to) {}

  /// Room for `count` bytes, zeros so far; until the next call.
  std::span<std::byte> room(std::size_t count) {
    constexpr std::size_t word = contract::word_bytes;
    const std::size_t at = to_.size();
    to_.resize(at + (count + word - 1) / word * word);
    return std::span(to_).subspan(at, count);
  }
  void put(std::uint32_t value) { store_word(value, room(contract::word_bytes)); }
  void put64(std::uint64_t value) {
    put(static_cast<std::uint32_t>(value));
    put(static_cast<std::uint32_t>(value >> 32));
  }
  void put(const ProcessHandle& handle) { store_handle(handle, room(handle_bytes)); }
  void put(const OpenId& open) {
    put(open.opener);
    put(std::uint32_t{open.file});
  }
  /// With their number in front.
  void put(std::span<const std::byte> bytes) {
    put(static_cast<std::uint32_t>(bytes.size()));
    const auto at = room(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) at[i] = bytes[i];
  }

 private:
  std::vector<std::byte>& to_;
};

/// Takes from the front of a message what ByteWriter has put there; once there is too little it
/// gives zeros, and is not whole.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> from) : rest_(from) {}

  bool whole() const { return whole_; }
  /// Bytes that are left.
  std::size_t left() const { return rest_.size(); }
  /// Whole, and nothing is left.
  bool done() const { return whole_ && rest_.empty(); }

  std::span<const std::byte> take(std::size_t count) {
    constexpr std::size_t word = contract::word_bytes;
    if (count > rest_.size() || (count + word - 1) / word * word > rest_.size()) {
      whole_ = false;
      return {};
    }
    const auto front = rest_.first(count);
    rest_ = rest_.subspan((count + word - 1) / word * word);
    return front;
  }
  std::uint32_t number() {
    const auto front = take(contract::word_bytes);
    return front.empty() ? 0 : load_word(front);
  }
  std::uint64_t number64() {
    const std::uint64_t low = number();
    return low | std::uint64_t{number()} << 32;
  }
  ProcessHandle handle() {
    const auto front = take(handle_bytes);
    return front.empty() ? ProcessHandle{} : load_handle(front);
  }
  OpenId open() {
    const ProcessHandle opener = handle();
    return {opener, static_cast<std::uint16_t>(number())};
  }
  /// In the message itself.
  std::span<const std::byte> bytes() { return take(number()); }

 private:
  std::span<const std::byte> rest_;
  bool whole_ = true;
};

}  // namespace xybus
