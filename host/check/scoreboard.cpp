#include "check/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace xybus {

using contract::Error;

Scoreboard::Scoreboard(Options options)
    : options_(std::move(options)), content_(options_.seed) {}

Scoreboard::Flow& Scoreboard::flow(const MessageId& id) {
  assert(id.from < contract::max_nodes && id.to < contract::max_nodes);
  if (flows_.size() <= id.workload) flows_.resize(id.workload + 1U);
  auto& of_workload = flows_[id.workload];
  constexpr std::size_t pairs = contract::max_nodes * contract::max_nodes;
  const std::size_t needed = (id.requestor + std::size_t{1}) * pairs;
  if (of_workload.size() < needed) of_workload.resize(needed);
  return of_workload[id.requestor * pairs + id.from * contract::max_nodes + id.to];
}

MessageId Scoreboard::id_of(std::uint16_t workload, std::size_t flow, std::uint32_t number) const {
  const std::size_t from = flow / contract::max_nodes;
  return {workload,
          static_cast<std::uint8_t>(from % contract::max_nodes),
          static_cast<std::uint8_t>(flow % contract::max_nodes),
          Direction::request,
          number,
          static_cast<std::uint8_t>(from / contract::max_nodes)};
}

Scoreboard::Entry* Scoreboard::find(Flow& flow, std::uint32_t number) {
  const auto found = std::find_if(flow.open.begin(), flow.open.end(),
                                  [&](const Entry& each) { return each.number == number; });
  return found == flow.open.end() ? nullptr : &*found;
}

void Scoreboard::close(Flow& flow, const Entry& entry) {
  flow.open.erase(flow.open.begin() + (&entry - flow.open.data()));
  --open_;
}

void Scoreboard::complain(const MessageId& id, std::uint64_t cycle, const std::string& what) {
  const auto when = cycle > 0 ? std::optional(cycle) : std::nullopt;  // of a refusal: unknown
  if (!complaints_.wants_text()) return complaints_.add({}, when);
  const std::string route = options_.route ? options_.route(id) : "";
  complaints_.add(fmt::format("cycle {}: {}: {}{}{}", cycle, describe(id), what,
                              route.empty() ? "" : "; came by ", route),
                  when);
}

void Scoreboard::sent(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes,
                      std::uint32_t reply_bytes, Error reply_error) {
  flow(id).open.push_back({cycle, id.number, bytes, reply_bytes, reply_error});
  ++open_;
  ++result_.sent;
}

void Scoreboard::refused(const MessageId& id) {
  Flow& its_flow = flow(id);
  const Entry* entry = find(its_flow, id.number);
  if (entry == nullptr) return complain(id, 0, "refused, but never sent");
  if (entry->listened) complain(id, entry->sent_cycle, "refused, but its server listened to it");
  close(its_flow, *entry);
  --result_.sent;
  ++refused_;
}

void Scoreboard::listened(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes) {
  progress_cycle_ = std::max(progress_cycle_, cycle);
  Flow& its_flow = flow(id);
  Entry* entry = find(its_flow, id.number);
  const bool again = its_flow.last_listened && id.number <= *its_flow.last_listened;
  const auto found = its_flow.broken.find(id.number);
  Broken* const broken = found != its_flow.broken.end() ? &found->second : nullptr;
  const bool late = entry == nullptr && (its_flow.given_up.erase(id.number) != 0 ||
                                         (broken && !std::exchange(broken->listened, true)));
  const bool anew = entry != nullptr && std::exchange(entry->once_more, false);
  if (again && !late && (entry == nullptr || (entry->listened && !anew))) {
    ++result_.duplicated;
    return complain(id, cycle, "delivered a second time");
  }
  if (again) {
    complain(id, cycle, fmt::format("out of order: delivered after request {}",
                                    *its_flow.last_listened));
  } else {
    its_flow.last_listened = id.number;
  }
  if (entry == nullptr && !late) {
    return complain(id, cycle, "delivered, but no such message is under way");
  }
  const std::uint32_t expected = entry ? entry->bytes : broken ? broken->bytes : bytes;
  if (expected != bytes) {
    complain(id, cycle, fmt::format("expected {} bytes, actual {}", expected, bytes));
  }
  if (late) return;
  entry->listened = true;
  if (bytes == 0) entry->read = true;
  latency_.add(cycle - entry->sent_cycle);
}

void Scoreboard::read(const MessageId& id, std::uint64_t cycle, std::span<std::byte> bytes) {
  ++requests_read_;
  if (options_.sabotage == requests_read_ && !bytes.empty()) {
    bytes[bytes.size() / 2] ^= std::byte{0x10};
    sabotaged_ = true;
  }
  Entry* entry = find(flow(id), id.number);
  verify(id, cycle, bytes,
         entry != nullptr ? entry->bytes : static_cast<std::uint32_t>(bytes.size()));
  if (entry != nullptr) entry->read = true;
}

void Scoreboard::verify(const MessageId& id, std::uint64_t cycle,
                        std::span<const std::byte> bytes, std::uint32_t expected_bytes) {
  if (bytes.size() != expected_bytes) {
    ++result_.corrupted;
    return complain(id, cycle,
                    fmt::format("expected {} bytes, actual {}", expected_bytes, bytes.size()));
  }
  refute(id, cycle, expected_bytes, content_.verify(id, bytes));
}

void Scoreboard::read_part(const MessageId& id, std::uint64_t cycle, std::uint32_t offset,
                           std::span<const std::byte> bytes) {
  refute(id, cycle, static_cast<std::uint32_t>(bytes.size()),
         content_.verify_part(id, offset, bytes));
  if (Entry* entry = find(flow(id), id.number)) entry->read = true;
}

void Scoreboard::refute(const MessageId& id, std::uint64_t cycle, std::uint32_t bytes,
                        const std::optional<Mismatch>& mismatch) {
  if (!mismatch) return;
  ++result_.corrupted;
  complain(id, cycle,
           fmt::format("{} of {} bytes wrong, from offset {}: expected {}, actual {}",
                       mismatch->count, bytes, mismatch->offset, mismatch->expected,
                       mismatch->actual));
}

void Scoreboard::done(const MessageId& id, std::uint64_t cycle, Error error,
                      std::span<const std::byte> reply) {
  progress_cycle_ = std::max(progress_cycle_, cycle);
  Flow& its_flow = flow(id);
  const Entry* entry = find(its_flow, id.number);
  if (entry == nullptr) {
    return complain(id, cycle, its_flow.broken.contains(id.number)
                                   ? "completed after its requestor broke the link"
                                   : "completed, but no such message is under way");
  }
  if (error == entry->reply_error) {
    ++result_.delivered;
    round_trip_.add(cycle - entry->sent_cycle);
    if (!entry->listened) complain(id, cycle, "completed, but its server never saw it");
    else if (!entry->read) complain(id, cycle, "completed, but its server never read it");
    MessageId reply_id = id;
    reply_id.direction = Direction::reply;
    verify(reply_id, cycle, reply, entry->reply_bytes);
  } else if (error == Error::none) {
    ++result_.delivered;
    complain(id, cycle, fmt::format("completed without error, and its server replied with {} ({})",
                                    static_cast<unsigned>(entry->reply_error),
                                    name(entry->reply_error)));
  } else {
    ++result_.failed;
    const bool indeterminate = error == Error::path_down || error == Error::cpu_failed;
    if (!excused(id)) {
      complain(id, cycle,
               fmt::format("failed with {} ({}), and neither CPU was halted, has left the view, or "
                           "had its memory changed",
                           static_cast<unsigned>(error), name(error)));
    } else if (entry->listened && !indeterminate) {
      complain(id, cycle,
               fmt::format("failed with {} ({}), which says that it was not delivered; it was",
                           static_cast<unsigned>(error), name(error)));
    }
    if ((!entry->listened || entry->once_more) && indeterminate) {
      its_flow.given_up.insert(id.number);
    }
  }
  close(its_flow, *entry);
}

void Scoreboard::cancelled(const MessageId& id, std::uint64_t cycle) {
  progress_cycle_ = std::max(progress_cycle_, cycle);
  Flow& its_flow = flow(id);
  const Entry* entry = find(its_flow, id.number);
  if (entry == nullptr) return complain(id, cycle, "broken, but no such message is under way");
  ++result_.cancelled;
  // If its server is through with it there is nothing left to be seen of it.
  if (!entry->answered) {
    its_flow.broken[id.number] = {cycle, entry->sent_cycle, entry->bytes, entry->listened};
  }
  close(its_flow, *entry);
}

// What nobody knows of any more was sent long ago.
bool Scoreboard::excused(const MessageId& id) {
  Flow& its_flow = flow(id);
  std::uint64_t sent_cycle = 0;
  if (const Entry* entry = find(its_flow, id.number)) {
    sent_cycle = entry->sent_cycle;
  } else if (const auto found = its_flow.broken.find(id.number); found != its_flow.broken.end()) {
    sent_cycle = found->second.sent_cycle;
  }
  return options_.excused && options_.excused(id.from, id.to, sent_cycle);
}

void Scoreboard::told(const MessageId& id, std::uint64_t cycle) {
  if (excused(id)) return;
  const auto& broken = flow(id).broken;
  if (const auto found = broken.find(id.number); found == broken.end()) {
    complain(id, cycle, "its server was told that it is cancelled, and its requestor did not "
                        "break the link");
  } else if (!found->second.listened) {
    complain(id, cycle, "its server was told that it is cancelled before it knew of it");
  }
}

void Scoreboard::answered(const MessageId& id, std::uint64_t cycle, Error error, bool told) {
  Flow& its_flow = flow(id);
  if (Entry* entry = find(its_flow, id.number)) entry->answered = true;
  auto& broken = its_flow.broken;
  const auto found = broken.find(id.number);
  if (error == Error::none && told) {
    complain(id, cycle, "its server replied to it without error after it knew it to be cancelled");
  } else if (error == Error::nothing_outstanding && found == broken.end() && !excused(id)) {
    complain(id, cycle, "writelink says that it is cancelled, and its requestor did not break "
                        "the link");
  } else if (error != Error::none && error != Error::nothing_outstanding) {
    complain(id, cycle, fmt::format("writelink gave {} ({})", static_cast<unsigned>(error),
                                    name(error)));
  } else if (error == Error::none && found != broken.end() && !excused(id) &&
             cycle > found->second.cycle + cancel_patience) {
    complain(id, cycle, fmt::format("its server replied to it without error; the link was broken "
                                    "at cycle {}", found->second.cycle));
  }
  if (found != broken.end()) broken.erase(found);
}

void Scoreboard::cpu_halted(unsigned cpu) {
  for (auto& of_workload : flows_) {
    for (std::size_t i = 0; i < of_workload.size(); ++i) {
      if (i / contract::max_nodes % contract::max_nodes != cpu) continue;
      Flow& its_flow = of_workload[i];
      orphaned_ += its_flow.open.size();
      result_.failed += its_flow.open.size();
      open_ -= its_flow.open.size();
      for (const Entry& entry : its_flow.open) {
        if (!entry.listened) its_flow.given_up.insert(entry.number);
      }
      its_flow.open.clear();
    }
  }
}

void Scoreboard::cpu_restarted(unsigned cpu) {
  for (auto& of_workload : flows_) {
    for (std::size_t i = cpu; i < of_workload.size(); i += contract::max_nodes) {
      Flow& its_flow = of_workload[i];
      its_flow.last_listened.reset();
      for (Entry& entry : its_flow.open) entry.once_more = entry.listened;
    }
  }
}

void Scoreboard::finish() {
  if (options_.sabotage && !sabotaged_) {
    complaints_.add(fmt::format("request {}, to be sabotaged, was never read with any bytes; {} "
                                "requests were read",
                                *options_.sabotage, requests_read_));
  }
  finish_broken();
  result_.lost += open_;
  if (open_ == 0) return;
  for (const std::string& line : open_messages(Complaints::kept)) complaints_.add("lost: " + line);
  for (std::uint64_t i = Complaints::kept; i < open_; ++i) complaints_.add({});
}

// A server may hold a link for ever, but not one that is cancelled: it is told, and lets it go.
void Scoreboard::finish_broken() {
  for (std::uint16_t workload = 0; workload < flows_.size(); ++workload) {
    for (std::size_t i = 0; i < flows_[workload].size(); ++i) {
      for (const auto& [number, broken] : flows_[workload][i].broken) {
        const MessageId id = id_of(workload, i, number);
        if (!broken.listened || progress_cycle_ <= broken.cycle + cancel_patience) continue;
        if (excused(id)) continue;
        complain(id, broken.cycle, "broken by its requestor then, and its server still has it");
      }
    }
  }
}

std::vector<std::string> Scoreboard::open_messages(std::size_t most) const {
  std::vector<std::string> lines;
  for (std::uint16_t workload = 0; workload < flows_.size(); ++workload) {
    for (std::size_t i = 0; i < flows_[workload].size(); ++i) {
      for (const Entry& entry : flows_[workload][i].open) {
        if (lines.size() == most) return lines;
        const MessageId id = id_of(workload, i, entry.number);
        const char* const how_far =
            entry.read       ? "read by its server, not completed by its requestor"
            : entry.listened ? "listened to, not read yet"
                             : "not listened to yet";
        lines.push_back(fmt::format("{}: sent at cycle {}, {}", describe(id), entry.sent_cycle,
                                    how_far));
      }
    }
  }
  return lines;
}

CheckResult Scoreboard::check() const {
  std::string good =
      fmt::format("{} messages: {} delivered once, in order, every byte right; {} reported failed",
                  result_.sent, result_.delivered, result_.failed);
  if (orphaned_ > 0) good += fmt::format(" ({} of a halted CPU's own)", orphaned_);
  if (result_.cancelled > 0) good += fmt::format("; {} cancelled", result_.cancelled);
  if (refused_ > 0) {
    good += fmt::format("; {} times refused for want of room, sent again", refused_);
  }
  return complaints_.result("scoreboard", std::move(good));
}

}  // namespace xybus
