/// Finds the process that serves a file: by its name, when the one before does not answer.
///
///     opening ────────────── the server has replied ──────────────▶ ready
///       ▲  │                                                         │  ▲ │
///       │  └─ no answer ─▶ searching ◀── a request was lost ─────────┘  │ │
///       │                      │                                        │ │
///       │                      └─ another primary, or a pause is over ──┘ │
///       └──────────────── the server does not know the open ──────────────┘
///
/// A search looks at the destination control table, and again whenever that changes. It ends with
/// an error when nobody has the name, another pair has it - one that was given the name anew, see
/// DctEntry::first; members may have been replaced - or nothing has come of it in 8 I'm-alive
/// intervals. The same primary is asked again 8 times in an interval: it may have been the last to
/// hear that it is the primary.
#pragma once

#include <cstdint>

#include "firmware/filesystem/open_file.h"
#include "firmware/process/guardian.h"

namespace xybus {

class PathRetry {
 public:
  explicit PathRetry(Guardian& guardian) : guardian_(guardian) {}

  /// Whether an error says that the path, or the process at its end, is not what it was.
  static bool concerns_path(contract::Error error);

  /// Looks up the name of a file for the first time. False if it is nobody's.
  bool find(OpenFile& file);

  /// Sends an open to the server of a file.
  void open(OpenFile& file);

  /// A request that was sent there has met an error that concerns the path. False if the file is
  /// one whose path is not searched: the error is the program's.
  bool lost(OpenFile& file, const ProcessHandle& sent_to, contract::Error error);

  /// What a program is told when the server of a file that is not searched has stopped:
  /// `path_down`, or `other_process` if another has its name now.
  contract::Error gone(const OpenFile& file) const;

  /// Takes note of a change of roles before a request is sent, of which nobody has told this file.
  void look(OpenFile& file);

  /// Goes on with an open or a search. Gives an error when it has ended with one, once: what waits
  /// for the path has failed. `too_many`: the server is not one that takes so many requests at a
  /// time; it has the open.
  contract::Error advance(OpenFile& file);

  /// The path is good: the server has answered.
  static void good(OpenFile& file);

  /// When to call advance though nothing comes.
  static std::uint64_t wake_at(const OpenFile& file);

 private:
  using Error = contract::Error;

  Error search(OpenFile& file);
  Error opened(OpenFile& file, const Completion& completion);
  static bool moved(const OpenFile& file, const DctEntry& entry);
  static void go_to(OpenFile& file, const DctEntry& entry);
  Error fail(OpenFile& file, Error error);

  Guardian& guardian_;
};

}  // namespace xybus
