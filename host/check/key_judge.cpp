#include "check/key_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
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

  bool has(std::uint32_t number) const { return std::ranges::binary_search(done, number); }
  void add(std::uint32_t number) {
    done.insert(std::ranges::lower_bound(done, number), number);
  }
  void remove(std::uint32_t number) { done.erase(std::ranges::lower_bound(done, number)); }
};

struct Moment {
  std::uint64_t cycle;
  bool answer;  // calls of a cycle before its answers: what touches may overlap
  std::uint32_t number;
  auto operator<=>(const Moment&) const = default;
};

/// What an operation makes of a value; nothing if it could not have been answered as it was.
std::optional<std::uint64_t> perform(const KeyOperation& operation, std::uint64_t value) {
  const bool known = operation.outcome == KeyOperation::done;
  if (known && operation.found != value) return std::nullopt;
  switch (operation.kind) {
    case KeyOperation::read: return value;
    case KeyOperation::write: return operation.value;
    case KeyOperation::swap: {
      const bool equal = operation.expected == value;
      if (known && operation.swapped != equal) return std::nullopt;
      return equal ? operation.value : value;
    }
  }
  return std::nullopt;
}

std::string describe(const KeyOperation& operation) {
  const auto what = [&]() -> std::string {
    switch (operation.kind) {
      case KeyOperation::read: return fmt::format("read, which found {}", operation.found);
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

/// Values that somebody was answered to have found, and those that a swap must have found for one
/// of these to be there. A pending operation that makes no such value may as well not have
/// happened.
std::set<std::uint64_t> values_seen(const std::vector<KeyOperation>& operations) {
  std::set<std::uint64_t> seen;
  std::vector<const KeyOperation*> swaps;
  for (const KeyOperation& operation : operations) {
    if (operation.outcome == KeyOperation::done) seen.insert(operation.found);
    const bool open = operation.outcome == KeyOperation::pending;
    if (open && operation.kind == KeyOperation::swap) swaps.push_back(&operation);
  }
  const auto needed = [&seen](const KeyOperation* swap) { return seen.contains(swap->value); };
  for (;;) {
    const auto rest = std::partition(swaps.begin(), swaps.end(), std::not_fn(needed));
    if (rest == swaps.end()) return seen;
    for (auto swap = rest; swap != swaps.end(); ++swap) seen.insert((*swap)->expected);
    swaps.erase(rest, swaps.end());
  }
}

/// All places of one key, moment by moment: those right after an operation that was answered. A
/// pending one is done together with what comes next and finds its value: had nothing found it, it
/// could be left out.
class Judge {
 public:
  Judge(const std::vector<KeyOperation>& operations, std::uint64_t& steps)
      : operations_(operations), steps_(steps) {}

  std::optional<Complaints> operator()();

 private:
  std::vector<Moment> moments() const;
  bool answer(std::uint32_t number);
  void grow(std::uint32_t number);
  void go_on(const Place& place, bool after_pending);
  void reach(Place place);
  bool settle(Place& place);
  Complaints complaint(const KeyOperation& operation, const std::set<Place>& before) const;

  bool known(std::uint32_t number) const {
    return operations_[number].outcome == KeyOperation::done;
  }
  /// False when all tries have been made.
  bool step() { return steps_ != 0 && --steps_ != 0; }

  const std::vector<KeyOperation>& operations_;
  std::uint64_t& steps_;
  std::set<Place> places_{Place{}};
  std::vector<Place> fresh_;          // of these, from which it has not gone on
  std::vector<std::uint32_t> open_;  // called, and not answered yet
};

std::vector<Moment> Judge::moments() const {
  const std::set<std::uint64_t> seen = values_seen(operations_);
  std::vector<Moment> moments;
  for (std::uint32_t number = 0; number < operations_.size(); ++number) {
    const KeyOperation& operation = operations_[number];
    if (operation.outcome == KeyOperation::refused) continue;
    const bool idle = !known(number) && (operation.kind == KeyOperation::read ||
                                         !seen.contains(operation.value));
    if (idle) continue;
    moments.push_back({operation.called, false, number});
    if (known(number)) moments.push_back({operation.answered, true, number});
  }
  std::ranges::sort(moments);
  return moments;
}

std::optional<Complaints> Judge::operator()() {
  for (const Moment& moment : moments()) {
    if (!moment.answer) {
      open_.push_back(moment.number);
      continue;
    }
    const std::set<Place> before = places_;
    grow(moment.number);
    if (steps_ == 0) return std::nullopt;
    if (!answer(moment.number)) return complaint(operations_[moment.number], before);
  }
  return std::nullopt;
}

Complaints Judge::complaint(const KeyOperation& operation, const std::set<Place>& before) const {
  std::string values;
  std::optional<std::uint64_t> last;
  for (const Place& place : before) {  // in order of their values
    if (last == place.value) continue;
    last = place.value;
    values += fmt::format("{}{} {}", values.empty() ? "" : " or ", place.value,
                          origin(place.value, operations_));
  }
  Complaints complaints;
  const char* const found = operation.kind == KeyOperation::read ? "{} {}" : "it found {}, which {}";
  complaints.add(fmt::format("key {}: no order of the operations explains the {}; before it, {}; ",
                             operation.key, describe(operation), values) +
                     fmt::format(fmt::runtime(found), operation.found,
                                 origin(operation.found, operations_)),
                 operation.answered);
  return complaints;
}

/// Adds the places to which operations lead that may happen before this one is answered. Those that
/// have the one that is answered need go no further: the rest can happen later as well.
void Judge::grow(std::uint32_t number) {
  for (Place place : std::exchange(places_, {})) {
    settle(place);
    reach(std::move(place));
  }
  while (!fresh_.empty() && steps_ != 0) {
    const Place place = std::move(fresh_.back());
    fresh_.pop_back();
    if (!place.has(number)) go_on(place, false);
  }
}

void Judge::go_on(const Place& place, bool after_pending) {
  for (const std::uint32_t next : open_) {
    if (!step()) return;
    if (place.has(next)) continue;
    const KeyOperation& operation = operations_[next];
    if (!known(next) && after_pending && operation.kind == KeyOperation::write) continue;
    const auto value = perform(operation, place.value);
    if (!value || *value == place.value) continue;  // what changes nothing is settled
    Place after = place;
    after.value = *value;
    after.add(next);
    const bool found = settle(after);
    if (known(next) || found) {
      reach(std::move(after));
    } else {
      go_on(after, true);
    }
  }
}

void Judge::reach(Place place) {
  const auto [at, is_new] = places_.insert(std::move(place));
  if (is_new) fresh_.push_back(*at);
}

/// Does what was answered and changes nothing, as it stands in nobody's way; whether there was any.
bool Judge::settle(Place& place) {
  bool any = false;
  for (const std::uint32_t next : open_) {
    if (!step()) return any;
    if (!known(next) || perform(operations_[next], place.value) != place.value) continue;
    if (place.has(next)) continue;
    place.add(next);
    any = true;
  }
  return any;
}

/// Leaves only the places in which it has been done; false if there is none.
bool Judge::answer(std::uint32_t number) {
  std::set<Place> left;
  for (Place place : std::exchange(places_, {})) {
    if (!place.has(number)) continue;
    place.remove(number);
    left.insert(std::move(place));
  }
  // Nor is a pending one looked at any more that has happened in any case.
  std::erase_if(open_, [&](std::uint32_t open) {
    if (open == number) return true;
    const bool everywhere = !known(open) && std::ranges::all_of(left, [open](const Place& place) {
      return place.has(open);
    });
    if (!everywhere) return false;
    for (Place place : std::exchange(left, {})) {
      place.remove(open);
      left.insert(std::move(place));
    }
    return true;
  });
  places_ = std::move(left);
  return !places_.empty();
}

}  // namespace

const char* kind_name(KeyOperation::Kind kind) {
  switch (kind) {
    case KeyOperation::read: return "read";
    case KeyOperation::write: return "write";
    case KeyOperation::swap: return "swap";
  }
  return "?";
}

std::optional<Complaints> judge_key(const std::vector<KeyOperation>& operations,
                                    std::uint64_t& steps) {
  return Judge(operations, steps)();
}

}  // namespace xybus
