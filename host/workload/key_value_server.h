/// A server of a replicated map, and its messages.
///
/// A request is four fields: what to do, the key, the value expected (of a swap) and the new one
/// (of a write and a swap). The reply: the value that was found, and whether it has been replaced.
/// A read changes nothing, so nothing of it goes to the backup; neither does a swap that found
/// another value.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "check/key_history.h"
#include "firmware/pair/paired_server.h"

namespace xybus {

struct MapRequest {
  static constexpr std::size_t bytes = 24;
  KeyOperation::Kind kind = KeyOperation::read;
  std::uint32_t key = 0;
  std::uint64_t expected = 0, value = 0;

  void store(std::span<std::byte> to) const;
  static MapRequest load(std::span<const std::byte> from);
};

struct MapReply {
  static constexpr std::size_t bytes = 12;
  std::uint64_t found = 0;
  bool replaced = false;

  void store(std::span<std::byte> to) const;
  static MapReply load(std::span<const std::byte> from);
};

/// Errors: `bounds` (no such request, or no such key).
class MapServer : public PairedServer {
 public:
  /// Every value is 0 at first.
  MapServer(Guardian& guardian, Options options, std::uint32_t keys);

 protected:
  Task<Decision> decide(const ServerRequest& request) override;
  void apply(std::span<const std::byte> change) override;
  std::vector<std::byte> save() const override;
  bool load(std::span<const std::byte> state) override;

 private:
  std::vector<std::uint64_t> values_;  // by key
  std::vector<std::byte> change_;
  std::array<std::byte, MapReply::bytes> reply_{};
};

}  // namespace xybus
