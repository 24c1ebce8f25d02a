/// The messages that a process has read from $RECEIVE and not replied to, each with its tag.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "firmware/filesystem/file_types.h"

namespace xybus {

/// A message that was read.
struct Unanswered {
  bool used = false;
  LinkId link = {};  ///< None: the file system made it, and nobody waits for a reply.
  contract::FileOperation operation{};
  OpenId open = {};
  ProcessHandle from = {};
  std::uint32_t read_count = 0;
};

class ReceiveTags {
 public:
  void set_depth(unsigned depth) { slots_.assign(depth, {}); }

  bool full() const { return std::ranges::all_of(slots_, &Unanswered::used); }
  bool empty() const { return std::ranges::none_of(slots_, &Unanswered::used); }

  /// Takes the lowest tag that is free; there is one.
  unsigned add(Unanswered message) {
    const auto at = std::ranges::find(slots_, false, &Unanswered::used);
    message.used = true;
    *at = message;
    return last_ = static_cast<unsigned>(at - slots_.begin());
  }

  /// The message with this tag; nullptr when there is none.
  const Unanswered* find(unsigned tag) const {
    return tag < slots_.size() && slots_[tag].used ? &slots_[tag] : nullptr;
  }
  std::optional<unsigned> find(LinkId link) const {
    const auto at = std::ranges::find_if(
        slots_, [&](const Unanswered& slot) { return slot.used && slot.link == link; });
    if (at == slots_.end()) return std::nullopt;
    return static_cast<unsigned>(at - slots_.begin());
  }
  void remove(unsigned tag) { slots_[tag] = {}; }
  /// That of the message read last.
  unsigned last() const { return last_; }
  unsigned depth() const { return static_cast<unsigned>(slots_.size()); }

 private:
  std::vector<Unanswered> slots_;
  unsigned last_ = 0;
};

}  // namespace xybus
