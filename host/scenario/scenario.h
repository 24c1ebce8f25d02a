/// A scenario: the machine, what runs on it, what goes wrong, and for how long.
///
/// Scenarios are TOML files (see scenarios/README.md). What is here has been checked: every CPU
/// exists, every time is a whole number of cycles, no fault contradicts itself.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "contract/contract.h"
#include "firmware/dispatcher/cost_table.h"
#include "firmware/observer.h"
#include "model/fabric_kind.h"
#include "scenario/disk_spec.h"
#include "scenario/source.h"
#include "scenario/terminal_spec.h"
#include "scenario/workload_spec.h"

namespace xybus {

/// What firmware work costs in CPU cycles.
enum class Costs {
  standard,  ///< "default": CostTable::standard()
  zero,      ///< "zero": CostTable::zero(), software for nothing
};

/// The shortest time between I'm-alive packets. They wait their turn behind other control packets
/// to the same CPU; with less, a busy CPU would be taken for one that has failed.
inline constexpr std::uint64_t least_alive_cycles = 20'000;

struct SystemSpec {
  unsigned cpus = 4;  ///< 2 to 16
  double clock_hz = 100e6;
  Costs costs = Costs::standard;
  CostTable cost = CostTable::standard();  ///< that one, scaled, with what the scenario changes
  std::uint64_t alive_interval_cycles = 100'000;  ///< between I'm-alive packets, at least
                                                 ///< least_alive_cycles; 0 is none at all
  bool operator==(const SystemSpec&) const = default;
};

enum class FaultKind {
  packet_corrupt,  ///< bits of a packet flip on the wires
  packet_drop,     ///< nobody sees a packet
  answer_drop,     ///< a packet arrives, its answers do not
  bus_down,        ///< neither packets nor answers come through
  cpu_halt,        ///< a CPU and its engine fall silent for good
  babbling_node,   ///< a node asks for both buses all the time, and sends noise; also when halted
  forged_source,   ///< a node sends under another's number
  bus_hog,         ///< a node does not end its packets
  answer_corrupt,  ///< wires of an answer slot flip
  packet_duplicate,  ///< the bus repeats a packet
  bus_stuck_bit,   ///< a data wire of a bus keeps its level
  partition,       ///< some CPUs and the others do not hear each other
  controller_dead,  ///< a bus grants nothing
  bus_slow,        ///< a bus leaves cycles between packets
  controller_double_grant,  ///< a bus grants two nodes at once
  ram_flip,        ///< bits of node RAM flip
  register_upset,  ///< bits of a register flip
  interrupt_lost,  ///< a CPU does not see its interrupt
  interrupt_spurious,  ///< a CPU sees an interrupt that nothing has raised
  completion_delayed,  ///< no event gets to a CPU's event ring
  cpu_slow,        ///< a CPU takes longer for everything
  cpu_restart,     ///< a CPU is off for a time, and starts again from the beginning
  hostile_cpu,     ///< a CPU runs firmware that sends what may do harm
  disk_dies,         ///< a drive answers no more
  disk_read_error,   ///< blocks of a drive cannot be read
  disk_write_error,  ///< blocks of a drive cannot be written
  power_failure,     ///< all CPUs and drives stop, and the run ends
  process_stop,      ///< the process that has a name is stopped
};

/// Whether single packets on the wires are hit.
constexpr bool is_packet_fault(FaultKind kind) {
  return kind == FaultKind::packet_corrupt || kind == FaultKind::packet_drop ||
         kind == FaultKind::answer_drop || kind == FaultKind::answer_corrupt ||
         kind == FaultKind::packet_duplicate;
}

/// Whether it is done to a bus as a whole.
constexpr bool is_bus_fault(FaultKind kind) {
  return kind == FaultKind::bus_down || kind == FaultKind::bus_stuck_bit ||
         kind == FaultKind::partition || kind == FaultKind::controller_dead ||
         kind == FaultKind::bus_slow || kind == FaultKind::controller_double_grant;
}

/// Whether single commands of a drive fail.
constexpr bool is_drive_error(FaultKind kind) {
  return kind == FaultKind::disk_read_error || kind == FaultKind::disk_write_error;
}

/// Whether it is done to a drive.
constexpr bool is_disk_fault(FaultKind kind) {
  return kind == FaultKind::disk_dies || is_drive_error(kind);
}

/// Whether it is done to a CPU or its node.
constexpr bool is_node_fault(FaultKind kind) {
  return !is_packet_fault(kind) && !is_bus_fault(kind) && !is_disk_fault(kind) &&
         kind != FaultKind::power_failure && kind != FaultKind::process_stop;
}

/// Whether a node breaks the rules of the buses.
constexpr bool is_misdeed(FaultKind kind) {
  return kind == FaultKind::babbling_node || kind == FaultKind::forged_source ||
         kind == FaultKind::bus_hog;
}

/// Whether it happens once and cannot end.
constexpr bool is_instant(FaultKind kind) {
  return kind == FaultKind::ram_flip || kind == FaultKind::register_upset ||
         kind == FaultKind::process_stop;
}

/// Bits a packet can have: header, window word, payload, CRC.
inline constexpr unsigned packet_bits =
    8 * (contract::word_bytes *
             (contract::header_words + contract::window_words + contract::crc_words) +
         contract::max_payload_bytes);

/// What a fault of some kinds says beyond where and when.
struct FaultDetail {
  /// Where bits of a packet flip that are not named.
  enum class Part { all, header, payload };
  Part part = Part::all;
  /// packet_corrupt: bits of the packet; answer_corrupt: answer wires, 16 for each of accepted,
  /// busy, corrupt, refused; ram_flip: bits of the byte; register_upset: bits of the register.
  /// Where it is empty they are drawn.
  std::vector<unsigned> bits{};
  std::vector<unsigned> cpus{};  ///< partition: one side; answer_corrupt: whose wires are drawn
  unsigned wire = 0, level = 0;  ///< bus_stuck_bit
  unsigned cycles = 0;           ///< bus_slow: 1 to 255
  unsigned factor = 1;           ///< cpu_slow: 2 to 1000
  bool inside = false;           ///< hostile_cpu: it stays in the view, and does not lie about that
  std::uint32_t address = 0;     ///< ram_flip: of the byte
  contract::Register reg = contract::Register::control;  ///< register_upset
  /// disk_...: the volume, which of its drives, and that one's number of all drives of the machine.
  std::string disk{};
  unsigned drive = 0, drive_number = 0;
  std::string process{};  ///< process_stop: its name, "$BANK"
  bool backup = false;    ///< process_stop: the backup of the pair, not the primary
  std::optional<std::uint32_t> block{};  ///< disk_read_error, disk_write_error; none: all blocks
  bool operator==(const FaultDetail&) const = default;
};

/// From a cycle on. A packet fault without `until` takes the one next packet.
struct AtCycle {
  std::uint64_t cycle = 0;
  bool operator==(const AtCycle&) const = default;
};

/// At the n-th packet on a bus since the start of the run, counted from 1; with `from`, only
/// packets sent by that CPU count, with `operation` only message packets that ask for that. Every
/// attempt counts as a packet, or, with `first_attempts`, only what is not sent again.
struct AtPacket {
  std::uint64_t n = 1;
  std::optional<unsigned> from;
  contract::BusId bus = contract::BusId::x;
  std::optional<contract::LinkOperation> operation{};
  bool first_attempts = false;
  std::uint64_t delay_cycles = 0;  ///< not a packet fault: it comes so much later

  /// Whether it takes the packet's first words to know it: a packet fault then acts behind them.
  bool late() const { return operation || first_attempts; }
  bool operator==(const AtPacket&) const = default;
};

/// At the n-th event of a kind in the kernel of a CPU, or of the process that has a name, or of
/// both; counted from 1. With `peer`, only those with a process on that CPU at the other end count.
/// It holds from the cycle after on; a packet fault takes packets that start two cycles after at
/// the earliest, as does one at a cycle from there.
struct AtEvent {
  KernelEvent::Kind kind = KernelEvent::process_created;
  std::optional<unsigned> cpu{};  ///< none: any, with `process`
  std::string process{};          ///< "$BANK": events of the pair of that name; empty: of all
  std::optional<unsigned> peer{};
  std::uint64_t n = 1;
  std::uint64_t delay_cycles = 0;  ///< it comes so much later
  bool operator==(const AtEvent&) const = default;
};

/// Each packet for itself, with this probability, 0 to 1; or each command that a drive carries out.
/// Only packet faults, and errors of a drive.
struct EachPacket {
  double probability = 0;
  std::uint64_t after_cycle = 0;  ///< packets that start earlier are spared, and draw no chance
  bool operator==(const EachPacket&) const = default;
};

using FaultTime = std::variant<AtCycle, AtPacket, EachPacket, AtEvent>;

struct FaultSpec {
  Source at;
  FaultKind kind = FaultKind::packet_corrupt;
  std::optional<contract::BusId> bus;  ///< none: both. Never set for a node fault; a packet fault
                                       ///< at a packet has that packet's bus here.
  std::optional<unsigned> cpu;         ///< node faults: whose. Never set for the others.
  FaultTime when;
  std::optional<std::uint64_t> until_cycle;  ///< first cycle without it. A packet fault at a cycle
                                             ///< takes every packet up to it.
  std::optional<unsigned> chance{};  ///< draws its chance as the fault of this number would, so
                                     ///< that it stays the same fault when others are left out;
                                     ///< none: its own place among the faults
  std::optional<std::uint64_t> for_cycles{};  ///< at a packet or an event: how long
  FaultDetail detail{};
  bool operator==(const FaultSpec&) const = default;
};

/// Faults drawn from the run's seed; see host/chaos/draw.h.
struct ChaosSpec {
  Source at;
  std::vector<FaultKind> kinds;  ///< at least 1, each once, ascending; half of them are enabled
  std::optional<double> rate;          ///< faults per simulated millisecond on average, above 0
  std::optional<std::uint64_t> count;  ///< or so many; exactly one of the two is set
  std::uint64_t least_duration = 0, most_duration = 0;  ///< cycles, at least 1
  std::uint64_t stable_cycles = 0;  ///< single: between the end of one fault and the next; else
                                    ///< between their beginnings
  std::vector<unsigned> cpus;            ///< whose nodes may fail, ascending
  std::vector<contract::BusId> buses;    ///< what buses may fail, ascending
  std::vector<std::string> processes;    ///< names that process_stop may choose from
  bool single = true;              ///< one fault at a time; else any number
  std::uint64_t after_cycle = 0;   ///< up to here there are none; before until_cycle
  std::uint64_t until_cycle = 0;   ///< from here on there are no faults; at least 1
  std::uint64_t drain_cycles = 0;  ///< from then on to the end of every workload, at most
  bool operator==(const ChaosSpec&) const = default;
};

struct Scenario {
  std::string name;  ///< [system] name, else the file's name without its ending
  std::string path;  ///< the file, as found
  SystemSpec system;
  std::uint64_t limit_cycles = 0;  ///< at least 1
  std::vector<DiskSpec> disks;          ///< their drives are numbered in this order
  std::vector<TerminalSpec> terminals;
  std::vector<WorkloadSpec> workloads;  ///< at least 1
  std::vector<FaultSpec> faults;
  std::optional<ChaosSpec> chaos;
  std::optional<std::uint64_t> complete_by;  ///< cycle; workloads not complete by then have hung
  std::optional<std::uint64_t> seed;         ///< when the command line names none
  std::optional<FabricKind> fabric;          ///< when the command line names none
  bool operator==(const Scenario&) const = default;
};

/// A mistake in a scenario. what() is the line for the user:
/// `file:line: what is wrong; expected ...`
struct ScenarioError : std::runtime_error {
  ScenarioError(Source where, std::string problem, std::string expectation);
  Source at;
  std::string what_is_wrong;
  std::string expected;
};

/// Reads a scenario and checks it. `overrides` are `key=value` with dotted keys
/// (`system.cpus=8`, `workload.0.count=100`, `limits.time=1 ms`), the later ones winning; they
/// go through the same checks as the file. A profile that the file names lies under what the file
/// says, one that an override names lies over it. Throws ScenarioError.
Scenario load_scenario(const std::string& path, const std::vector<std::string>& overrides = {});

/// The same from text; `path` is only named in errors.
Scenario parse_scenario(const std::string& text, const std::string& path,
                        const std::vector<std::string>& overrides = {});

/// The word for it in scenario files: "bus-down", "default".
const char* name(FaultKind kind);
const char* name(Costs costs);
/// The table that it stands for.
CostTable cost_table(Costs costs);

/// One line for each word that scenarios can use; for `xybus list`.
struct Described {
  const char* name;
  const char* description;
};
const std::vector<Described>& known_workloads();
/// The keys that a [[workload]] of this kind can have.
std::vector<std::string_view> workload_keys(const WorkloadSpec& kind);
const std::vector<Described>& known_faults();

}  // namespace xybus
