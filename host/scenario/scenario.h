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

namespace xybus {

/// Where something was written: `file:line`, or `--set key=value` with line 0.
struct Source {
  std::string file;
  unsigned line = 0;
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
  std::uint64_t alive_interval_cycles = 100'000;  ///< between I'm-alive packets, at least
                                                 ///< least_alive_cycles; 0 is none at all
};

/// Requests from one CPU to a server on another, one at a time, each answered with a reply.
struct PingSpec {
  Source at;
  unsigned from = 0, to = 0;     ///< CPUs; may be the same
  std::uint32_t bytes = 0;       ///< of each request, 0 to max_message_bytes
  std::uint32_t reply_bytes = 0;  ///< of each reply; as many as the request when not given
  std::uint64_t count = 0;       ///< requests in all, at least 1
  std::uint64_t pause_cycles = 0;  ///< mean time between two sends; 0: none
};

/// Requests from one CPU to a server on another, `window` of them outstanding; empty replies.
struct StreamSpec {
  Source at;
  unsigned from = 0, to = 0;
  std::uint32_t bytes = 0;
  std::uint64_t count = 0;
  unsigned window = 8;  ///< links outstanding at once, 1 to max_window
  std::uint64_t pause_cycles = 0;
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
  std::uint64_t pause_cycles = 0;
  Pattern pattern = Pattern::uniform;
  std::vector<unsigned> cpus;  ///< who takes part, at least two, each once, in ascending order
};

using WorkloadSpec = std::variant<PingSpec, StreamSpec, AllToAllSpec>;

/// Mean time between two sends of a client, in cycles.
inline std::uint64_t pause_of(const WorkloadSpec& spec) {
  return std::visit([](const auto& its) { return its.pause_cycles; }, spec);
}

inline constexpr std::uint32_t max_message_bytes = 65536;
inline constexpr unsigned max_window = 64;

enum class FaultKind {
  packet_corrupt,  ///< bits of a packet flip on the wires
  packet_drop,     ///< nobody sees a packet
  answer_drop,     ///< a packet arrives, its answers do not
  bus_down,        ///< neither packets nor answers come through
  cpu_halt,        ///< a CPU and its engine fall silent for good
  babbling_node,   ///< a node asks for both buses all the time, and sends noise; also when halted
  forged_source,   ///< a node sends under another's number
  bus_hog,         ///< a node does not end its packets
};

/// Whether it is done to a CPU's node, and not to a bus.
constexpr bool is_node_fault(FaultKind kind) {
  return kind == FaultKind::cpu_halt || kind == FaultKind::babbling_node ||
         kind == FaultKind::forged_source || kind == FaultKind::bus_hog;
}

/// Whether single packets on the wires are hit.
constexpr bool is_packet_fault(FaultKind kind) {
  return kind == FaultKind::packet_corrupt || kind == FaultKind::packet_drop ||
         kind == FaultKind::answer_drop;
}

/// From a cycle on. A packet fault without `until` takes the one next packet.
struct AtCycle {
  std::uint64_t cycle = 0;
};

/// At the n-th packet on a bus since the start of the run, counted from 1; with `from`, only
/// packets sent by that CPU count. Every attempt counts as a packet.
struct AtPacket {
  std::uint64_t n = 1;
  std::optional<unsigned> from;
  contract::BusId bus = contract::BusId::x;
};

/// Each packet for itself, with this probability, 0 to 1. Packet faults only.
struct EachPacket {
  double probability = 0;
};

struct FaultSpec {
  Source at;
  FaultKind kind = FaultKind::packet_corrupt;
  std::optional<contract::BusId> bus;  ///< none: both. Never set for a node fault; a packet fault
                                       ///< at a packet has that packet's bus here.
  std::optional<unsigned> cpu;         ///< node faults: whose. Never set for the others.
  std::variant<AtCycle, AtPacket, EachPacket> when;
  std::optional<std::uint64_t> until_cycle;  ///< first cycle without it. A packet fault at a cycle
                                             ///< takes every packet up to it.
};

struct Scenario {
  std::string name;  ///< [system] name, else the file's name without its ending
  std::string path;  ///< the file, as found
  SystemSpec system;
  std::uint64_t limit_cycles = 0;  ///< at least 1
  std::vector<WorkloadSpec> workloads;  ///< at least 1
  std::vector<FaultSpec> faults;
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

/// One line for each word that scenarios can use; for `xybus list`.
struct Described {
  const char* name;
  const char* description;
};
const std::vector<Described>& known_workloads();
const std::vector<Described>& known_faults();

}  // namespace xybus
