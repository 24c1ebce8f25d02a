/// A scenario: the machine, what runs on it, what goes wrong, and for how long.
///
/// Scenarios are TOML files (see scenarios/README.md). What is here has been checked: every CPU
/// exists, every time is a whole number of cycles, no fault contradicts itself.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "contract/contract.h"
#include "firmware/dispatcher/cost_table.h"
#include "firmware/observer.h"
#include "model/fabric_kind.h"

namespace xybus {

/// Where something was written: `file:line`, or `--set key=value` with line 0.
struct Source {
  std::string file;
  unsigned line = 0;
  bool operator==(const Source&) const = default;
};

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
  CostTable cost = CostTable::standard();  ///< that one, with what the scenario changes in it
  std::uint64_t alive_interval_cycles = 100'000;  ///< between I'm-alive packets, at least
                                                 ///< least_alive_cycles; 0 is none at all
  bool operator==(const SystemSpec&) const = default;
};

/// Requests from one CPU to a server on another, one at a time, each answered with a reply.
struct PingSpec {
  Source at;
  unsigned from = 0, to = 0;     ///< CPUs; may be the same
  std::uint32_t bytes = 0;       ///< of each request, 0 to max_message_bytes
  std::uint32_t reply_bytes = 0;  ///< of each reply; as many as the request when not given
  std::uint64_t count = 0;       ///< requests in all, at least 1
  std::uint64_t pause_cycles = 0;  ///< mean time between two sends; 0: none
  bool operator==(const PingSpec&) const = default;
};

/// Requests from one CPU to a server on another, `window` of them outstanding; empty replies.
struct StreamSpec {
  Source at;
  unsigned from = 0, to = 0;
  std::uint32_t bytes = 0;
  std::uint64_t count = 0;
  unsigned window = 8;  ///< links outstanding at once, 1 to max_window
  std::uint64_t pause_cycles = 0;
  bool operator==(const StreamSpec&) const = default;
};

/// Who sends to whom in an all-to-all. See pattern.h for the definitions.
enum class Pattern { uniform, hotspot, transpose, bit_complement, tornado };

/// Every CPU that takes part sends to others by a pattern, `window` outstanding each; empty
/// replies.
struct AllToAllSpec {
  Source at;
  std::uint32_t bytes = 0;
  std::uint64_t count = 0;  ///< messages each CPU sends
  unsigned window = 4;      ///< links outstanding at once on each CPU, 1 to max_window
  Pattern pattern = Pattern::uniform;
  std::vector<unsigned> cpus;  ///< who takes part, at least two, each once, in ascending order
  std::uint64_t pause_cycles = 0;
  bool operator==(const AllToAllSpec&) const = default;
};

/// Several requestors on each of some CPUs, and one slow server that holds a number of links and
/// replies to them in any order; requestors break some links before they end. Sizes and all else
/// about a message are drawn; see workload/links.h.
struct LinksSpec {
  Source at;
  std::vector<unsigned> from;  ///< CPUs with requestors, at least one, each once, ascending
  unsigned to = 0;             ///< the server's CPU; may be one of these
  unsigned requestors = 8;     ///< processes on each CPU of `from`, 1 to max_requestors
  std::uint32_t bytes = 0;     ///< of a request and of a reply, at most
  std::uint64_t count = 0;     ///< messages of each requestor, 1 to most_links_each
  unsigned window = 4;         ///< links outstanding at once of each requestor, 1 to max_window
  std::uint64_t pause_cycles = 0;
  std::uint64_t work_cycles = 0;  ///< mean time that the server computes on a request, at most
                                  ///< most_work_cycles; 0: none
  unsigned depth = 4;          ///< links that the server listens to before it replies to one, at
                               ///< most; 1 to max_depth
  double cancels = 0;          ///< share of links that are to be broken, 0 to 1
  bool operator==(const LinksSpec&) const = default;
};

/// Changes of a replicated table by one client on each of some CPUs, one update at a time each.
struct UpdatesSpec {
  Source at;
  std::uint32_t bytes = 0;  ///< of each update, least_update_bytes to contract::update_bytes
  std::uint64_t count = 0;  ///< updates of each client, at least 1
  std::uint64_t pause_cycles = 0;
  std::vector<unsigned> cpus;  ///< who has a client, at least one, each once, in ascending order
  bool operator==(const UpdatesSpec&) const = default;
};

/// CPUs that come and go, while all that are there send each other requests, answered with as many
/// bytes, and are told by their kernels who goes and comes.
struct MembershipSpec {
  Source at;
  std::uint64_t count = 0;  ///< restarts to be drawn; then `until_cycle` is 0
  std::uint32_t bytes = 0;  ///< of each request, 0 to max_message_bytes
  std::uint64_t pause_cycles = 0;   ///< mean time between two requests of a CPU, at least 1
  std::uint64_t least_off = 0, most_off = 0;  ///< cycles that a CPU is off, from least_off_cycles
  std::uint64_t stable_cycles = 0;  ///< between two restarts, beginning to beginning, at least
  bool all = false;                 ///< whether too many may be off for the rest to be a quorum
  std::uint64_t until_cycle = 0;    ///< restarts have been drawn: requests are sent up to then
  std::uint64_t drain_cycles = 0;   ///< drain_intervals; what was sent has ended by then
  bool operator==(const MembershipSpec&) const = default;
};

using WorkloadSpec =
    std::variant<PingSpec, StreamSpec, AllToAllSpec, LinksSpec, UpdatesSpec, MembershipSpec>;

/// Mean time between two sends of a client, in cycles.
inline std::uint64_t pause_of(const WorkloadSpec& spec) {
  return std::visit([](const auto& its) { return its.pause_cycles; }, spec);
}

inline constexpr std::uint32_t max_message_bytes = 65536;
inline constexpr unsigned max_window = 64;
inline constexpr unsigned max_requestors = 32;
inline constexpr unsigned max_depth = 64;
inline constexpr std::uint32_t least_update_bytes = 8;  // who makes it, and its number
inline constexpr std::size_t most_updates_workloads = 8;
inline constexpr std::uint64_t most_rounds = 10'000;

/// Of a membership workload, in I'm-alive intervals: after its restart a CPU counts as one of a
/// quorum again only so much later; and when the last one is back, all goes on for so long,
/// and then without new requests.
inline constexpr std::uint64_t rejoin_intervals = 4;
inline constexpr std::uint64_t quiet_intervals = 6;
inline constexpr std::uint64_t drain_intervals = 4;
inline constexpr std::uint64_t most_links_each = 1'000'000;
inline constexpr std::uint64_t most_work_cycles = 50'000;  // a run moves: see Watchdog

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

/// Whether it is done to a CPU or its node.
constexpr bool is_node_fault(FaultKind kind) {
  return !is_packet_fault(kind) && !is_bus_fault(kind);
}

/// Whether a node breaks the rules of the buses.
constexpr bool is_misdeed(FaultKind kind) {
  return kind == FaultKind::babbling_node || kind == FaultKind::forged_source ||
         kind == FaultKind::bus_hog;
}

/// Whether it happens once and cannot end.
constexpr bool is_instant(FaultKind kind) {
  return kind == FaultKind::ram_flip || kind == FaultKind::register_upset;
}

/// Cycles that a CPU is off at least, in cpu_restart: the longest packet that was on its way to or
/// from it has met its fate by then.
inline constexpr std::uint64_t least_off_cycles = 100;

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
  /// packet_corrupt: bits of the packet; answer_corrupt: answer wires, 16 for each of accepted, busy,
  /// corrupt, refused; ram_flip: bits of the byte; register_upset: bits of the register. Where it
  /// is empty they are drawn.
  std::vector<unsigned> bits{};
  std::vector<unsigned> cpus{};  ///< partition: one side; answer_corrupt: whose wires are drawn
  unsigned wire = 0, level = 0;  ///< bus_stuck_bit
  unsigned cycles = 0;           ///< bus_slow: 1 to 255
  unsigned factor = 1;           ///< cpu_slow: 2 to 1000
  bool inside = false;           ///< hostile_cpu: it stays in the view, and does not lie about that
  std::uint32_t address = 0;     ///< ram_flip: of the byte
  contract::Register reg = contract::Register::control;  ///< register_upset
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

/// At the n-th event of a kind in the kernel of a CPU, counted from 1; with `peer`, only those with
/// a process on that CPU at the other end count. It holds from the cycle after on; a packet fault
/// takes packets that start two cycles after at the earliest, as does one at a cycle from there.
struct AtEvent {
  KernelEvent::Kind kind = KernelEvent::process_created;
  unsigned cpu = 0;
  std::optional<unsigned> peer{};
  std::uint64_t n = 1;
  std::uint64_t delay_cycles = 0;  ///< it comes so much later
  bool operator==(const AtEvent&) const = default;
};

/// Each packet for itself, with this probability, 0 to 1. Packet faults only.
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
  bool single = true;              ///< one fault at a time; else any number
  std::uint64_t until_cycle = 0;   ///< from here on there are no faults; at least 1
  std::uint64_t drain_cycles = 0;  ///< from then on to the end of every workload, at most
  bool operator==(const ChaosSpec&) const = default;
};

struct Scenario {
  std::string name;  ///< [system] name, else the file's name without its ending
  std::string path;  ///< the file, as found
  SystemSpec system;
  std::uint64_t limit_cycles = 0;  ///< at least 1
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
/// go through the same checks as the file. Throws ScenarioError.
Scenario load_scenario(const std::string& path, const std::vector<std::string>& overrides = {});

/// The same from text; `path` is only named in errors.
Scenario parse_scenario(const std::string& text, const std::string& path,
                        const std::vector<std::string>& overrides = {});

/// The word for it in scenario files: "ping", "bit-complement", "bus-down", "default".
const char* name(const WorkloadSpec& workload);
const char* name(Pattern pattern);
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
const std::vector<Described>& known_faults();

}  // namespace xybus
