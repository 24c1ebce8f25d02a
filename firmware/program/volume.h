/// A mirrored volume: drives with the same contents, of which one is enough.
///
/// Block 0 of each drive is its label, with a generation. When a drive fails, the others get the
/// next generation before anything more is acknowledged; so after a loss of power those with the
/// highest generation have all that was, and the others are behind. A drive that was behind, or
/// is there again, is copied from the others while the volume is in use, and gets its label at
/// the end; until then its label says that nobody is to believe it. When none is up any more, the
/// volume is there again as soon as one is that has all that was acknowledged.
///
/// What was being written when power failed may be on one drive and not on another. So when a
/// machine starts the drives of a volume that was used are made equal, in the background; until
/// that is done their labels say so, for one that takes over meanwhile. A block that no drive can
/// read stays as it is; then the labels go on saying so, and the next one that opens the volume
/// makes all of it equal again. Otherwise who takes over does what the other one was doing once
/// more, and that makes them equal.
///
/// A label also names the drives that were up in its generation: those which may have gone on
/// without this one since. When a machine starts, a volume is not served while one of them does not
/// answer, though the others do: what they have may be old. That one may be known to be lost for
/// good; then the operator says so by giving the volume without it (`drives` of the scenario's
/// [[disk]]), and it is not missed. A drive whose label cannot be read is missed like one that does
/// not answer, for nobody knows which generation it has: the operator gives the volume without it,
/// and from the next start on with it; then it is copied from the others, and gets a label that can
/// be read. Who takes over a volume from the other one of a pair serves it from whatever has the
/// latest generation, because a drive that comes back is disowned by that one before anything else.
///
///              fails                    answers again            all copied
///     up ────────────────▶ down ────────────────────▶ copying ──────────────▶ up
///                            ▲                            │ fails
///                            └────────────────────────────┘
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "firmware/program/disk_driver.h"

namespace xybus {

/// The generation on the label of a drive, whose contents these are; 0: it has none.
std::uint32_t volume_generation(std::span<const std::byte> drive);

class Volume {
 public:
  using Error = contract::Error;
  enum class DriveState : std::uint8_t { down, copying, up };

  /// Blocks that tend() copies at a time, at most.
  static constexpr std::uint32_t piece_blocks = 16;
  /// Block numbers that a user may use begin here.
  static constexpr std::uint32_t first_block = 1;

  /// The drives of this volume that this CPU is connected to. std::logic_error if one has a driver.
  Volume(Devices& devices, Process& process, std::string_view name);

  /// Who opens a volume: the first one since the machine has power, or one that takes over.
  enum class Opener : std::uint8_t { first, successor };

  /// Takes the drives, and finds out which of them are up. A drive without a label is one that was
  /// never used. Errors: `device_down` (none answers that has all of the volume, or for the first
  /// opener one is missing that may have more), `ownership_changed`. May be called again after an
  /// error.
  Task<Error> open(Opener opener = Opener::successor);

  /// Whole blocks from `block` on, at least one, within the volume. Errors: `bad_data` (no drive
  /// can read one of them), `device_down`; `ownership_changed` (another CPU has taken a drive: this
  /// one is done with it until it opens again).
  Task<Error> read(std::uint32_t block, std::span<std::byte> data);
  /// On all drives that are up. A write that fails on all of them may have been done on some.
  Task<Error> write(std::uint32_t block, std::span<const std::byte> data);

  /// Goes on with what makes the volume whole: looks whether a drive that is down answers, or
  /// reads and writes one piece, `piece_blocks`. To be called now and then, `work_left` soon again.
  /// A volume that is lost stays so until `open`.
  Task<> tend();
  bool work_left() const;
  /// Another CPU has taken a drive.
  bool lost() const { return lost_; }

  /// Of the smallest drive.
  std::uint32_t blocks() const;
  unsigned drives() const { return static_cast<unsigned>(drives_.size()); }
  DriveState state(unsigned drive) const { return drives_[drive].state; }

 private:
  struct Drive {
    std::unique_ptr<DiskDriver> driver;
    DriveState state = DriveState::down;
    std::uint32_t next = 0;  // copying: blocks before it are copied
  };

  /// What a drive says of itself.
  struct Label {
    bool answers = false;
    bool whole = false;            // nothing was being copied to it
    std::uint32_t generation = 0;  // 0: it was never used
    std::uint32_t up = 0;          // in that generation; one bit for each drive
    bool equal = true;             // these have the same contents but for a write under way
  };

  bool is_lost(const Drive& drive, hal::DiskStatus status) const;
  Task<Label> read_label(Drive& drive);
  Task<hal::DiskStatus> disown_label(Drive& drive);
  Task<Error> write_labels();
  static bool one_missing(std::span<const Label> labels, std::uint32_t generation);
  Task<Error> drop(Drive& drive, hal::DiskStatus status);
  Task<Error> read_together(std::uint32_t block, std::span<std::byte> data);
  Task<> copy_some(Drive& drive);
  Task<> equalize_some();
  Task<Error> equalize(std::uint32_t block, std::span<std::byte> data);
  std::span<std::byte> piece(std::uint32_t block);
  Task<Error> write_all(std::uint32_t block, std::span<const std::byte> data);
  bool any_up() const;

  std::vector<Drive> drives_;
  std::uint32_t generation_ = 0;
  std::uint32_t acknowledged_in_ = 0;  // the generation in which something may have been
  std::uint32_t equal_up_to_ = ~std::uint32_t{0};  // the drives that are up, before this block
  bool all_read_ = true;  // what was to be made equal so far
  bool stuck_ = false;  // what is to be copied can be read nowhere
  bool lost_ = false;   // to another CPU
  std::vector<std::byte> buffer_;
};

}  // namespace xybus
