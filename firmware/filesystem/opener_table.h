/// Who has a server open: for each open the process that opened, and its backup if that has too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firmware/filesystem/file_types.h"
#include "firmware/membership/membership.h"

namespace xybus {

struct Opener {
  OpenId open;
  ProcessHandle primary;
  ProcessHandle backup;  ///< None while there is none that has opened too.
};

class OpenerTable {
 public:
  static constexpr std::size_t most_openers = 4096;

  /// `member` has this open: alone, or beside another of its pair, who opened before. False if
  /// there is no room.
  bool add(const OpenId& open, const ProcessHandle& member);
  /// It has not any more. Its backup then has it alone; the entry goes with the last one. False
  /// if it had not.
  bool remove(const OpenId& open, const ProcessHandle& member);
  /// Removes all processes whose CPU is not in the view, or is there as another incarnation.
  void remove_lost(const Membership& membership);

  const Opener* find(const OpenId& open) const;
  /// In the order of OpenIds.
  std::span<const Opener> openers() const { return openers_; }

 private:
  std::vector<Opener> openers_;
};

/// Which of them a request comes from, by its place; `created` is 0 when it is neither, which a
/// backup is that has taken over and has not opened.
ProcessHandle sender(const Opener& opener, ProcessAddress from);

}  // namespace xybus
