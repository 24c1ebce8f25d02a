/// What copiers of files read back, against what they wrote.
///
/// Rules, each with a test that breaks it:
///   same      a copy that is read back has the bytes of its source, all of them
///   answered  no copier is told of an error, unless errors are allowed
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "check/complaints.h"
#include "check/workload_check.h"
#include "contract/contract.h"

namespace xybus {

class FileCopies : public WorkloadCheck {
 public:
  explicit FileCopies(bool errors_allowed) : errors_allowed_(errors_allowed) {}

  /// A copier has read a file, all of it, and found `is` where `written` was to be.
  void read_back(unsigned copier, std::string_view file, std::span<const std::byte> written,
                 std::span<const std::byte> is, std::uint64_t cycle);
  /// It was told of an error, and gave this copy up.
  void failed(unsigned copier, std::string_view file, std::string_view what, contract::Error error,
              std::uint64_t cycle);

  std::string_view name() const override { return "files"; }
  void forge(std::uint64_t cycle) override {
    read_back(0, "$NONE.PLANTED", {}, std::as_bytes(std::span("x", 1)), cycle);
  }
  /// Copies that have been read back or given up.
  std::uint64_t ended() const override { return copies_ + failed_; }
  void begin(const DriveContents&) override {}
  /// The check "files".
  CheckResult result(const DriveContents& drives, bool whole) const override;
  std::optional<std::uint64_t> first_complaint() const override {
    return complaints_.first_cycle();
  }

 private:
  bool errors_allowed_;
  std::uint64_t copies_ = 0, failed_ = 0, bytes_ = 0;
  Complaints complaints_;
};

}  // namespace xybus
