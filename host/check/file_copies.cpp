#include "check/file_copies.h"

#include <fmt/format.h>

#include <algorithm>

namespace xybus {

void FileCopies::read_back(unsigned copier, std::string_view file,
                           std::span<const std::byte> written, std::span<const std::byte> is,
                           std::uint64_t cycle) {
  ++copies_;
  bytes_ += is.size();
  const auto [at_is, at_written] = std::ranges::mismatch(is, written);
  if (at_is != is.end() && at_written != written.end()) {
    complaints_.add(fmt::format("copier {}: byte {} of {} is {:#04x}, expected {:#04x}", copier,
                                at_is - is.begin(), file, std::to_integer<unsigned>(*at_is),
                                std::to_integer<unsigned>(*at_written)),
                    cycle);
  } else if (is.size() != written.size()) {
    complaints_.add(fmt::format("copier {}: {} has {} bytes, expected {}", copier, file, is.size(),
                                written.size()),
                    cycle);
  }
}

void FileCopies::failed(unsigned copier, std::string_view file, std::string_view what,
                        contract::Error error, std::uint64_t cycle) {
  ++failed_;
  if (errors_allowed_) return;
  complaints_.add(fmt::format("copier {} was told error {} ({}) of {} {}", copier,
                              static_cast<unsigned>(error), contract::name(error), what, file),
                  cycle);
}

CheckResult FileCopies::result(const DriveContents&, bool) const {
  return complaints_.result("files", fmt::format("{} copies read back, {} bytes, all as they were "
                                                 "written; {} failed",
                                                 copies_, bytes_, failed_));
}

}  // namespace xybus
