#include "compare/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "firmware/dispatcher/dispatcher.h"

namespace xybus {
namespace {

std::string text_of(const ProcessAddress& process) {
  return fmt::format("CPU {} process {}", process.cpu, process.pin);
}

std::string text_of(const LinkName& link) {
  return fmt::format("the link {} -> {}, tag {}{}", text_of(link.requestor), text_of(link.server),
                     link.tag, link.occurrence > 0 ? fmt::format(" ({})", link.occurrence) : "");
}

// What a process did to links in an order that is fixed; nullptr for what has none.
const char* verb(KernelEvent::Kind kind) {
  switch (kind) {
    case KernelEvent::link_sent: return "made links to";
    case KernelEvent::link_queued: return "got links from";
    case KernelEvent::link_refused: return "had to refuse links from";
    case KernelEvent::link_listened: return "listened to links from";
    case KernelEvent::link_read: return "read links from";
    case KernelEvent::link_replied: return "answered links from";
    default: return nullptr;
  }
}

bool same(const Observed& a, const Observed& b) {
  return a.kind == b.kind && a.error == b.error && a.bytes == b.bytes;
}

// A process's first tag that was refused for want of room.
using Refusals = std::map<ProcessAddress, std::uint32_t>;

void note_refusal(Refusals& first, const ProcessAddress& process, std::uint32_t tag) {
  const auto at = first.emplace(process, tag).first;
  at->second = std::min(at->second, tag);
}

void note_refused_links(Refusals& first, const Observations& run) {
  for (const auto& [link, events] : run.requestor_ends()) {
    const auto end = run.completion(link);
    if (end == "no_lcb" || end == "timeout") note_refusal(first, link.requestor, link.tag);
  }
}

// A link that was refused at once leaves no event: only its tag is missing, below others, where
// the other run has it.
void note_missing_tags(Refusals& first, const Observations& run, const Observations& other) {
  std::map<ProcessAddress, std::set<std::uint32_t>> tags;
  for (const auto& [link, events] : run.requestor_ends()) tags[link.requestor].insert(link.tag);
  for (const auto& [link, events] : other.requestor_ends()) {
    const auto known = tags.find(link.requestor);
    if (known == tags.end() || known->second.contains(link.tag)) continue;
    if (link.tag < *known->second.rbegin()) note_refusal(first, link.requestor, link.tag);
  }
}

/// By the file system's operation, which is the tag.
bool between_pair(const LinkName& link) {
  using contract::FileOperation;
  switch (static_cast<FileOperation>(link.tag)) {
    case FileOperation::checkpoint:
    case FileOperation::checkopen:
    case FileOperation::checkclose:
    case FileOperation::checkswitch: return true;
    default: return false;
  }
}

class Comparison {
 public:
  Comparison(const Observations& a, const Observations& b, const CompareRules& rules)
      : a_(a), b_(b), rules_(rules) {}

  Agreement operator()() {
    choose_links();
    compare_streams();
    compare_ends(a_.requestor_ends(), b_.requestor_ends());
    compare_ends(a_.server_ends(), b_.server_ends());
    compare_processes();
    if (!rules_.partial) {
      compare_counts();
      compare_membership();
    }
    std::ranges::stable_sort(result_.differences, {}, [](const Difference& each) {
      return each.a.line.empty() ? each.b.number : each.a.number;
    });
    return std::move(result_);
  }

 private:
  void choose_links();
  void choose(const LinkName& link);
  void compare_streams();
  void compare_stream(const Observations::Stream& stream);
  void compare_ends(const std::map<LinkName, std::vector<std::size_t>>& a,
                    const std::map<LinkName, std::vector<std::size_t>>& b);
  void compare_counts();
  void compare_processes();
  void compare_membership();
  void compare_lists(const std::string& what, const std::vector<std::size_t>* a,
                     const std::vector<std::size_t>* b, bool peers);
  std::vector<LinkEvent> chosen(const Observations& run, const Observations::Stream& stream) const;
  bool behind_refusal(const LinkName& link) const;
  bool ordered(const Observations::Stream& stream) const {
    const auto& [own, peer, kind] = stream;
    const bool by_choice = kind == KernelEvent::link_read || kind == KernelEvent::link_replied;
    return !by_choice || (rules_.any_order >> own.cpu & 1) == 0;
  }
  bool cancelled(const LinkName& link) const {
    return (rules_.breaks >> link.server.cpu & 1) != 0 &&
           (a_.cancelled(link) || b_.cancelled(link));
  }
  bool apart(unsigned cpu) const { return (rules_.cpus_apart >> cpu & 1) != 0; }

  void differ(std::string what, const Observed* a, const Observed* b) {
    result_.differences.push_back({std::move(what), a != nullptr ? a->at : PlacedEvent{},
                                   b != nullptr ? b->at : PlacedEvent{}});
  }

  const Observations& a_;
  const Observations& b_;
  const CompareRules& rules_;
  Refusals refused_;  // the first in either run
  std::set<LinkName> links_;  // those that are compared
  Agreement result_;
};

bool Comparison::behind_refusal(const LinkName& link) const {
  const auto found = refused_.find(link.requestor);
  return found != refused_.end() && link.tag >= found->second;
}

void Comparison::choose_links() {
  note_refused_links(refused_, a_);
  note_refused_links(refused_, b_);
  if (!rules_.partial) {
    note_missing_tags(refused_, a_, b_);
    note_missing_tags(refused_, b_, a_);
  }
  std::set<LinkName> all;
  for (const Observations* run : {&a_, &b_}) {
    for (const auto& [link, events] : run->requestor_ends()) all.insert(link);
    // What only a server saw was never sent: to be told, where all is to be the same.
    for (const auto& [link, events] : run->server_ends()) {
      if (!rules_.partial) all.insert(link);
    }
  }
  std::set<ProcessAddress> requestors, servers;
  for (const LinkName& link : all) choose(link);
  for (const LinkName& link : links_) {
    requestors.insert(link.requestor);
    servers.insert(link.server);
  }
  result_.links = links_.size();
  result_.requestors = requestors.size();
  result_.servers = servers.size();
}

void Comparison::choose(const LinkName& link) {
  if ((rules_.updates || rules_.pairs) && link.requestor.pin < Dispatcher::first_pin) {
    ++result_.system;
  } else if (rules_.pairs && between_pair(link)) {
    ++result_.of_pairs;
  } else if (behind_refusal(link)) {
    ++result_.behind_refusal;
  } else if (cancelled(link)) {
    ++result_.cancelled;
  } else if (!rules_.partial) {
    links_.insert(link);
  } else if (!a_.requestor_ends().contains(link) || !b_.requestor_ends().contains(link)) {
    ++result_.in_one_run;
  } else if (a_.completion(link) != "none" || b_.completion(link) != "none") {
    ++result_.failed;
  } else {
    links_.insert(link);
  }
}

std::vector<LinkEvent> Comparison::chosen(const Observations& run,
                                          const Observations::Stream& stream) const {
  std::vector<LinkEvent> events;
  const auto found = run.streams().find(stream);
  if (found == run.streams().end()) return events;
  std::ranges::copy_if(found->second, std::back_inserter(events),
                       [&](const LinkEvent& each) { return links_.contains(each.link); });
  return events;
}

void Comparison::compare_streams() {
  std::set<Observations::Stream> streams;
  for (const Observations* run : {&a_, &b_}) {
    for (const auto& [stream, events] : run->streams()) {
      if (verb(std::get<KernelEvent::Kind>(stream)) != nullptr && ordered(stream)) {
        streams.insert(stream);
      }
    }
  }
  for (const Observations::Stream& stream : streams) compare_stream(stream);
}

void Comparison::compare_stream(const Observations::Stream& stream) {
  const auto one = chosen(a_, stream);
  const auto two = chosen(b_, stream);
  const std::size_t most = std::max(one.size(), two.size());
  for (std::size_t i = 0; i < most; ++i) {
    const bool both = i < one.size() && i < two.size();
    if (both && one[i].link == two[i].link) continue;
    const auto& [own, peer, kind] = stream;
    return differ(fmt::format("the order in which {} {} {}", text_of(own), verb(kind),
                              text_of(peer)),
                  i < one.size() ? &a_.event(one[i].event) : nullptr,
                  i < two.size() ? &b_.event(two[i].event) : nullptr);
  }
}

void Comparison::compare_ends(const std::map<LinkName, std::vector<std::size_t>>& a,
                              const std::map<LinkName, std::vector<std::size_t>>& b) {
  for (const auto& [link, ours] : a) {
    if (!links_.contains(link)) continue;
    const auto found = b.find(link);
    if (found == b.end()) continue;  // its order has told that
    const auto& theirs = found->second;
    const std::size_t least = std::min(ours.size(), theirs.size());
    std::size_t i = 0;
    while (i < least && same(a_.event(ours[i]), b_.event(theirs[i]))) ++i;
    if (i == ours.size() && i == theirs.size()) continue;
    // A CPU that comes to an early end leaves off where it is, in one run a step before the other.
    if (i == least && (apart(link.requestor.cpu) || apart(link.server.cpu))) continue;
    differ("what happened to " + text_of(link), i < ours.size() ? &a_.event(ours[i]) : nullptr,
           i < theirs.size() ? &b_.event(theirs[i]) : nullptr);
  }
}

// Of requestors with a refusal: what is refused is sent again, so in the end as many go well, if
// that is not drawn anew.
void Comparison::compare_counts() {
  std::map<std::pair<ProcessAddress, ProcessAddress>, std::array<std::uint64_t, 2>> counts;
  for (const std::size_t side : {0, 1}) {
    const Observations& run = side == 0 ? a_ : b_;
    for (const auto& [link, events] : run.requestor_ends()) {
      if (!refused_.contains(link.requestor)) continue;
      const bool drawn = (rules_.any_order >> link.server.cpu & 1) != 0;
      const auto end = run.completion(link);
      const bool counts_here =
          drawn ? run.cancelled(link) || (end && *end != "no_lcb" && *end != "timeout")
                : end == "none";
      counts[{link.requestor, link.server}][side] += counts_here ? 1 : 0;
    }
  }
  for (const auto& [pair, count] : counts) {
    if (count[0] == count[1]) continue;
    differ(fmt::format("links from {} to {} that went well: {} and {}", text_of(pair.first),
                       text_of(pair.second), count[0], count[1]),
           nullptr, nullptr);
  }
}

void Comparison::compare_lists(const std::string& what, const std::vector<std::size_t>* a,
                               const std::vector<std::size_t>* b, bool peers) {
  const std::size_t one = a != nullptr ? a->size() : 0;
  const std::size_t two = b != nullptr ? b->size() : 0;
  for (std::size_t i = 0; i < std::max(one, two); ++i) {
    const Observed* ours = i < one ? &a_.event((*a)[i]) : nullptr;
    const Observed* theirs = i < two ? &b_.event((*b)[i]) : nullptr;
    if (ours != nullptr && theirs != nullptr && same(*ours, *theirs) &&
        (peers ? ours->peer == theirs->peer : ours->own == theirs->own)) {
      continue;
    }
    return differ(what, ours, theirs);
  }
}

// In what order the processes of a CPU come and go follows from time.
void Comparison::compare_processes() {
  std::set<ProcessAddress> all;
  for (const Observations* run : {&a_, &b_}) {
    for (const auto& [process, events] : run->processes()) all.insert(process);
  }
  for (const ProcessAddress& process : all) {
    if (apart(process.cpu)) continue;
    const auto one = a_.processes().find(process);
    const auto two = b_.processes().find(process);
    const auto* ours = one != a_.processes().end() ? &one->second : nullptr;
    const auto* theirs = two != b_.processes().end() ? &two->second : nullptr;
    if (ours != nullptr) ++result_.processes;
    compare_lists(fmt::format("process {} on CPU {}, made and stopped", process.pin, process.cpu),
                  ours, theirs, false);
  }
}

void Comparison::compare_membership() {
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu) {
    for (unsigned other = 0; other < contract::max_nodes; ++other) {
      const auto one = a_.membership().find({cpu, other});
      const auto two = b_.membership().find({cpu, other});
      compare_lists(fmt::format("what CPU {} thinks of CPU {}", cpu, other),
                    one != a_.membership().end() ? &one->second : nullptr,
                    two != b_.membership().end() ? &two->second : nullptr, true);
    }
  }
}

}  // namespace

Agreement compare(const Observations& a, const Observations& b, const CompareRules& rules) {
  return Comparison(a, b, rules)();
}

}  // namespace xybus
