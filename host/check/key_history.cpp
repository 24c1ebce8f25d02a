#include "check/key_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace xybus {

namespace {

/// Where a map could be that has answered all so far: its value, and which of the operations that
/// have been called and not been answered it has done already (in order of their numbers).
struct Place {
  std::uint64_t value = 0;
  std::vector<std::uint32_t> done;
  auto operator<=>(const Place&) const = default;
};

struct Moment {
  std::uint64_t cycle;
  bool answer;  // calls of a cycle before its answers: what touches may overlap
  std::uint32_t number;
  auto operator<=>(const Moment&) const = default;
};

/// Does the operation; false if it could not have been answered as it was.
bool perform(const KeyOperation& operation, std::uint64_t& value) {
  const bool known = operation.outcome == KeyOperation::done;
  switch (operation.kind) {
    case KeyOperation::read: return !known || operation.value == value;
    case KeyOperation::write: value = operation.value; return true;
    case KeyOperation::swap: {
      const bool equal = operation.expected == value;
      if (equal) value = operation.value;
      return !known || operation.swapped == equal;
    }
  }
  return false;
}

const char* kind_name(KeyOperation::Kind kind) {
  switch (kind) {
    case KeyOperation::read: return "read";
    case KeyOperation::write: return "write";
    case KeyOperation::swap: return "swap";
  }
  return "?";
}

std::string describe(const KeyOperation& operation) {
  const auto what = [&]() -> std::string {
    switch (operation.kind) {
      case KeyOperation::read: return fmt::format("read, which found {}", operation.value);
      case KeyOperation::write: return fmt::format("write of {}", operation.value);
      case KeyOperation::swap:
        return fmt::format("swap of {} for {}, which {}", operation.expected, operation.value,
                           operation.swapped ? "was done" : "found another value");
    }
    return "?";
  };
  if (operation.outcome == KeyOperation::pending) {
    return fmt::format("{} of {} that was never answered (client {}, from cycle {} on)",
                       kind_name(operation.kind), operation.value, operation.client,
                       operation.called);
  }
  return fmt::format("{} (client {}, cycle {} to {})", what(), operation.client, operation.called,
                     operation.answered);
}

/// Who may have put a value there: the operation that says so first, or nobody.
std::string origin(std::uint64_t value, const std::vector<KeyOperation>& operations) {
  const auto from = std::ranges::find_if(operations, [&](const KeyOperation& operation) {
    if (operation.kind == KeyOperation::read || operation.value != value) return false;
    if (operation.outcome == KeyOperation::refused) return false;
    const bool failed = operation.kind == KeyOperation::swap &&
                        operation.outcome == KeyOperation::done && !operation.swapped;
    return !failed;
  });
  if (from != operations.end()) return "is from the " + describe(*from);
  return value == 0 ? "is what it has at first" : "was written by nobody";
}

/// All places of one key, moment by moment.
class Judge {
 public:
  explicit Judge(const std::vector<KeyOperation>& operations) : operations_(operations) {}

  std::optional<Complaints> operator()(bool& given_up);

 private:
  bool answer(std::uint32_t number);
  void grow(std::uint32_t number);

  const std::vector<KeyOperation>& operations_;
  std::set<Place> places_{Place{}};
  std::vector<std::uint32_t> open_;  // called, and not answered yet
};

std::optional<Complaints> Judge::operator()(bool& given_up) {
  std::vector<Moment> moments;
  for (std::uint32_t number = 0; number < operations_.size(); ++number) {
    const KeyOperation& operation = operations_[number];
    const bool idle = operation.outcome == KeyOperation::pending &&
                      operation.kind == KeyOperation::read;  // changes nothing, tells nothing
    if (idle || operation.outcome == KeyOperation::refused) continue;
    moments.push_back({operation.called, false, number});
    if (operation.outcome == KeyOperation::done) {
      moments.push_back({operation.answered, true, number});
    }
  }
  std::ranges::sort(moments);
  for (const Moment& moment : moments) {
    if (!moment.answer) {
      open_.push_back(moment.number);
      continue;
    }
    std::set<std::uint64_t> before;
    for (const Place& place : places_) before.insert(place.value);
    grow(moment.number);
    if (places_.size() > KeyHistory::most_states) {
      given_up = true;
      return std::nullopt;
    }
    if (answer(moment.number)) continue;
    std::string values;
    for (const std::uint64_t value : before) {
      values += fmt::format("{}{} {}", values.empty() ? "" : " or ", value,
                            origin(value, operations_));
    }
    const KeyOperation& operation = operations_[moment.number];
    Complaints complaints;
    std::string found;
    if (operation.kind == KeyOperation::read) {
      found = fmt::format("; {} {}", operation.value, origin(operation.value, operations_));
    }
    complaints.add(fmt::format("key {}: no order of the operations explains the {}; before it, "
                               "{}{}",
                               operation.key, describe(operation), values, found),
                   operation.answered);
    return complaints;
  }
  return std::nullopt;
}

/// Adds the places to which operations lead that may happen before this one is answered. Those that
/// have the one that is answered need go no further: the rest can happen later as well.
void Judge::grow(std::uint32_t number) {
  std::vector<Place> fresh(places_.begin(), places_.end());
  while (!fresh.empty() && places_.size() <= KeyHistory::most_states) {
    const Place place = std::move(fresh.back());
    fresh.pop_back();
    if (std::ranges::binary_search(place.done, number)) continue;
    for (const std::uint32_t next : open_) {
      if (std::ranges::binary_search(place.done, next)) continue;
      Place after = place;
      if (!perform(operations_[next], after.value)) continue;
      after.done.insert(std::ranges::lower_bound(after.done, next), next);
      if (places_.insert(after).second) fresh.push_back(std::move(after));
    }
  }
}

/// Leaves only the places in which it has been done; false if there is none.
bool Judge::answer(std::uint32_t number) {
  std::set<Place> left;
  for (const Place& place : places_) {
    const auto found = std::ranges::lower_bound(place.done, number);
    if (found == place.done.end() || *found != number) continue;
    Place next = place;
    next.done.erase(next.done.begin() + (found - place.done.begin()));
    left.insert(std::move(next));
  }
  places_ = std::move(left);
  open_.erase(std::ranges::find(open_, number));
  return !places_.empty();
}

}  // namespace

KeyHistory::Number KeyHistory::call(KeyOperation operation) {
  operation.outcome = KeyOperation::pending;
  operations_.push_back(operation);
  return operations_.size() - 1;
}

void KeyHistory::answer(Number number, std::uint64_t cycle, std::uint64_t value, bool swapped) {
  KeyOperation& operation = operations_[number];
  operation.outcome = KeyOperation::done;
  operation.answered = cycle;
  operation.swapped = swapped;
  if (operation.kind == KeyOperation::read) operation.value = value;
  ++ended_;
}

void KeyHistory::fail(Number number, std::uint64_t cycle, contract::Error error) {
  ++ended_;
  if (errors_allowed_) return;
  const KeyOperation& operation = operations_[number];
  errors_.add(fmt::format("client {} was told error {} ({}) of its {} of key {}, called at cycle "
                          "{}",
                          operation.client, static_cast<unsigned>(error), contract::name(error),
                          kind_name(operation.kind), operation.key, operation.called),
              cycle);
}

void KeyHistory::forge(std::uint64_t cycle) {
  answer(call({.kind = KeyOperation::read, .called = cycle}), cycle, ~std::uint64_t{0}, false);
}

std::optional<Complaints> judge_key(const std::vector<KeyOperation>& operations, bool& given_up) {
  return Judge(operations)(given_up);
}

Complaints KeyHistory::judge(unsigned& keys, unsigned& not_judged) const {
  std::map<std::uint32_t, std::vector<KeyOperation>> by_key;
  for (const KeyOperation& operation : operations_) by_key[operation.key].push_back(operation);
  keys = static_cast<unsigned>(by_key.size());
  Complaints complaints = errors_;
  for (const auto& [key, operations] : by_key) {
    bool given_up = false;
    if (const auto found = judge_key(operations, given_up)) {
      complaints.add(found->texts().front(), found->first_cycle());
    }
    not_judged += given_up ? 1 : 0;
  }
  return complaints;
}

std::optional<std::uint64_t> KeyHistory::first_complaint() const {
  unsigned keys = 0, not_judged = 0;
  return judge(keys, not_judged).first_cycle();
}

CheckResult KeyHistory::check() const {
  unsigned keys = 0, not_judged = 0;
  const Complaints complaints = judge(keys, not_judged);
  std::vector<std::uint64_t> waits;
  for (const KeyOperation& operation : operations_) {
    if (operation.outcome != KeyOperation::done) continue;
    waits.push_back(operation.answered - operation.called);
  }
  std::ranges::sort(waits);
  const auto of = [&](double share) {
    return waits.empty() ? 0 : waits[static_cast<std::size_t>(share * double(waits.size() - 1))];
  };
  std::string good = fmt::format("{} operations on {} keys, {} of them answered; clients waited {} "
                                 "cycles (half of them), {} (99 %), {} (longest)",
                                 operations_.size(), keys, waits.size(), of(0.5), of(0.99), of(1));
  if (not_judged != 0) good += fmt::format("; {} keys not judged: too much is open", not_judged);
  return complaints.result("history", std::move(good));
}

}  // namespace xybus
