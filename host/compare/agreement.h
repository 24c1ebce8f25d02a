/// Whether the processes of two runs of one scenario observed the same, time apart.
///
/// What is fixed, however fast anything goes:
/// - the links that a process makes to another one: their order, tags and request bytes, and how
///   each is completed and with how many bytes of reply;
/// - what a server sees of each of these links, and in which order it sees those of one requestor
///   (a server that takes requests as they come, as ours do);
/// - which processes a CPU makes and stops.
/// What is not, and is never compared: cycles; how events of different peers interleave; in which
/// order replies come (one that its CPU was too busy to take is sent again behind later ones);
/// which bus carried what; names of link control blocks.
///
/// A request that is refused for want of room is sent again later, under another tag: its
/// requestor's links are compared one by one up to the first refusal in either run, and counted
/// behind it. With faults it depends on timing which links fail, and where CPUs are to talk for a
/// time, how many are made: only those are compared that were completed without error in both runs,
/// and neither is who thinks whom to be down.
///
/// In which order global updates of several CPUs come is a matter of timing, and so is which links
/// the kernels make for them: where there are any, those of the kernel's own processes are left
/// out.
///
/// What a server pair checkpoints depends on the order in which requests of several processes come,
/// and that on timing: where there are pairs, what their members send each other is left out, as
/// are links of the kernels' own processes, which make and name them.
///
/// How far a link got that its requestor broke depends on timing too: where workloads do that, a
/// link that was broken before its end in either run is left out. So is in which order a server
/// that holds several links reads and answers them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compare/observations.h"

namespace xybus {

struct CompareRules {
  /// There are faults, a run did not come to its end, or how many links are made is a matter of
  /// time.
  bool partial = false;
  std::uint32_t cpus_apart = 0;   ///< CPUs whose processes may come to an early end, a bit each
  std::uint32_t breaks = 0;       ///< CPUs with a server to which links are broken, a bit each
  std::uint32_t any_order = 0;    ///< CPUs with a server that replies in any order, a bit each
  bool updates = false;           ///< there are global updates
  bool pairs = false;             ///< there are process pairs
};

struct Difference {
  /// "the order in which CPU 1 process 2 listened to links from CPU 0 process 3"
  std::string what;
  PlacedEvent a, b;  ///< both missing for a difference in numbers
};

struct Agreement {
  std::vector<Difference> differences;  ///< by their place in the first run; empty: they agree
  std::uint64_t links = 0;              ///< compared, all that was seen of them
  std::uint64_t requestors = 0;         ///< processes that made those
  std::uint64_t servers = 0;            ///< processes that they went to
  std::uint64_t processes = 0;          ///< compared for being made and stopped
  // Links left out, each counted once, for the first reason that holds:
  std::uint64_t behind_refusal = 0;  ///< at or behind a refusal
  std::uint64_t in_one_run = 0;      ///< made in one run only (partial)
  std::uint64_t cancelled = 0;       ///< broken before its end in either run
  std::uint64_t failed = 0;          ///< failed, or open at the end, in either run (partial)
  std::uint64_t system = 0;          ///< made by the kernel's own processes (updates, pairs)
  std::uint64_t of_pairs = 0;        ///< from one member of a pair to the other (pairs)

  std::uint64_t left_out() const {
    return behind_refusal + in_one_run + cancelled + failed + system + of_pairs;
  }
};

/// `a` and `b` must outlive the result.
Agreement compare(const Observations& a, const Observations& b, const CompareRules& rules);

}  // namespace xybus
