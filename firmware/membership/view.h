/// A view: the CPUs that have agreed to be a machine together, and the rule of who may agree.
#pragma once

#include <bit>
#include <cstdint>

#include "contract/contract.h"

namespace xybus {

/// One bit for each CPU.
using CpuMask = std::uint32_t;

constexpr CpuMask bit_of(unsigned cpu) { return 1U << cpu; }
constexpr bool has(CpuMask mask, unsigned cpu) { return (mask >> cpu & 1U) != 0; }
/// The lowest CPU of a mask that is not empty.
constexpr unsigned lowest(CpuMask mask) { return static_cast<unsigned>(std::countr_zero(mask)); }
constexpr CpuMask all_cpus(unsigned cpus) { return (1U << cpus) - 1; }

/// Incarnations of all CPUs, 0 to 15 each.
class Epochs {
 public:
  constexpr Epochs() = default;
  constexpr Epochs(std::uint32_t low, std::uint32_t high)
      : packed_(std::uint64_t{high} << 32 | low) {}

  constexpr unsigned of(unsigned cpu) const {
    return static_cast<unsigned>(packed_ >> 4 * cpu & 0xf);
  }
  constexpr void set(unsigned cpu, unsigned epoch) {
    packed_ = (packed_ & ~(std::uint64_t{0xf} << 4 * cpu)) | std::uint64_t{epoch} << 4 * cpu;
  }
  constexpr std::uint32_t low() const { return static_cast<std::uint32_t>(packed_); }
  constexpr std::uint32_t high() const { return static_cast<std::uint32_t>(packed_ >> 32); }
  friend constexpr bool operator==(Epochs, Epochs) = default;

 private:
  std::uint64_t packed_ = 0;
};

/// Who is to be in, or is in, a view: CPUs and their incarnations.
struct Members {
  CpuMask mask = 0;
  Epochs epochs;

  constexpr bool contain(unsigned cpu, unsigned epoch) const {
    return has(mask, cpu) && epochs.of(cpu) == epoch;
  }
};

struct View {
  std::uint32_t number = 0;  ///< Counted from 1; 0: no view yet.
  Members members;

  constexpr bool contains(unsigned cpu, unsigned epoch) const {
    return members.contain(cpu, epoch);
  }
};

/// Whether the CPUs of `among` may decide for the view: more than half of it, or half of it with
/// its lowest CPU. Any two such sets have a CPU in common.
constexpr bool is_quorum(const View& view, CpuMask among) {
  const CpuMask mask = view.members.mask;
  const int all = std::popcount(mask), here = std::popcount(mask & among);
  if (2 * here != all) return 2 * here > all;
  return (among & (mask & -mask)) != 0;
}

/// The view that a membership packet tells of: that of its sender, or the one it commits. Not of
/// a packet that bears a proposal, for it has the epochs of that.
constexpr View view_of(const contract::MembershipPacket& packet) {
  return {packet.view_number(), {packet.view(), {packet.epochs_low(), packet.epochs_high()}}};
}

}  // namespace xybus
