#include "check/key_history.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

namespace xybus {

KeyHistory::Number KeyHistory::call(KeyOperation operation) {
  operation.outcome = KeyOperation::pending;
  operations_.push_back(operation);
  return operations_.size() - 1;
}

void KeyHistory::answer(Number number, std::uint64_t cycle, std::uint64_t found, bool swapped) {
  KeyOperation& operation = operations_[number];
  operation.outcome = KeyOperation::done;
  operation.answered = cycle;
  operation.found = found;
  operation.swapped = swapped;
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

void KeyHistory::refuse(Number number, std::uint64_t cycle, contract::Error error) {
  operations_[number].outcome = KeyOperation::refused;
  fail(number, cycle, error);
}

void KeyHistory::forge(std::uint64_t cycle) {
  answer(call({.kind = KeyOperation::read, .called = cycle}), cycle, ~std::uint64_t{0}, false);
}

Complaints KeyHistory::judge() const {
  std::map<std::uint32_t, std::vector<KeyOperation>> by_key;
  for (const KeyOperation& operation : operations_) by_key[operation.key].push_back(operation);
  Complaints complaints = errors_;
  std::uint64_t steps = tries_more + tries_each * operations_.size();
  for (const auto& [key, operations] : by_key) {
    const auto found = judge_key(operations, steps);
    if (found) complaints.add(found->texts().front(), found->first_cycle());
    if (steps != 0) continue;
    complaints.add(fmt::format("key {}, and those after it, cannot be judged: too many operations "
                               "of unknown outcome are open at the same time",
                               key));
    break;
  }
  return complaints;
}

std::optional<std::uint64_t> KeyHistory::first_complaint() const { return judge().first_cycle(); }

CheckResult KeyHistory::check() const {
  std::set<std::uint32_t> keys;
  std::size_t answered = 0;
  for (const KeyOperation& operation : operations_) {
    keys.insert(operation.key);
    answered += operation.outcome == KeyOperation::done ? 1 : 0;
  }
  return judge().result("history", fmt::format("{} operations on {} keys, {} of them answered",
                                               operations_.size(), keys.size(), answered));
}

}  // namespace xybus
