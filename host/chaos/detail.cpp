#include "chaos/detail.h"

#include "scenario/fault_detail.h"

namespace xybus {
namespace {

unsigned number(RandomStream& random, std::size_t limit) {
  return static_cast<unsigned>(random.below(limit));
}

std::vector<unsigned> proper_subset(RandomStream& random, unsigned cpus) {
  const std::uint64_t mask = 1 + random.below((std::uint64_t{1} << cpus) - 2);
  std::vector<unsigned> subset;
  for (unsigned cpu = 0; cpu < cpus; ++cpu)
    if ((mask >> cpu & 1) != 0) subset.push_back(cpu);
  return subset;
}

/// A bit that the register has.
unsigned bit_of(contract::Register reg, RandomStream& random) {
  using contract::Register;
  switch (reg) {
    case Register::control: {
      constexpr std::array<unsigned, 6> bits{0, 1, 4, 5, 6, 7};
      return bits[random.below(bits.size())];
    }
    case Register::coalescing:
    case Register::path_limits: return number(random, 32);
    case Register::event_base:
    case Register::control_ring_base:
    case Register::data_ring_base:
    case Register::receive_x_base:
    case Register::receive_y_base: return 4 + number(random, 16);
    default: return number(random, 16);
  }
}

}  // namespace

FaultDetail draw_drive(FaultKind kind, const std::vector<DiskSpec>& disks, RandomStream& random) {
  const DiskSpec& disk = disks[random.below(disks.size())];
  FaultDetail detail;
  detail.disk = disk.name;
  detail.drive = number(random, disk.drives);
  detail.drive_number = *drive_number(disks, disk.name, detail.drive);
  if (is_drive_error(kind) && random.below(2) == 0) detail.block = number(random, disk.blocks);
  return detail;
}

FaultDetail draw_detail(FaultKind kind, unsigned cpus, RandomStream& random) {
  FaultDetail detail;
  switch (kind) {
    case FaultKind::answer_corrupt: {
      constexpr unsigned answers = 4;  // accepted, busy, corrupt, refused
      const unsigned answer = number(random, answers);
      detail.bits = {answer * contract::max_nodes + number(random, cpus)};
      break;
    }
    case FaultKind::bus_stuck_bit:
      detail.wire = number(random, 8 * contract::word_bytes);
      detail.level = number(random, 2);
      break;
    case FaultKind::partition: detail.cpus = proper_subset(random, cpus); break;
    case FaultKind::bus_slow: detail.cycles = 1 + number(random, 255); break;
    case FaultKind::cpu_slow: detail.factor = 2 + number(random, 19); break;
    case FaultKind::ram_flip:
      detail.address = number(random, node_ram_bytes);
      detail.bits = {number(random, 8)};
      break;
    case FaultKind::register_upset: {
      const auto registers = registers_to_upset();
      detail.reg = registers[random.below(registers.size())];
      detail.bits = {bit_of(detail.reg, random)};
      break;
    }
    default: break;
  }
  return detail;
}

}  // namespace xybus
