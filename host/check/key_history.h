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
#include <optional>
#include <vector>

#include "check/complaints.h"
#include "check/key_judge.h"
#include "check/workload_check.h"
#include "contract/contract.h"
#include "report/run_result.h"

namespace xybus {

class KeyHistory : public WorkloadCheck {
 public:
  using Number = std::size_t;

  explicit KeyHistory(bool errors_allowed = true) : errors_allowed_(errors_allowed) {}

  /// A client calls; the rest of the operation is filled in by the two below.
  Number call(KeyOperation operation);
  /// It was answered. `found`: the value before it; `swapped`: what a swap says.
  void answer(Number number, std::uint64_t cycle, std::uint64_t found, bool swapped);
  /// It ended with an error that leaves open whether it was done.
  void fail(Number number, std::uint64_t cycle, contract::Error error);
  /// It ended with an error that says that nothing was done.
  void refuse(Number number, std::uint64_t cycle, contract::Error error);

  const std::vector<KeyOperation>& operations() const { return operations_; }

  /// The check "history". How long it takes is bounded, see judge_key(): this many tries for each
  /// operation, and some more. A key that would take more cannot be judged, and is a complaint.
  CheckResult check() const;
  static constexpr std::uint64_t tries_each = 1'000, tries_more = 5'000'000;

  std::string_view name() const override { return "history"; }
  void forge(std::uint64_t cycle) override;
  std::uint64_t ended() const override { return ended_; }
  void begin(const DriveContents&) override {}
  CheckResult result(const DriveContents&, bool) const override { return check(); }
  std::optional<std::uint64_t> first_complaint() const override;

 private:
  Complaints judge() const;

  bool errors_allowed_;
  std::vector<KeyOperation> operations_;
  Complaints errors_;
  std::uint64_t ended_ = 0;
};

}  // namespace xybus
