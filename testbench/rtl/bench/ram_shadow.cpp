#include "rtl/bench/ram_shadow.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace xybus::bench {

void RamShadow::store(std::uint32_t address, std::span<const std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), ram_.begin() + address);
  if (!mirror_.empty()) std::copy(bytes.begin(), bytes.end(), mirror_.begin() + address);
  expect(address, bytes);
}

void RamShadow::expect(std::uint32_t address, std::span<const std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), expected_.begin() + address);
}

void RamShadow::accept_part(std::uint32_t address, std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t is = ram_[address + i];
    if (is != bytes[i] && is != expected_[address + i]) {
      throw std::runtime_error(fmt::format(
          "node {}: RAM at {:#x} holds {:#04x}, neither the old {:#04x} nor the new {:#04x}", node_,
          address + i, is, expected_[address + i], bytes[i]));
    }
    expected_[address + i] = is;
  }
}

void RamShadow::check() const {
  const auto wrong = std::mismatch(ram_.begin(), ram_.end(), expected_.begin());
  if (wrong.first == ram_.end()) return;
  throw std::runtime_error(fmt::format("node {}: RAM at {:#x} holds {:#04x} instead of {:#04x}",
                                       node_, wrong.first - ram_.begin(), *wrong.first,
                                       *wrong.second));
}

}  // namespace xybus::bench
