#include "firmware/filesystem/opener_table.h"

#include <algorithm>

namespace xybus {

namespace {

/// Forgets one of the two; the other is then the first. False if nobody is left.
template <class Gone>
bool keep_rest(Opener& opener, Gone gone) {
  if (opener.backup && gone(opener.backup)) opener.backup = {};
  if (gone(opener.primary)) opener.primary = std::exchange(opener.backup, {});
  return static_cast<bool>(opener.primary);
}

}  // namespace

bool OpenerTable::add(const OpenId& open, const ProcessHandle& member) {
  const auto at = std::ranges::lower_bound(openers_, open, {}, &Opener::open);
  if (at == openers_.end() || at->open != open) {
    if (openers_.size() == most_openers) return false;
    openers_.insert(at, {open, member, {}});
  } else if (at->primary != member) {
    at->backup = member;
  }
  return true;
}

bool OpenerTable::remove(const OpenId& open, const ProcessHandle& member) {
  const auto at = std::ranges::lower_bound(openers_, open, {}, &Opener::open);
  if (at == openers_.end() || at->open != open) return false;
  if (at->primary != member && at->backup != member) return false;
  if (!keep_rest(*at, [&](const ProcessHandle& h) { return h == member; })) openers_.erase(at);
  return true;
}

void OpenerTable::remove_lost(const Membership& membership) {
  const auto lost = [&](const ProcessHandle& handle) {
    return !membership.up(handle.at.cpu) || membership.epoch_of(handle.at.cpu) != handle.epoch;
  };
  std::erase_if(openers_, [&](Opener& opener) { return !keep_rest(opener, lost); });
}

const Opener* OpenerTable::find(const OpenId& open) const {
  const auto at = std::ranges::lower_bound(openers_, open, {}, &Opener::open);
  return at != openers_.end() && at->open == open ? &*at : nullptr;
}

ProcessHandle sender(const Opener& opener, ProcessAddress from) {
  if (opener.primary.at == from) return opener.primary;
  if (opener.backup && opener.backup.at == from) return opener.backup;
  return {from, 0, 0};
}

}  // namespace xybus
