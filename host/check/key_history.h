/// What the clients of a replicated map asked and were answered, and whether one map could have
/// answered so.
///
/// Linearizability (Herlihy and Wing, 1990): each operation seems to happen at one instant between
/// its call and its answer. Keys have nothing to do with each other, and the property holds of the
/// whole if it holds of each, so each key is judged for itself.
///
/// An operation whose client got an error, or is gone, may have happened, at any time after its
/// call, or not. The machine says of some errors that nothing was done (`refused`): those did not.
///
/// Rules, each with a test that breaks it:
///   history   one map could have answered all operations so
///   answered  no client is told of an error, unless errors are allowed
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "check/complaints.h"
#include "check/workload_check.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

/// One operation of one client on one key. Values are 64 bits; 0 is that of a key never written.
struct KeyOperation {
  enum Kind : std::uint8_t { read, write, swap };  // swap: compare, and set if equal
  enum Outcome : std::uint8_t {
    pending,  ///< no answer yet, or an error that leaves open what was done
    done,
    refused,  ///< an error that says that nothing was done
  };
  Kind kind = read;
  Outcome outcome = pending;
  std::uint32_t key = 0;
  std::uint32_t client = 0;
  std::uint64_t expected = 0;  ///< Swap: the value to be found.
  std::uint64_t value = 0;     ///< Write, swap: the new value. Read: the one found, once done.
  bool swapped = false;        ///< Swap, once done: whether it was found.
  std::uint64_t called = 0;    ///< Cycle.
  std::uint64_t answered = 0;  ///< Cycle, once done.
};

class KeyHistory : public WorkloadCheck {
 public:
  using Number = std::size_t;

  explicit KeyHistory(bool errors_allowed = true) : errors_allowed_(errors_allowed) {}

  /// A client calls; the rest of the operation is filled in by the two below.
  Number call(KeyOperation operation);
  /// It was answered. `value`: what a read found; `swapped`: what a swap says.
  void answer(Number number, std::uint64_t cycle, std::uint64_t value, bool swapped);
  /// It ended with an error that leaves open whether it was done.
  void fail(Number number, std::uint64_t cycle, contract::Error error);
  /// It ended with an error that says that nothing was done.
  void refuse(Number number) { operations_[number].outcome = KeyOperation::refused; }

  const std::vector<KeyOperation>& operations() const { return operations_; }

  /// The check "history". Takes time that grows with the operations that overlap, and doubles
  /// with each one whose outcome is open; what takes more than `most_states` places of one key at
  /// once is not judged, and the detail says so.
  CheckResult check() const;
  static constexpr std::size_t most_states = 100'000;

  std::string_view name() const override { return "history"; }
  void forge(std::uint64_t cycle) override;
  std::uint64_t ended() const override { return ended_; }
  void begin(const DriveContents&) override {}
  CheckResult result(const DriveContents&, bool) const override { return check(); }
  std::optional<std::uint64_t> first_complaint() const override;

 private:
  Complaints judge(unsigned& keys, unsigned& not_judged) const;

  bool errors_allowed_;
  std::vector<KeyOperation> operations_;
  Complaints errors_;
  std::uint64_t ended_ = 0;
};

/// Why no map could have answered so, or nothing if one could. All of one key, in any order.
/// `given_up` is set when it takes too many states.
std::optional<Complaints> judge_key(const std::vector<KeyOperation>& operations, bool& given_up);

}  // namespace xybus
