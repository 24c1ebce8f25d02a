#include "run/disk_watch.h"

#include "model/crc32c.h"

namespace xybus {
namespace {

// `drive` is its number of all drives of the machine, `crc` that of what was read or written.
constexpr EventKind read_kind{
    "disk_read",
    {"drive", "block", "blocks", EventField{"status", name_of<hal::DiskStatus>}, "crc"}};
constexpr EventKind write_kind{
    "disk_write",
    {"drive", "block", "blocks", EventField{"status", name_of<hal::DiskStatus>}, "crc"}};

}  // namespace

bool DiskWatch::fails(const DriveAccess& access) {
  return !closed_ && injector_.drive_fails(access);
}

void DiskWatch::done(const DriveAccess& access, hal::DiskStatus status,
                     std::span<const std::byte> data) {
  if (closed_) return;
  log_.record(EventLog::cpu(access.cpu), access.cycle, access.write ? write_kind : read_kind,
              {access.drive, access.block, access.count, static_cast<std::uint64_t>(status),
               crc32c(data)});
}

}  // namespace xybus
