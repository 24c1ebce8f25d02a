/// Process pairs: a primary that works, a backup that knows enough to go on.
///
///     primary                                backup
///     start_backup ── newprocess ─────────▶  checkmonitor
///     checkopen    ── sync block ─────────▶    opens the file too
///     checkpoint   ── all in one message ─▶    keeps it, replies
///     stops, abends, its CPU fails; checkswitch
///                                            returns: it is the primary
///
/// Who is the primary, the destination control table says (Dct), on all CPUs alike: a backup takes
/// over when its copy of the table does, and not because it misses somebody.
///
/// Guardian's CHECKPOINT returns a second time, in the backup, on a copy of the stack. A coroutine
/// has no stack to copy: here the program names its restart points by numbers, and checkmonitor
/// gives it the last one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "firmware/filesystem/file_system.h"
#include "firmware/pair/checkpoint.h"
#include "firmware/process/guardian.h"

namespace xybus {

/// Something that a checkpoint changes in the backup, other than plain memory.
class PairItem {
 public:
  virtual ~PairItem() = default;
  /// `data` is what the primary gave; must not wait.
  virtual void apply(std::uint32_t offset, std::span<const std::byte> data) = 0;
};

struct CheckpointStatus {
  enum Code : std::uint8_t {
    ok = 0,
    /// There is none, or none any more: `error` says how it went. With `wrong_owner` and `timeout`
    /// there is one that is not in checkmonitor, and has not been told: it would take over without
    /// that, unless it is stopped.
    no_backup = 1,
    takeover = 2,   ///< Guardian's second return; never here.
    bad_parameter = 3,
  };
  Code code = ok;
  contract::Error error = contract::Error::none;
  bool operator==(const CheckpointStatus&) const = default;
};

/// Why a backup is one no more.
struct Takeover {
  enum Reason : std::uint8_t { stopped, abended, cpu_failed, checkswitch };
  Reason reason = stopped;
  std::optional<RestartPoint> restart;  ///< The last one; none if none was ever given.
};

constexpr const char* name(Takeover::Reason reason) {
  switch (reason) {
    case Takeover::stopped: return "stopped";
    case Takeover::abended: return "abended";
    case Takeover::cpu_failed: return "cpu_failed";
    case Takeover::checkswitch: return "checkswitch";
  }
  return "?";
}

class Pair : public Guardian::Extension {
 public:
  using Error = contract::Error;
  enum class Role : std::uint8_t {
    single,   ///< Without a name, or without a backup.
    primary,  ///< With a backup.
    backup,
  };

  explicit Pair(Guardian& guardian);

  Role role() const;
  /// The other one; none while there is none.
  ProcessHandle other() const;

  /// What checkpoints may name by this number, on both sides alike: memory that the backup has the
  /// primary's bytes copied to, or an item. A number is given once.
  void item(std::uint16_t number, std::span<std::byte> memory);
  void item(std::uint16_t number, PairItem& item);

  // ---- Primary -------------------------------------------------------------------------------

  /// Makes a backup on another CPU, of a program of the library: the one that this process runs. It
  /// is there when this is done, and in checkmonitor soon. Errors as of Guardian::newprocess.
  Task<Error> start_backup(std::string_view program, unsigned cpu);

  /// Tells the backup, and waits until it has it. `files` are open without anything outstanding.
  /// Data and files together: at most Checkpoint::most_parts, else `bad_parameter`, as for an item
  /// or a file that there is not. Once there is no backup the primary goes on alone; while a backup
  /// that does not answer may have taken over, it waits. A backup that has never been in
  /// checkmonitor is waited for, patience() cycles: then it is `no_backup`, with `wrong_owner` when
  /// it refuses because it serves requests itself, or `timeout` when it does nothing of the kind.
  Task<CheckpointStatus> checkpoint(std::span<const CheckpointData> data,
                                    std::span<const FileNumber> files = {},
                                    std::optional<RestartPoint> restart = {});

  /// The backup opens, or closes, what the primary has. Of a backup that does not monitor: as
  /// checkpoint.
  Task<CheckpointStatus> checkopen(FileNumber file);
  Task<CheckpointStatus> checkclose(FileNumber file);

  /// Changes places with the backup, which has to be in checkmonitor. When it is `ok` this process
  /// is the backup, and has to call checkmonitor.
  Task<CheckpointStatus> checkswitch();

  // ---- Backup --------------------------------------------------------------------------------

  /// Takes what the primary tells, until this process is the primary. Requests of others are
  /// refused meanwhile with `wrong_owner`: their file systems ask the table, and send them again.
  Task<Takeover> checkmonitor();

 private:
  struct Item {
    std::uint16_t number;
    std::span<std::byte> memory;
    PairItem* item;
  };

  std::uint64_t patience() const;
  const Item* find(std::uint16_t number) const;
  const DctEntry* entry() const { return guardian_.dct().find(guardian_.handle()); }
  void begin_message(contract::FileOperation operation);
  Task<CheckpointStatus> tell_backup(contract::FileOperation operation);
  bool openers_changed() const;

  Task<> take(const Request& request);
  Task<Error> perform(const Request& request);
  Error keep(std::span<const std::byte> data);
  std::optional<Takeover> taken_over();

  Guardian& guardian_;
  FileSystem& files_;
  std::vector<Item> items_;
  Checkpoint checkpoint_;            // the one that is being made, or was taken last
  std::vector<std::byte> message_;
  std::vector<Opener> openers_;      // that the backup knows of
  ProcessHandle told_;               // the backup that knows of them
  ProcessHandle monitoring_;         // a backup that has answered, and so is in checkmonitor
  ProcessHandle primary_;            // while this is the backup
  std::optional<RestartPoint> restart_;
};

/// That of a process.
inline Pair& pair(Guardian& guardian) { return guardian.extension<Pair>(Guardian::Slot::pair); }

}  // namespace xybus
