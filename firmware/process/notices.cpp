#include "firmware/process/notices.h"

#include <algorithm>
#include <utility>

namespace xybus {

using contract::Error;

namespace {

/// A CPU that is in no view yet knows of itself alone.
bool is_up(const Membership& membership, const ProcessHandle& to) {
  const View& view = membership.view();
  return has(view.members.mask, to.at.cpu) ? view.contains(to.at.cpu, to.epoch)
                                           : membership.up(to.at.cpu);
}

}  // namespace

void Notices::add(const ProcessHandle& to, std::uint32_t tag, std::vector<std::byte> message) {
  notices_.push_back({to, tag, std::move(message)});
}

/// In the order in which they were added. The order of those to one process is kept, because links
/// to it are: one that finds no LCB holds up all behind it.
void Notices::send(Process& self) {
  waits_ = false;
  unsigned under_way = 0;
  for (std::size_t i = 0; i < notices_.size() && under_way < most_links;) {
    Notice& notice = notices_[i];
    if (notice.link) {
      ++under_way;
      ++i;
      continue;
    }
    const ProcessHandle& to = notice.to;
    // A process that is gone with its CPU needs to be told nothing.
    Error error = Error::path_down;
    if (is_up(membership_, to)) {
      const auto link = messages_.link(self, to.at, notice.message, {}, notice.tag);
      if (link) notice.link = *link;
      error = link ? Error::none : link.error();
    }
    if (error == Error::no_lcb) {
      waits_ = true;
      return;
    }
    if (error != Error::none) {
      notices_.erase(notices_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++under_way;
      ++i;
    }
  }
}

bool Notices::ended(const Completion& completion) {
  const auto found = std::ranges::find(notices_, completion.link, &Notice::link);
  if (!completion.link || found == notices_.end()) return false;
  if (completion.error == Error::no_lcb || completion.error == Error::timeout) {
    found->link = {};  // it was not delivered: once more, after a pause
    waits_ = true;
  } else {
    notices_.erase(found);
  }
  return true;
}

}  // namespace xybus
