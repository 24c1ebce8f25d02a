/// What one node's RAM must hold.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xybus::bench {

/// A copy of node RAM that follows every write there is a reason for: by the CPU, or by the engine
/// as an event, a received payload or a transfer tells. A byte that differs was written without.
class RamShadow {
 public:
  RamShadow(unsigned node, std::span<std::uint8_t> ram)
      : node_(node), ram_(ram), expected_(ram.begin(), ram.end()) {}

  /// What RAM holds now.
  std::span<const std::uint8_t> at(std::uint32_t address, std::size_t bytes) const {
    return ram_.subspan(address, bytes);
  }
  /// The CPU writes.
  void store(std::uint32_t address, std::span<const std::uint8_t> bytes);
  /// These bytes have been written, by whomever.
  void expect(std::uint32_t address, std::span<const std::uint8_t> bytes);
  /// What is there is as good as anything.
  void accept(std::uint32_t address, std::size_t bytes) { expect(address, at(address, bytes)); }
  /// Some of these bytes have been written, the others not; throws when one is neither.
  void accept_part(std::uint32_t address, std::span<const std::uint8_t> bytes);
  /// What the CPU writes goes into this RAM, too.
  void mirror(std::span<std::uint8_t> ram) { mirror_ = ram; }
  /// Throws when RAM holds anything else.
  void check() const;

 private:
  unsigned node_;
  std::span<std::uint8_t> ram_;
  std::span<std::uint8_t> mirror_{};
  std::vector<std::uint8_t> expected_;
};

}  // namespace xybus::bench
