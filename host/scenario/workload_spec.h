/// The kinds of workload that a scenario can name: their values, and their keys in the file.
///
/// Each kind says all about itself here, once: its name, and in keys() which keys it has, in the
/// order in which they are read and written, with their limits and defaults. What can be said of a
/// key is in workload_keys.h. Reading, writing, `xybus list` and shrinking go through that. Every
/// kind has `at`, `count` (what each client is to do, in messages or whatever it counts) and
/// `pause_cycles` (mean time between two of these).
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "contract/contract.h"
#include "scenario/source.h"

namespace xybus {

struct AboutWorkload {
  const char* name;                  ///< its `kind`
  const char* description;           ///< in one line
  const char* counted = "messages";  ///< what its clients see through
};

inline constexpr std::uint64_t most_messages = 1'000'000'000;
inline constexpr std::uint32_t max_message_bytes = 65536;
inline constexpr unsigned max_window = 64;

/// Requests from one CPU to a server on another, one at a time, each answered with a reply.
struct PingSpec {
  static constexpr AboutWorkload about{
      "ping", "requests from one CPU to another, one at a time, each answered by a reply"};
  Source at;
  unsigned from = 0, to = 0;     ///< CPUs; may be the same
  std::uint32_t bytes = 0;       ///< of each request
  std::uint32_t reply_bytes = 0;  ///< of each reply
  std::uint64_t count = 0;       ///< requests in all
  std::uint64_t pause_cycles = 0;
  bool operator==(const PingSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.cpu("from", its.from);
    k.cpu("to", its.to);
    k.number("bytes", its.bytes, 0, max_message_bytes);
    k.number("reply_bytes", its.reply_bytes, 0, max_message_bytes, its.bytes);
    k.number("count", its.count, 1, most_messages);
    k.pause("pause", its.pause_cycles);
  }
};

/// Requests from one CPU to a server on another, `window` of them outstanding; empty replies.
struct StreamSpec {
  static constexpr AboutWorkload about{
      "stream", "messages from one CPU to another, a window of them outstanding"};
  Source at;
  unsigned from = 0, to = 0;
  std::uint32_t bytes = 0;
  std::uint64_t count = 0;
  unsigned window = 8;  ///< links outstanding at once
  std::uint64_t pause_cycles = 0;
  bool operator==(const StreamSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.cpu("from", its.from);
    k.cpu("to", its.to);
    k.number("bytes", its.bytes, 0, max_message_bytes);
    k.number("count", its.count, 1, most_messages);
    k.number("window", its.window, 1, max_window, its.window);
    k.pause("pause", its.pause_cycles);
  }
};

/// Who sends to whom in an all-to-all. See pattern.h for the definitions.
enum class Pattern { uniform, hotspot, transpose, bit_complement, tornado };

/// The word for it.
const char* name(Pattern pattern);

/// Every CPU that takes part sends to others by a pattern, `window` outstanding each; empty
/// replies.
struct AllToAllSpec {
  static constexpr AboutWorkload about{
      "all-to-all",
      "every CPU sends: uniform, hotspot, transpose, bit-complement or tornado"};
  Source at;
  std::uint32_t bytes = 0;
  std::uint64_t count = 0;  ///< messages each CPU sends
  unsigned window = 4;      ///< links outstanding at once on each CPU
  Pattern pattern = Pattern::uniform;
  std::vector<unsigned> cpus;  ///< who takes part, at least two, each once, in ascending order
  std::uint64_t pause_cycles = 0;
  bool operator==(const AllToAllSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.number("bytes", its.bytes, 0, max_message_bytes);
    k.number("count", its.count, 1, most_messages);
    k.number("window", its.window, 1, max_window, its.window);
    k.pause("pause", its.pause_cycles);
    k.word("pattern", its.pattern,
           std::array{Pattern::uniform, Pattern::hotspot, Pattern::transpose,
                      Pattern::bit_complement, Pattern::tornado});
    k.cpus("cpus", its.cpus, 2);
  }
};

inline constexpr unsigned max_requestors = 32;
inline constexpr unsigned max_depth = 64;
inline constexpr std::uint64_t most_links_each = 1'000'000;
inline constexpr std::uint64_t most_work_cycles = 50'000;  // a run moves: see Watchdog

/// Several requestors on each of some CPUs, and one slow server that holds a number of links and
/// replies to them in any order; requestors break some links before they end. Sizes and all else
/// about a message are drawn; see workload/links.h.
struct LinksSpec {
  static constexpr AboutWorkload about{
      "links", "many requestors to a slow server: any size, any order of replies, links broken"};
  Source at;
  std::vector<unsigned> from;  ///< CPUs with requestors, at least one, each once, ascending
  unsigned to = 0;             ///< the server's CPU; may be one of these
  unsigned requestors = 8;     ///< processes on each CPU of `from`
  std::uint32_t bytes = 0;     ///< of a request and of a reply, at most
  std::uint64_t count = 0;     ///< messages of each requestor
  unsigned window = 4;         ///< links outstanding at once of each requestor
  std::uint64_t pause_cycles = 0;
  std::uint64_t work_cycles = 0;  ///< mean time that the server computes on a request
  unsigned depth = 4;  ///< links that the server listens to before it replies to one, at most
  double cancels = 0;  ///< share of links that are to be broken, 0 to 1
  bool operator==(const LinksSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.cpu_or_cpus("from", its.from);
    k.cpu("to", its.to);
    k.number("requestors", its.requestors, 1, max_requestors, its.requestors);
    k.number("count", its.count, 1, most_links_each);
    k.number("max_bytes", its.bytes, 0, max_message_bytes);
    k.number("window", its.window, 1, max_window, its.window);
    k.pause("pause", its.pause_cycles);
    k.short_time("work", its.work_cycles, most_work_cycles);
    k.number("depth", its.depth, 1, max_depth, its.depth);
    k.fraction("cancels", its.cancels);
  }
};

inline constexpr std::uint32_t least_update_bytes = 8;  // who makes it, and its number
inline constexpr std::size_t most_updates_workloads = 8;

/// Changes of a replicated table by one client on each of some CPUs, one update at a time each.
struct UpdatesSpec {
  static constexpr AboutWorkload about{
      "updates", "clients change a table that every CPU has a copy of, by global updates",
      "updates"};
  Source at;
  std::uint32_t bytes = 0;  ///< of each update
  std::uint64_t count = 0;  ///< updates of each client
  std::uint64_t pause_cycles = 0;
  std::vector<unsigned> cpus;  ///< who has a client, at least one, each once, in ascending order
  bool operator==(const UpdatesSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.number("bytes", its.bytes, least_update_bytes, contract::update_bytes);
    k.number("count", its.count, 1, most_messages);
    k.pause("pause", its.pause_cycles);
    k.cpus("cpus", its.cpus, 1);
  }
};

inline constexpr std::uint64_t most_rounds = 10'000;

/// Of a membership workload, in I'm-alive intervals: after its restart a CPU counts as one of a
/// quorum again only so much later; and when the last one is back, all goes on for so long,
/// and then without new requests.
inline constexpr std::uint64_t rejoin_intervals = 4;
inline constexpr std::uint64_t quiet_intervals = 6;
inline constexpr std::uint64_t drain_intervals = 4;

/// Cycles that a CPU is off at least, here and in the fault cpu_restart: the longest packet that
/// was on its way to or from it has met its fate by then.
inline constexpr std::uint64_t least_off_cycles = 100;

/// CPUs that come and go, while all that are there send each other requests, answered with as many
/// bytes, and are told by their kernels who goes and comes.
struct MembershipSpec {
  static constexpr AboutWorkload about{"membership",
                                       "CPUs come and go; all others talk, and are told of it"};
  static constexpr std::uint32_t usual_bytes = 32;
  static constexpr std::uint64_t usual_requests_per_interval = 8;
  Source at;
  std::uint64_t count = 0;  ///< restarts to be drawn; then `until_cycle` is 0
  std::uint32_t bytes = 0;  ///< of each request
  std::uint64_t pause_cycles = 0;   ///< mean time between two requests of a CPU, at least 1
  std::uint64_t least_off = 0, most_off = 0;  ///< cycles that a CPU is off, from least_off_cycles
  std::uint64_t stable_cycles = 0;  ///< between two restarts, beginning to beginning, at least
  bool all = false;                 ///< whether too many may be off for the rest to be a quorum
  std::uint64_t until_cycle = 0;    ///< restarts have been drawn: requests are sent up to then
  std::uint64_t drain_cycles = 0;   ///< drain_intervals; what was sent has ended by then
  bool operator==(const MembershipSpec&) const = default;

  static void keys(auto& k, auto& its) {
    const std::uint64_t interval = k.alive_interval();
    k.number("rounds", its.count, 0, most_rounds);
    if (k.when(its.count != 0)) {
      k.times("off", its.least_off, its.most_off, least_off_cycles);
      k.time("stable", its.stable_cycles);
      k.flag("all", its.all);
    }
    k.number("bytes", its.bytes, 0, max_message_bytes, usual_bytes);
    k.true_pause("pause", its.pause_cycles, interval / usual_requests_per_interval);
    if (k.when(its.count == 0)) k.time("until", its.until_cycle);
    k.derived(its.drain_cycles, drain_intervals * interval);
  }
};

inline constexpr std::uint32_t most_accounts = 10'000;
inline constexpr std::uint32_t most_tellers = 1000;
inline constexpr unsigned most_terminals = 256;
inline constexpr std::uint64_t most_transactions = 20'000;  // of a terminal: the history has room

/// A bank: terminals ask for transactions, each a change of an account, a teller, a branch and a
/// line of history (the 1985 mix). Each disk of the scenario is a partition, with a branch and
/// accounts of its own, served by process pairs on the disk's two CPUs; see
/// workload/bank_servers.h.
struct DebitCreditSpec {
  static constexpr AboutWorkload about{
      "debit-credit", "a bank on disks and process pairs: account, teller, branch, history",
      "transactions"};
  Source at;
  unsigned terminals = 8;         ///< processes, one after the other on `cpus`
  std::vector<unsigned> cpus;     ///< who has terminals, each once, in ascending order
  std::uint64_t count = 0;        ///< transactions of each terminal
  std::uint64_t pause_cycles = 0;  ///< mean time that a terminal thinks
  std::uint32_t accounts = 1000;  ///< of each partition
  std::uint32_t tellers = 10;     ///< of each branch
  double remote = 0;              ///< share of transactions on an account of another partition
  bool errors = false;            ///< terminals may be told of errors: more than one thing fails
  bool operator==(const DebitCreditSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.number("terminals", its.terminals, 1, most_terminals, its.terminals);
    k.cpus("cpus", its.cpus, 1);
    k.number("count", its.count, 1, most_transactions);
    k.pause("think", its.pause_cycles);
    k.number("accounts", its.accounts, 1, most_accounts, its.accounts);
    k.number("tellers", its.tellers, 1, most_tellers, its.tellers);
    k.fraction("remote", its.remote);
    k.flag("errors", its.errors);
  }
};

inline constexpr unsigned most_map_clients = 256;
inline constexpr unsigned most_map_servers = 16;
inline constexpr std::uint32_t most_map_keys = 4096;
inline constexpr std::uint64_t most_map_operations = 100'000;  // of a client
inline constexpr unsigned most_share = 100;

/// A replicated map: each of some server pairs has a share of the keys, server n beginning on CPU n
/// (counted round) with its backup on the next one. Clients read, write, and set a key if it has
/// the value that they expect; whether one map could have answered so is checked.
struct KeyValueSpec {
  static constexpr AboutWorkload about{
      "key-value", "a map kept by process pairs: clients read, write, compare and swap",
      "operations"};
  Source at;
  unsigned clients = 8;           ///< processes, one after the other on `cpus`
  std::vector<unsigned> cpus;     ///< who has clients, each once, in ascending order
  std::uint64_t count = 0;        ///< operations of each client
  std::uint64_t pause_cycles = 0;  ///< mean time that a client thinks
  unsigned servers = 4;           ///< pairs
  std::uint32_t keys_count = 16;
  unsigned reads = 2, writes = 1, swaps = 1;  ///< shares of the operations
  bool errors = false;            ///< clients may be told of errors: more than one thing fails
  bool operator==(const KeyValueSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.number("clients", its.clients, 1, most_map_clients, its.clients);
    k.cpus("cpus", its.cpus, 1);
    k.number("count", its.count, 1, most_map_operations);
    k.pause("think", its.pause_cycles);
    k.number("servers", its.servers, 1, most_map_servers, its.servers);
    k.number("keys", its.keys_count, 1, most_map_keys, its.keys_count);
    k.number("reads", its.reads, 1, most_share, its.reads);
    k.number("writes", its.writes, 0, most_share, its.writes);
    k.number("swaps", its.swaps, 0, most_share, its.swaps);
    k.flag("errors", its.errors);
  }
};

inline constexpr unsigned most_copiers = 32;
inline constexpr std::uint64_t most_copied_bytes = 1'000'000;
inline constexpr std::uint32_t most_piece_bytes = 32 * 1024;  // of a request to a disk process
inline constexpr std::uint64_t most_copies = 10'000;

/// Copiers of files between the scenario's volumes: copier n has a file on disk n (counted round)
/// and its copy on the next one. Time after time it writes the file anew, copies it piece by piece,
/// and reads the copy back.
struct FileCopySpec {
  static constexpr AboutWorkload about{
      "file-copy", "files written, copied to another volume, and read back there", "copies"};
  Source at;
  unsigned copiers = 4;         ///< processes, one after the other on `cpus`
  std::vector<unsigned> cpus;   ///< who has copiers, each once, in ascending order
  std::uint64_t count = 0;      ///< copies that each makes
  std::uint64_t bytes = 0;      ///< of each file
  std::uint32_t piece = 4096;   ///< bytes of a request, at most
  std::uint64_t pause_cycles = 0;  ///< mean time before each copy
  bool errors = false;          ///< copiers may be told of errors: more than one thing fails
  bool operator==(const FileCopySpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.number("copiers", its.copiers, 1, most_copiers, its.copiers);
    k.cpus("cpus", its.cpus, 1);
    k.number("count", its.count, 1, most_copies);
    k.number("bytes", its.bytes, 1, most_copied_bytes);
    k.number("piece", its.piece, 1, most_piece_bytes, its.piece);
    k.pause("pause", its.pause_cycles);
    k.flag("errors", its.errors);
  }
};

/// Somebody before a command interpreter at each terminal of the scenario, until he leaves it or
/// has no more to type; see workload/session.cpp.
struct SessionSpec {
  static constexpr AboutWorkload about{
      "session", "a command interpreter at each terminal: run, status, stop, who", "sessions"};
  Source at;
  std::vector<unsigned> cpus;  ///< who has the interpreters, one after the other, ascending
  std::uint64_t count = 0;     ///< 1 at each terminal
  std::uint64_t pause_cycles = 0;
  bool operator==(const SessionSpec&) const = default;

  static void keys(auto& k, auto& its) {
    k.cpus("cpus", its.cpus, 1);
    k.derived(its.count, 1);
  }
};

/// All kinds there are.
using WorkloadSpec = std::variant<PingSpec, StreamSpec, AllToAllSpec, LinksSpec, UpdatesSpec,
                                  MembershipSpec, DebitCreditSpec, KeyValueSpec, FileCopySpec,
                                  SessionSpec>;

inline const AboutWorkload& about(const WorkloadSpec& spec) {
  return std::visit([](const auto& its) -> const AboutWorkload& { return its.about; }, spec);
}
inline const char* name(const WorkloadSpec& spec) { return about(spec).name; }

/// Mean time between two sends of a client, in cycles.
inline std::uint64_t pause_of(const WorkloadSpec& spec) {
  return std::visit([](const auto& its) { return its.pause_cycles; }, spec);
}

/// One of each kind, with nothing read into it.
std::vector<WorkloadSpec> workload_kinds();

}  // namespace xybus
