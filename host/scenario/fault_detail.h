/// Reads what faults of some kinds say beyond where and when.
#pragma once

#include "scenario/section.h"

namespace xybus {

/// Bytes of node RAM on every fabric that scenarios run on.
inline constexpr std::uint32_t node_ram_bytes = 1U << 18;

/// The registers whose bits register-upset may flip, in the order of the contract.
std::vector<contract::Register> registers_to_upset();

/// The keys that a fault of this kind may have for it; the first `needed` it must have.
struct DetailKeys {
  Words keys;
  std::size_t needed = 0;
};
DetailKeys detail_keys(FaultKind kind);

/// Reads them. Throws ScenarioError; also for a key of another kind.
FaultDetail read_fault_detail(const Section& section, FaultKind kind, unsigned cpus,
                              const std::vector<DiskSpec>& disks);

/// The name of a process as the machine writes it: "$BANK". Throws ScenarioError.
std::string process_name(const Section& section, std::string_view key, const std::string& text);
/// The one that a key has as its value.
std::string read_process_name(const Section& section, std::string_view key);

/// All keys of all kinds.
const Words& all_detail_keys();

}  // namespace xybus
