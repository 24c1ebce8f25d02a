#include "check/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace xybus {

using contract::Error;

Scoreboard::Scoreboard(Options options)
    : options_(std::move(options)), content_(options_.seed) {}

Scoreboard::Flow& Scoreboard::flow(const MessageId& id) {
  assert(id.from < contract::max_nodes && id.to < contract::max_nodes);
  if (flows_.size() <= id.workload) flows_.resize(id.workload + 1U);
  auto& of_workload = flows_[id.workload];
  if (of_workload.empty()) of_workload.resize(contract::max_nodes * contract::max_nodes);
  return of_workload[id.from * contract::max_nodes + id.to];
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
                      std::uint32_t reply_bytes) {
  flow(id).open.push_back({cycle, id.number, bytes, reply_bytes});
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
  ++progress_;
  progress_cycle_ = std::max(progress_cycle_, cycle);
  Flow& its_flow = flow(id);
  Entry* entry = find(its_flow, id.number);
  const bool again = its_flow.last_listened && id.number <= *its_flow.last_listened;
  const bool late = entry == nullptr && its_flow.given_up.erase(id.number) != 0;
  if (again && !late && (entry == nullptr || entry->listened)) {
    ++result_.duplicated;
    return complain(id, cycle, "delivered a second time");
  }
  if (again) {
    complain(id, cycle, fmt::format("out of order: delivered after request {}",
                                    *its_flow.last_listened));
  } else {
    its_flow.last_listened = id.number;
  }
  if (late) return;
  if (entry == nullptr) {
    return complain(id, cycle, "delivered, but no such message is under way");
  }
  if (entry->bytes != bytes) {
    complain(id, cycle, fmt::format("expected {} bytes, actual {}", entry->bytes, bytes));
  }
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
  const auto mismatch = content_.verify(id, bytes);
  if (!mismatch) return;
  ++result_.corrupted;
  complain(id, cycle,
           fmt::format("{} of {} bytes wrong, from offset {}: expected {}, actual {}",
                       mismatch->count, bytes.size(), mismatch->offset, mismatch->expected,
                       mismatch->actual));
}

void Scoreboard::done(const MessageId& id, std::uint64_t cycle, Error error,
                      std::span<const std::byte> reply) {
  ++progress_;
  progress_cycle_ = std::max(progress_cycle_, cycle);
  Flow& its_flow = flow(id);
  const Entry* entry = find(its_flow, id.number);
  if (entry == nullptr) return complain(id, cycle, "completed, but no such message is under way");
  if (error == Error::none) {
    ++result_.delivered;
    round_trip_.add(cycle - entry->sent_cycle);
    if (!entry->listened) complain(id, cycle, "completed, but its server never saw it");
    else if (!entry->read) complain(id, cycle, "completed, but its server never read it");
    MessageId reply_id = id;
    reply_id.direction = Direction::reply;
    verify(reply_id, cycle, reply, entry->reply_bytes);
  } else {
    ++result_.failed;
    const bool indeterminate = error == Error::path_down || error == Error::cpu_failed;
    if (!options_.excused || !options_.excused(id.from, id.to)) {
      complain(id, cycle,
               fmt::format("failed with {} ({}), and neither CPU is halted nor are both its "
                           "paths cut",
                           static_cast<unsigned>(error), name(error)));
    } else if (entry->listened && !indeterminate) {
      complain(id, cycle,
               fmt::format("failed with {} ({}), which says that it was not delivered; it was",
                           static_cast<unsigned>(error), name(error)));
    }
    if (!entry->listened && indeterminate) its_flow.given_up.insert(id.number);
  }
  close(its_flow, *entry);
}

void Scoreboard::cpu_halted(unsigned cpu) {
  halted_ |= 1U << cpu;
  for (auto& of_workload : flows_) {
    for (unsigned to = 0; to < contract::max_nodes && !of_workload.empty(); ++to) {
      Flow& its_flow = of_workload[cpu * contract::max_nodes + to];
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

void Scoreboard::finish() {
  if (options_.sabotage && !sabotaged_) {
    complaints_.add(fmt::format("request {}, to be sabotaged, was never read with any bytes; {} "
                                "requests were read",
                                *options_.sabotage, requests_read_));
  }
  result_.lost += open_;
  if (open_ == 0) return;
  for (const std::string& line : open_messages(Complaints::kept)) complaints_.add("lost: " + line);
  for (std::uint64_t i = Complaints::kept; i < open_; ++i) complaints_.add({});
}

std::vector<std::string> Scoreboard::open_messages(std::size_t most) const {
  std::vector<std::string> lines;
  for (std::uint16_t workload = 0; workload < flows_.size(); ++workload) {
    for (unsigned pair = 0; pair < flows_[workload].size(); ++pair) {
      for (const Entry& entry : flows_[workload][pair].open) {
        if (lines.size() == most) return lines;
        const MessageId id{workload, static_cast<std::uint8_t>(pair / contract::max_nodes),
                           static_cast<std::uint8_t>(pair % contract::max_nodes),
                           Direction::request, entry.number};
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
  if (refused_ > 0) {
    good += fmt::format("; {} times refused for want of room, sent again", refused_);
  }
  return complaints_.result("scoreboard", std::move(good));
}

}  // namespace xybus
