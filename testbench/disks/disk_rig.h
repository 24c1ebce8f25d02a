/// A machine with a volume, its disk process, and users of its files.
///
/// Three or four CPUs on the fabric of packets; CPUs 0 and 1 have the drives.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "firmware/filesystem/file_system.h"
#include "firmware/kernel.h"
#include "firmware/process/guardian.h"
#include "firmware/process/program_library.h"
#include "model/machine.h"

namespace disks_test {

using namespace xybus;
using contract::Error;
using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t alive_interval = 20'000;

Bytes bytes_of(const std::string& text);
/// `count` bytes that depend on `seed`.
Bytes pattern(std::uint32_t seed, std::size_t count);

struct RigOptions {
  unsigned cpus = 4;
  std::uint32_t blocks = 128;
  unsigned drives = 2;
  /// What is on the drives at first; empty: zeros.
  std::array<std::string, 2> images{};
};

/// Which blocks cannot be read or written, by drive.
struct Defects : DriveObserver {
  std::set<std::pair<unsigned, std::uint32_t>> unreadable;
  std::set<unsigned> refuse_writes;
  bool mend_by_write = true;

  bool fails(const DriveAccess& access) override;
  void done(const DriveAccess&, hal::DiskStatus, std::span<const std::byte>) override {}
};

class DiskRig {
 public:
  explicit DiskRig(const RigOptions& options = {});
  ~DiskRig() { machine.finish(); }

  /// Starts the disk process $DATA on CPU 0, and waits until it is a pair.
  void start_volume();
  /// A process that nobody waits for.
  void create(unsigned cpu, std::function<Task<>(Guardian&)> body);
  /// The same, and waits until it has ended.
  void perform(unsigned cpu, std::function<Task<>(Guardian&)> body);

  void run(std::uint64_t cycles) { machine.run(machine.cycle() + cycles); }
  /// std::runtime_error if it does not come true.
  void run_until(const std::function<bool()>& done, std::uint64_t most = 40'000'000);

  const DctEntry* entry(unsigned by, std::string_view name = "$DATA");
  bool has_pair(unsigned by = 2);
  /// Halts a CPU, or starts it again.
  void halt(unsigned cpu) { machine.halt(cpu); }
  void restart(unsigned cpu) { machine.restart(cpu); }
  /// Stops the primary, and waits until there is another.
  void stop_primary(unsigned by = 2);
  std::string image(unsigned drive);
  /// Both drives hold the same, from `block` on.
  bool equal(std::uint32_t block = 0);

  Machine machine;
  ProgramLibrary programs;
  Defects defects;

 private:
  void boot(unsigned cpu, hal::Hal& hal);

  struct Wanted {
    unsigned cpu;
    std::function<Task<>(Guardian&)> body;
  };
  RigOptions options_;
  std::array<Kernel*, 4> kernels_{};
  std::array<unsigned, 4> boots_{};
};

/// Opens a file of the volume, which is tried until there is a volume.
Task<FileNumber> open_file(Guardian& guardian, std::string_view name, unsigned sync_depth = 1);

Task<> sleep_for(Guardian& guardian, std::uint64_t cycles);

}  // namespace disks_test
