// Faults of disk drives: which commands fail.
#include <algorithm>

#include "fault/injector.h"

namespace xybus {

namespace {

bool touches(const DriveAccess& access, std::uint32_t block) {
  return block >= access.block && block - access.block < access.count;
}

}  // namespace

bool Injector::holds(Fault& fault, const DriveAccess& access) {
  const FaultSpec& spec = fault.spec;
  if (const auto* each = std::get_if<EachPacket>(&spec.when)) {
    if (access.cycle < each->after_cycle) return false;
    if (spec.until_cycle && access.cycle >= *spec.until_cycle) return false;
    return !spec.detail.block || touches(access, *spec.detail.block)
               ? fault.chance[0].chance(each->probability)
               : false;
  }
  if (!fault.first_cycle || access.cycle < *fault.first_cycle || fault.mended) return false;
  if (fault.ended && access.cycle >= *fault.ended) return false;
  return !spec.detail.block || touches(access, *spec.detail.block);
}

bool Injector::drive_fails(const DriveAccess& access) {
  const FaultKind kind = access.write ? FaultKind::disk_write_error : FaultKind::disk_read_error;
  bool fails = false;
  for (Fault& fault : faults_) {
    if (fault.spec.kind != kind || fault.spec.detail.drive_number != access.drive) continue;
    if (!holds(fault, access)) continue;
    fails = true;
    ++fault.struck;
    if (!fault.first_cycle) fault.first_cycle = access.cycle;
  }
  if (!access.write || fails) return fails;
  // The drive puts what is written anew elsewhere.
  for (Fault& fault : faults_) {
    const FaultSpec& spec = fault.spec;
    const bool bad_block = spec.kind == FaultKind::disk_read_error && spec.detail.block &&
                           !std::holds_alternative<EachPacket>(spec.when);
    if (!bad_block || spec.detail.drive_number != access.drive) continue;
    if (holds(fault, access)) fault.mended = true;
  }
  return false;
}

}  // namespace xybus
