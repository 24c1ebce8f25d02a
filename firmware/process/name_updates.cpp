#include "firmware/process/name_updates.h"

#include <bit>
#include <utility>

namespace xybus {

using contract::Error;

std::uint32_t NameUpdates::add(const DctUpdate& update) {
  if (++last_number_ == 0) ++last_number_;
  queue_.push_back({last_number_, update});
  return last_number_;
}

void NameUpdates::start(Process& self) {
  waits_ = false;
  if (request_) return;
  DctUpdate next;
  std::uint32_t number = 0;
  if (const auto gone = orphan()) {
    next = *gone;
  } else if (!queue_.empty()) {
    next = queue_.front().update;
    number = queue_.front().number;
  } else {
    return;
  }
  request_.emplace(Dct::table, next.save());
  const auto link =
      messages_.link(self, {static_cast<std::uint8_t>(environment_.cpu()), Updater::pin},
                     request_->bytes(), {});
  if (!link) {
    request_.reset();
    waits_ = true;
    return;
  }
  link_ = *link;
  number_ = number;
  if (number != 0) queue_.pop_front();
}

/// The updater tries until it is done; what it refuses would be no update of a table.
bool NameUpdates::ended(const Completion& completion) {
  if (!request_ || completion.link != link_) return false;
  if (number_ != 0) ended_ = number_;
  request_.reset();
  link_ = {};
  return true;
}

std::optional<std::uint32_t> NameUpdates::take_ended() {
  return std::exchange(ended_, std::nullopt);
}

void NameUpdates::clear() {
  queue_.clear();
  request_.reset();
  ended_.reset();
}

/// Whom no other CPU can speak for: what the lowest CPU has to take out of the table. Not while
/// the view changes, for who enters it may be in the table already.
std::optional<DctUpdate> NameUpdates::orphan() const {
  if (!membership_.member() || membership_.changing()) return std::nullopt;
  const auto lowest = static_cast<unsigned>(std::countr_zero(membership_.view().members.mask));
  if (lowest != environment_.cpu()) return std::nullopt;
  for (const DctEntry& entry : dct_.entries()) {
    for (const ProcessHandle& handle : {entry.primary, entry.backup}) {
      if (handle && lost(handle)) {
        return DctUpdate{DctUpdate::Kind::cpu_gone, {}, handle, {}};
      }
    }
  }
  return std::nullopt;
}

bool NameUpdates::lost(const ProcessHandle& handle) const {
  return !membership_.view().contains(handle.at.cpu, handle.epoch);
}

}  // namespace xybus
